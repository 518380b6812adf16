"""What noise levels mean to a head, worked out once and kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

from dust_model.head import Head
from dust_model.stream import Condition

KEPT_LEVELS = 256
"""Noise levels per modality whose AdaLN parameters are kept; covers plans up to N_o = 256."""


class NoiseLevels:
    """AdaLN parameters and action clock per noise level. The head's weights must not change."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self._action = lru_cache(KEPT_LEVELS)(self._make_action)
        self._vision = lru_cache(KEPT_LEVELS)(self._make_vision)

    def action(self, tau: float, *, held: int) -> tuple[Condition, Tensor]:
        """Return AdaLN parameters and clock of the actions at `tau`, the first `held` clean."""
        condition, clock = self._action(tau)
        if not held:
            return condition, clock
        clean, clean_clock = self._action(1.0)
        tokens = torch.arange(1 + self._head.horizon, device=clock.device)
        # Token 0 is the state, which takes the tau of the actions still to be made.
        is_held = ((tokens >= 1) & (tokens <= held))[None, :, None]
        mixed = Condition(
            tuple(map(_where(is_held), clean.halves, condition.halves)),
            tuple(map(_where(is_held), clean.blocks, condition.blocks)),
            torch.where(is_held, clean.output, condition.output),
        )
        return mixed, torch.where(is_held[:, 1:], clean_clock, clock)

    def vision(self, tau: float) -> Condition:
        """Return the AdaLN parameters of the tokens that aren't state or actions at `tau`."""
        return self._vision(tau)

    def _make_action(self, tau: float) -> tuple[Condition, Tensor]:
        level = self._level(tau)
        return self._head.condition_action(level), self._head.action_codec.clock(level)

    def _make_vision(self, tau: float) -> Condition:
        return self._head.condition_vision(self._level(tau))

    def _level(self, tau: float) -> Tensor:
        return torch.full((1, 1), tau, device=self._head.weight.device)


def _where(mask: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda held, free: torch.where(mask, held, free)
