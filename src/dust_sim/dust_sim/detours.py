"""What makes one demonstration of the expert differ from the next: pure data, drawn by seed.

The expert's own way is always the shortest. A policy that saw only that way never learns how to
come back to it; so demonstrations go another height and pace, cross the table to beside the object
and correct that on the way down, pause::

    as designed            with detours
    ----.                  --.
         |                    `.
         | turns                `. turns    until it hovers above the object
         |                        |
       object                   object

None goes down beside the object first and corrects that then: whoever imitates it would learn to go
down beside the object.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

HOVER = 0.09
"""Height above the grasp at which the open hand clears any object and the containers' rims, m."""

# Largest changes, at strength 1.
_LOWER = 0.03  # m
_HIGHER = 0.06
_SLOWER = 0.25
_MISS = 0.04  # m
_MISS_YAW = 0.35  # rad
_HOVER = 0.02  # m
_CARRY = 0.035  # m
_PAUSE = (0.2, 0.6)  # s
_PAUSES = 0.25  # share of the possible pauses


@dataclass(frozen=True, slots=True)
class Detours:
    """Detours of one trial. Without arguments: none."""

    height: float = 0.0
    """Added to the height at which the hand crosses the table, m."""
    pace: float = 1.0
    """Factor of the hand's speed, in (0, 1]."""
    miss: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """By how much the first way across ends beside the object: x, y (m), and turned (rad)."""
    hover: float = HOVER
    """Height above the grasp by which the hand is above the object and has turned, m."""
    carry: tuple[float, float] = (0.0, 0.0)
    """By how much the way across ends beside the target's middle: x, y, m."""
    before_grasp: float = 0.0
    """Pause above the object, s."""
    before_lift: float = 0.0
    """Pause with the object between the fingers, s."""
    before_lowering: float = 0.0
    """Pause above the target, s."""

    @staticmethod
    def draw(seed: int | Sequence[int], strength: float) -> Detours:
        """Draw detours.

        Args:
            seed: one or more integers >= 0.
            strength: how far and how often, in [0, 1]; at 0 there are none.

        Raises:
            ValueError: the strength is out of range.
        """
        if not 0.0 <= strength <= 1.0:
            raise ValueError(f"perturbation is {strength:g}; allowed: 0 to 1")
        if strength == 0.0:
            return Detours()
        random = np.random.default_rng(seed)
        misses = random.random() < strength
        miss = _draw_offset(random, _MISS * strength)
        yaw = random.uniform(-_MISS_YAW, _MISS_YAW) * strength
        return Detours(
            height=random.uniform(-_LOWER, _HIGHER) * strength,
            pace=1.0 - random.uniform(0.0, _SLOWER) * strength,
            miss=(*miss, yaw) if misses else (0.0, 0.0, 0.0),
            hover=HOVER + random.uniform(-_HOVER, _HOVER) * strength,
            carry=_draw_offset(random, _CARRY * strength),
            before_grasp=_draw_pause(random, strength),
            before_lift=_draw_pause(random, strength),
            before_lowering=_draw_pause(random, strength),
        )


def _draw_offset(random: np.random.Generator, most: float) -> tuple[float, float]:
    """Draw evenly from a disc with a radius, m."""
    radius = most * math.sqrt(random.random())
    angle = random.uniform(-math.pi, math.pi)
    return radius * math.cos(angle), radius * math.sin(angle)


def _draw_pause(random: np.random.Generator, strength: float) -> float:
    length = random.uniform(*_PAUSE)
    return length if random.random() < _PAUSES * strength else 0.0
