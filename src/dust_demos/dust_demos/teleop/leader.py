"""A leader arm: the operator moves it by hand, and the arm follows joint by joint.

Engaging never jumps. Either the arm comes slowly to the leader first (`align`), or the leader is
followed from where it is, as one moves a mouse (`offset`)::

    align   engaged --slowly--> aligned --as fast as allowed--> follows
    offset  engaged ------------------------------------------> follows the leader's motion
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from dust_demos.teleop import fr3

Array = NDArray[np.float64]

_REST = 1e-6
_ALIGNED = 0.02  # rad


class Engagement(StrEnum):
    """How a leader is engaged."""

    ALIGN = "align"
    OFFSET = "offset"


@dataclass(frozen=True, slots=True)
class LeaderSettings:
    """How a leader is followed.

    Attributes:
        engagement: How it is engaged.
        align_speed: Highest joint speed until the arm has come to the leader, rad/s.
        max_gap: Largest distance of a joint at which `align` begins, rad.
        lower: Lower end of the joints' ranges [7], rad.
        upper: Upper end of the joints' ranges [7], rad.
        joint_speed: Highest joint speeds [7], rad/s.
        acceleration: Highest joint acceleration, rad/s^2.
        lag: Time constant with which the arm comes to the leader, s.
    """

    engagement: Engagement = Engagement.ALIGN
    align_speed: float = 0.3
    max_gap: float = 1.0
    lower: Array = field(default_factory=lambda: fr3.LOWER + 0.02)
    upper: Array = field(default_factory=lambda: fr3.UPPER - 0.02)
    joint_speed: Array = field(default_factory=lambda: 0.5 * fr3.SPEED)
    acceleration: float = 4.0
    lag: float = 0.1


@dataclass(frozen=True, slots=True)
class LeaderState:
    """A following arm at one moment.

    Attributes:
        joints: Positions [7], rad.
        rates: Velocities [7], rad/s.
    """

    joints: Array
    rates: Array


class Leader:
    """Follows the joints of a leader.

    Args:
        settings: How it is followed.

    Attributes:
        target: Where the arm should be [7], rad; None while no leader is engaged.
        aligned: Whether the arm has come to the leader since it was engaged.
    """

    def __init__(self, settings: LeaderSettings | None = None) -> None:
        self.settings = settings or LeaderSettings()
        self.target: Array | None = None
        self.aligned = False
        self._offset: Array = np.zeros(7)

    def engage(self, leader: Array, joints: Array, names: Sequence[str] = fr3.ARM_JOINTS) -> str:
        """Begin to follow.

        Args:
            leader: The leader's joints [7], rad.
            joints: The arm's commanded joints [7], rad.
            names: Of the joints, for the message.

        Returns:
            Why not; empty when it is followed from now on.
        """
        gap = leader - joints
        worst = int(np.argmax(np.abs(gap)))
        aligns = self.settings.engagement is Engagement.ALIGN
        if aligns and abs(gap[worst]) > self.settings.max_gap:
            return (
                f"the leader's {names[worst]} is at {leader[worst]:.2f} rad, the arm's at "
                f"{joints[worst]:.2f} rad: bring the leader to within {self.settings.max_gap:g} rad"
            )
        self._offset = np.zeros(7) if aligns else -gap
        self.aligned = not aligns
        self.follow(leader, joints)
        return ""

    def follow(self, leader: Array, joints: Array) -> None:
        """Take in the leader's joints and the arm's commanded ones, each [7], rad."""
        settings = self.settings
        self.target = np.clip(leader + self._offset, settings.lower, settings.upper)
        if not self.aligned:
            self.aligned = bool(np.max(np.abs(self.target - joints)) < _ALIGNED)

    def disengage(self) -> None:
        """Follow nobody."""
        self.target, self.aligned = None, False

    def begin(self, joints: Array) -> LeaderState:
        """Return the arm at rest at joint positions [7] (rad)."""
        return LeaderState(joints, np.zeros(7))

    def step(self, state: LeaderState, seconds: float, rates: Array | None = None) -> LeaderState:
        """Return the arm a moment later.

        Args:
            state: The arm now.
            seconds: Time until then, s.
            rates: Joint velocities [7] to keep to instead of the target (braking).
        """
        wanted = self._accelerated(state, seconds) if rates is None else rates
        if float(np.max(np.abs(wanted))) < _REST and float(np.max(np.abs(state.rates))) < _REST:
            return self.begin(state.joints)
        joints = state.joints + 0.5 * (state.rates + wanted) * seconds
        return LeaderState(self._in_range(state.joints, joints), wanted)

    def _accelerated(self, state: LeaderState, seconds: float) -> Array:
        settings = self.settings
        if self.target is None:
            wanted = np.zeros(7)
        else:
            gap = self.target - state.joints
            top = settings.joint_speed
            top = top if self.aligned else np.minimum(top, settings.align_speed)
            # Half of the acceleration is kept for what the sampling adds.
            top = np.minimum(top, np.sqrt(settings.acceleration * np.abs(gap)))
            wanted = np.clip(gap / settings.lag, -top, top)
        change = settings.acceleration * seconds
        return state.rates + np.clip(wanted - state.rates, -change, change)

    def _in_range(self, before: Array, after: Array) -> Array:
        # An arm that starts outside may stay there, but not go further.
        lower = np.minimum(self.settings.lower, before)
        upper = np.maximum(self.settings.upper, before)
        return np.clip(after, lower, upper)
