"""Where batches come from, and what can be made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from itertools import accumulate, pairwise
from typing import Any, Protocol

from torch import Tensor

from dust_model.data.collate import Batch
from dust_model.data.sample import Sample
from dust_model.data.shuffle import Source


class BatchSource(Protocol):
    """Batches in an order that depends on nothing but a seed; dust_model.data.loader has one."""

    def batches(self, *, first: int, rank: int, ranks: int) -> Iterator[Batch]:
        """Yield one process's shares of the batches `first`, `first` + 1, ... for ever.

        Args:
            first: batch to begin with.
            rank: number of this process, which has rows rank, rank + ranks, ... of each batch.
            ranks: processes that share every batch.
        """


class JoinedSources:
    """Several sources as one, their episodes behind each other."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = tuple(sources)
        self._starts = (0, *accumulate(len(source.lengths) for source in self._sources))

    @property
    def lengths(self) -> tuple[int, ...]:
        """Samples of each episode."""
        return tuple(length for source in self._sources for length in source.lengths)

    def read(self, episode: int, start: int, stop: int) -> list[Sample]:
        """Return the samples `start` to `stop` - 1 of an episode."""
        for source, (first, behind) in zip(self._sources, pairwise(self._starts), strict=True):
            if first <= episode < behind:
                return source.read(episode - first, start, stop)
        raise IndexError(f"episode {episode} of {self._starts[-1]}")

    def mapped(self, change: Callable[[Any], Source]) -> JoinedSources:
        """Return the same with every source replaced by what `change` makes of it."""
        return JoinedSources([change(source) for source in self._sources])


def rows(batch: Batch, chosen: slice) -> Batch:
    """Return some rows of a batch."""
    parts = {field.name: getattr(batch, field.name) for field in fields(batch)}
    cut: dict[str, Any] = {
        name: part[chosen] for name, part in parts.items() if isinstance(part, Tensor | list)
    }
    return replace(batch, **cut)
