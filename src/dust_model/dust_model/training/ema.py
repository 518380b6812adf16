"""Exponential moving average of the trained weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class MovingAverage:
    """Averages of the trained weights of a module, float32.

    After n updates the decay is min(decay, (1 + n) / (10 + n)): early weights are soon forgotten.
    """

    def __init__(self, module: nn.Module, *, decay: float) -> None:
        self._decay = decay
        self._weights = {n: w for n, w in module.named_parameters() if w.requires_grad}
        self.averages = {n: w.detach().float().clone() for n, w in self._weights.items()}

    @torch.no_grad()
    def update(self, updates: int) -> None:
        """Take the present weights in, after `updates` earlier ones."""
        decay = min(self._decay, (1 + updates) / (10 + updates))
        for name, weight in self._weights.items():
            self.averages[name].lerp_(weight.float(), 1 - decay)

    def load(self, averages: Mapping[str, Tensor]) -> None:
        """Take over averages that were saved."""
        for name, average in self.averages.items():
            average.copy_(averages[name])

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Put the averages in place of the weights for a while."""
        kept = {name: weight.detach().clone() for name, weight in self._weights.items()}
        self._put(self.averages)
        try:
            yield
        finally:
            self._put(kept)

    @torch.no_grad()
    def _put(self, values: Mapping[str, Tensor]) -> None:
        for name, weight in self._weights.items():
            weight.copy_(values[name])
