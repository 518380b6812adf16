"""How a chunk goes on from a plan that it was not trained to be shown (not in the paper).

    observation              free
        |--- frozen ---|--- leftover ---|-------------------> horizon
        a0            a_d             a_e                a_K
        executed before  the plan goes    the plan says
        the chunk is     on so, it may    nothing
        there            be changed

A checkpoint trained with a clean prefix needs none of this: see HeadConfig.prefix.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dust_model.config import require

BLEND_RATE = 1.5
"""How steeply a blended chunk leaves the plan: exp(-rate) of the velocity is missing at its end.

GR00T takes 6, which makes a kink behind the frozen actions; docs/realtime.md has the figures.
"""


class Method(StrEnum):
    """How a chunk is made to agree with the plan."""

    GUIDED = "guided"
    BLENDED = "blended"


@dataclass(frozen=True, slots=True)
class Leftover:
    """What is left of the plan behind the committed actions.

    Attributes:
        method: guided: real-time chunking (RTC) by the gradient through the head, which takes three
            times as long per action step; blended: as GR00T does it, no gradients.
        actions: raw units, [m, action_dim], m >= 0; the first is due right after the prefix.
        guidance: largest weight of the guidance, beta; it is never above N_A. Range: >= 0.
        rate: how steeply a blended chunk leaves the plan. Range: > 0.
    """

    method: Method
    actions: ArrayLike
    guidance: float = 5.0
    rate: float = BLEND_RATE

    def __post_init__(self) -> None:
        require(
            math.isfinite(self.guidance) and self.guidance >= 0,
            f"guidance must be at least 0, got {self.guidance}",
        )
        require(
            math.isfinite(self.rate) and self.rate > 0, f"rate must be above 0, got {self.rate}"
        )


def guidance_weights(frozen: int, reach: int, horizon: int) -> NDArray[np.float32]:
    """Return how much each action is held to the plan, float32 [horizon, 1] in [0, 1].

    1 for the frozen ones, then falling exponentially to 0 where the plan ends (RTC, equation 5).

    Args:
        frozen: actions that are executed before the chunk is there, d.
        reach: actions that the plan knows, the frozen ones included.
        horizon: actions in a chunk.
    """
    index = np.arange(horizon)
    linear = np.clip((frozen - 1 - index) / (reach - frozen + 1) + 1, 0, 1)
    weights = linear * np.expm1(linear) / np.expm1(1)
    return np.where(index < reach, weights, 0.0).astype(np.float32)[:, None]


def blend_strengths(
    frozen: int, reach: int, horizon: int, *, rate: float = BLEND_RATE
) -> NDArray[np.float32]:
    """Return the share of its velocity that each action moves with, float32 [horizon, 1].

    0 for the frozen ones, 1 - exp(-rate u) over the leftover with u in (0, 1], 1 behind it.

    Args:
        frozen: actions that are executed before the chunk is there, d.
        reach: actions that the plan knows, the frozen ones included.
        horizon: actions in a chunk.
        rate: how steeply it rises.
    """
    index = np.arange(horizon)
    share = np.maximum((index - frozen + 1) / max(1, reach - frozen), 0)
    strengths = np.where(index < reach, -np.expm1(-rate * share), 1.0)
    return np.where(index < frozen, 0.0, strengths).astype(np.float32)[:, None]
