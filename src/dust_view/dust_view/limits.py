"""How much of the FR3's limits commanded positions use, from nothing but the positions."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dust_view.fr3 import (
    ACCELERATION,
    DECELERATION,
    JERK,
    LOWER,
    UPPER,
    VELOCITY,
    VELOCITY_OFFSET,
    Array,
)

STEP = 1e-3
"""Spacing of the samples that the control box judges. Unit: s."""

KINDS = ("position", "velocity", "acceleration", "jerk")

# A command exactly at a limit is inside: knots that are rounded to whole nanoseconds move third
# differences by about 1 rad/s^3, and lower ones by less.
TOLERANCE = {"position": 1e-9, "velocity": 1e-5, "acceleration": 1e-3, "jerk": 1e-3}


@dataclass(frozen=True, slots=True)
class LimitUse:
    """What a commanded motion used.

    Attributes:
        samples: Samples looked at.
        outside: Samples of which at least one joint was outside, by kind of limit.
        peak: Largest share of each limit; 1 is at the limit.
    """

    samples: int
    outside: Mapping[str, int]
    peak: Mapping[str, float]

    @property
    def kept(self) -> bool:
        """Whether every sample is inside."""
        return not any(self.outside.values())


def shares(positions: Array, *, step: float = STEP) -> dict[str, Array]:
    """Return the shares of all limits that a motion uses; 1 is at the limit.

    Velocities, accelerations and jerks are backward differences; their first rows, which have
    nothing before them, are 0.

    Args:
        positions: Commanded positions [samples, 7], rad.
        step: Spacing of the samples, s.

    Returns:
        By kind, an array [samples, 7] of numbers >= 0.
    """
    middle, half = (UPPER + LOWER) / 2, (UPPER - LOWER) / 2
    velocity, acceleration, jerk = (_rate(positions, order, step) for order in (1, 2, 3))
    return {
        "position": np.abs(positions - middle) / half,
        "velocity": _velocity_share(velocity, positions),
        "acceleration": np.abs(acceleration) / ACCELERATION,
        "jerk": np.abs(jerk) / JERK,
    }


def limit_use(positions: Array) -> LimitUse:
    """Count what is outside at 1 kHz.

    Args:
        positions: Commanded positions [samples, 7], rad, 1 ms apart.
    """
    outside, peak = dict.fromkeys(KINDS, 0), dict.fromkeys(KINDS, 0.0)
    for kind, share in shares(positions).items() if len(positions) else ():
        worst = share.max(axis=1)
        outside[kind] = int(np.count_nonzero(worst > 1 + TOLERANCE[kind]))
        peak[kind] = float(worst.max())
    return LimitUse(len(positions), outside, peak)


def velocity_bounds(positions: Array) -> tuple[Array, Array]:
    """Return lowest and highest velocity allowed at positions [..., 7] (rad); rad/s."""
    above = np.sqrt(np.maximum(0.0, 2 * DECELERATION * (UPPER - positions)))
    below = np.sqrt(np.maximum(0.0, 2 * DECELERATION * (positions - LOWER)))
    high = np.minimum(VELOCITY, np.maximum(0.0, above - VELOCITY_OFFSET))
    low = np.maximum(-VELOCITY, np.minimum(0.0, VELOCITY_OFFSET - below))
    return low, high


def _rate(positions: Array, order: int, step: float) -> Array:
    rate = np.zeros_like(positions)
    if len(positions) > order:
        rate[order:] = np.diff(positions, n=order, axis=0) / step**order
    return rate


def _velocity_share(velocities: Array, positions: Array) -> Array:
    low, high = velocity_bounds(positions)
    bound = np.where(velocities > 0, high, -low)
    # Where nothing may move, standing still uses nothing and moving uses infinitely much.
    share = np.zeros_like(velocities)
    with np.errstate(divide="ignore"):
        np.divide(np.abs(velocities), bound, out=share, where=np.abs(velocities) > 1e-9)
    return share
