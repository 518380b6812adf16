"""What noise levels mean to a head, worked out once and kept."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from dust_model.blocks import AdaLN
from dust_model.head import Head
from dust_model.schedule import Plan
from dust_model.stream import Condition

KEPT_LEVELS = 256
"""Noise levels per modality whose AdaLN parameters are kept; covers plans up to N_o = 256."""


class NoiseLevels:
    """AdaLN parameters and action clock per noise level. The head's weights must not change.

    Args:
        head: whose.
        kept: noise levels per modality that are kept.
    """

    def __init__(self, head: Head, *, kept: int = KEPT_LEVELS) -> None:
        self._head = head
        self._action = lru_cache(kept)(self._make_action)
        self._vision = lru_cache(kept)(self._make_vision)

    def action(self, tau: float, *, clean: Tensor | None = None) -> tuple[Condition, Tensor]:
        """Return AdaLN parameters and clock of the state and the actions at `tau`.

        Args:
            tau: noise level.
            clean: True where an action has tau_A = 1 instead, bool [K, 1]. The state takes the tau
                of the actions still to be made.
        """
        level = self._action(tau)
        if clean is None:
            return level
        data, data_clock = self._action(1.0)
        condition, clock = level
        return (
            _mixed(F.pad(clean, (0, 0, 1, 0))[None], data, condition),
            torch.where(clean, data_clock, clock),
        )

    def vision(self, tau: float) -> Condition:
        """Return the AdaLN parameters of the tokens that aren't state or actions at `tau`."""
        return self._vision(tau)

    def prepare(self, plan: Plan) -> None:
        """Work out every level of a plan, and that of clean actions."""
        for tau in {1.0, *(step.tau_action for step in plan)}:
            self._action(tau)
        for tau in {tau for step in plan for tau in (step.tau_action, step.tau_vision)}:
            self._vision(tau)

    def _make_action(self, tau: float) -> tuple[Condition, Tensor]:
        level = self._level(tau)
        return self._head.condition_action(level), self._head.action_codec.clock(level)

    def _make_vision(self, tau: float) -> Condition:
        return self._head.condition_vision(self._level(tau))

    def _level(self, tau: float) -> Tensor:
        return torch.full((1, 1), tau, device=self._head.weight.device)


def _mixed(is_clean: Tensor, clean: Condition, level: Condition) -> Condition:
    """Return `clean` where the mask [1, N, 1] says so, else `level`."""

    def mix(one: AdaLN, other: AdaLN) -> AdaLN:
        gate = None
        if one.gate is not None and other.gate is not None:
            gate = torch.where(is_clean, one.gate, other.gate)
        shift = torch.where(is_clean, one.shift, other.shift)
        return AdaLN(shift, torch.where(is_clean, one.gain, other.gain), gate)

    halves = (tuple(map(mix, *pair)) for pair in zip(clean.halves, level.halves, strict=True))
    return Condition(
        tuple(halves),
        tuple(map(mix, clean.blocks, level.blocks)),
        mix(clean.output, level.output),
    )
