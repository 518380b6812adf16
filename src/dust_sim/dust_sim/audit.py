"""Counts commanded samples outside the FR3's limits, from nothing but the commanded positions.

Shares no code with whoever makes the commands: velocities, accelerations and jerks are backward
differences of the 1 kHz positions, as the robot's own control box sees them. Limits: Franka
Research 3 documentation, with the position-dependent velocity limits.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STEP = 1e-3
"""Spacing of the samples. Unit: s."""

POSITION_HIGH = np.array([2.7437, 1.7837, 2.9007, -0.1518, 2.8065, 4.5169, 3.0159])
POSITION_LOW = np.array([-2.7437, -1.7837, -2.9007, -3.0421, -2.8065, 0.5445, -3.0159])
VELOCITY = np.array([2.62, 2.62, 2.62, 2.62, 5.26, 4.18, 5.26])
VELOCITY_OFFSET = np.array([0.6599, 0.2517, 0.2000, 0.3533, 0.5757, 0.4878, 0.4628])
DECELERATION = np.array([6.0, 2.585, 3.5, 4.0, 17.0, 5.5, 17.0])
ACCELERATION = 10.0
JERK = 5000.0

# A command exactly at a limit is inside: knots that are rounded to whole nanoseconds move third
# differences by about 1 rad/s^3, and lower ones by less.
_TOLERANCE = {"position": 1e-9, "velocity": 1e-5, "acceleration": 1e-3, "jerk": 1e-3}
_NAMES = tuple(_TOLERANCE)


@dataclass(slots=True)
class AuditCounts:
    """What the audit found.

    Attributes:
        samples: Samples looked at.
        outside: Samples of which at least one joint was outside, by kind of limit.
        peak: Largest share used of each limit; 1 is at the limit. Unit: 1.
    """

    samples: int = 0
    outside: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_NAMES, 0))
    peak: dict[str, float] = field(default_factory=lambda: dict.fromkeys(_NAMES, 0.0))

    def copy(self) -> "AuditCounts":
        """Return the counts as they are now."""
        return AuditCounts(self.samples, dict(self.outside), dict(self.peak))


class CommandAudit:
    """Watches the commanded positions, block after block."""

    def __init__(self) -> None:
        self.counts = AuditCounts()
        self._tail = np.empty((0, 7))

    def reset(self) -> None:
        """Start counting anew; the motion goes on."""
        self.counts = AuditCounts()

    def interrupt(self) -> None:
        """Note that the next sample does not follow from the last one (reset, recovery)."""
        self._tail = np.empty((0, 7))

    def add(self, positions: Array) -> None:
        """Look at the next commanded samples. [samples, 7], 1 kHz, rad."""
        known = len(self._tail)
        window = np.vstack((self._tail, positions))
        self._count("position", _position_share(positions))
        shares = (
            ("velocity", 1, lambda rate: _velocity_share(rate, window[1:])),
            ("acceleration", 2, lambda rate: np.abs(rate) / ACCELERATION),
            ("jerk", 3, lambda rate: np.abs(rate) / JERK),
        )
        rate = window
        for name, order, share in shares:
            rate = np.diff(rate, axis=0) / STEP
            # Rows up to the tail's were looked at with the block before.
            self._count(name, share(rate)[max(known - order, 0) :])
        self.counts.samples += len(positions)
        self._tail = window[-3:].copy()

    def _count(self, name: str, share: Array) -> None:
        if not share.size:
            return
        worst = share.max(axis=1)
        self.counts.outside[name] += int(np.count_nonzero(worst > 1 + _TOLERANCE[name]))
        self.counts.peak[name] = max(self.counts.peak[name], float(worst.max()))


def velocity_bounds(positions: Array) -> tuple[Array, Array]:
    """Return the lowest and highest velocity allowed at these positions. [..., 7], rad -> rad/s."""
    above = np.sqrt(np.maximum(0, 2 * DECELERATION * (POSITION_HIGH - positions)))
    below = np.sqrt(np.maximum(0, 2 * DECELERATION * (positions - POSITION_LOW)))
    high = np.minimum(VELOCITY, np.maximum(0, above - VELOCITY_OFFSET))
    low = np.maximum(-VELOCITY, np.minimum(0, VELOCITY_OFFSET - below))
    return low, high


def _position_share(positions: Array) -> Array:
    middle = (POSITION_HIGH + POSITION_LOW) / 2
    return np.abs(positions - middle) / ((POSITION_HIGH - POSITION_LOW) / 2)


def _velocity_share(velocities: Array, positions: Array) -> Array:
    low, high = velocity_bounds(positions)
    bound = np.where(velocities > 0, high, -low)
    # Where nothing may move, standing still uses none of the limit and moving uses infinitely much.
    moving = np.abs(velocities) > 1e-9
    share = np.zeros_like(velocities)
    with np.errstate(divide="ignore"):
        np.divide(np.abs(velocities), bound, out=share, where=moving)
    return share
