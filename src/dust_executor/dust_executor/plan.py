"""The one plan: what the arm has been promised, in absolute time.

    knots   o----o----o----o----o--o--o--o=======>  rest for ever
            past      now       |        |
                                last     end (velocity and acceleration 0)
                                action   braking tail in between

A plan is proven inside the limits before it is published, and it ends at rest: whoever falls
silent, the arm stops. Plans are values; a new one is spliced from the old one.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dust_executor.quintic import NS, States, Times, evaluate, evaluate_at

MIN_GAP = 1_000_000
"""Least distance of two knots, ns: closer ones lose the jerk to rounding."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A motion that ends at rest.

    Attributes:
        times: Strictly increasing knot times [K], ns.
        states: Knots [K, 3, J]: position, velocity, acceleration; rad, rad/s, rad/s^2.
        action_end: When the last action is due and the braking tail begins, ns.
        grip_times: Increasing times [G] at which the gripper command changes, ns.
        grips: Gripper commands [G] from those times on. Range: 0 (closed) to 1 (open).
    """

    times: Times
    states: States
    action_end: int
    grip_times: Times
    grips: NDArray[np.float64]

    @classmethod
    def at_rest(cls, position: NDArray[np.float64], *, since: int, grip: float) -> "Plan":
        """Return a plan that stays at a position [J] from `since` (ns) on."""
        states = np.zeros((1, 3, len(position)))
        states[0, 0] = position
        times = np.array([since], dtype=np.int64)
        return cls(times, states, since, times, np.array([grip], dtype=float))

    @property
    def start(self) -> int:
        """Time of the first knot, ns."""
        return int(self.times[0])

    @property
    def end(self) -> int:
        """When the arm is at rest, ns."""
        return int(self.times[-1])

    def at(self, time: int) -> States:
        """Return the state [3, J] at a time (ns)."""
        return evaluate_at(self.times, self.states, time)

    def sample(self, at: Times) -> States:
        """Return the states [N, 3, J] at times [N], ns."""
        return evaluate(self.times, self.states, at)

    def grip_at(self, at: Times) -> NDArray[np.float64]:
        """Return the gripper commands [N] at times [N], ns."""
        index = np.searchsorted(self.grip_times, at, side="right") - 1
        return self.grips[np.maximum(index, 0)]

    def buffer(self, now: int) -> float:
        """Return the time left until the braking tail begins, s."""
        return max(0, self.action_end - now) / NS

    def knots_from(self, time: int) -> tuple[Times, States]:
        """Return the knots from the newest one not after `time` (ns) on."""
        first = max(0, int(np.searchsorted(self.times, time, side="right")) - 1)
        return self.times[first:], self.states[first:]

    def snap(self, time: int) -> int:
        """Return `time` (ns), moved back onto a knot that is too close before it."""
        index = int(np.searchsorted(self.times, time, side="right")) - 1
        knot = int(self.times[max(index, 0)])
        return knot if 0 <= time - knot < MIN_GAP else time

    def spliced(self, times: Times, states: States, *, action_end: int, keep_from: int) -> "Plan":
        """Return the plan that follows this one until `times[0]` and the given knots from then on.

        Args:
            times: New knot times, ns; the first is the splice.
            states: New knots; the first is this plan's state there.
            action_end: When the new braking tail begins, ns.
            keep_from: What happened before this time (ns) may be forgotten.
        """
        old_times, old_states = self.knots_from(keep_from)
        kept = old_times < times[0]
        return replace(
            self,
            times=np.concatenate([old_times[kept], times]),
            states=np.concatenate([old_states[kept], states]),
            action_end=action_end,
        )

    def regripped(self, times: Times, grips: NDArray[np.float64], *, keep_from: int) -> "Plan":
        """Return the plan with other gripper commands from `times[0]` on.

        Args:
            times: When they are due [N], ns; N >= 1.
            grips: Commands [N].
            keep_from: What happened before this time (ns) may be forgotten.
        """
        first = max(0, int(np.searchsorted(self.grip_times, keep_from, side="right")) - 1)
        kept = self.grip_times < times[0]
        kept[:first] = False
        return replace(
            self,
            grip_times=np.concatenate([self.grip_times[kept], times]),
            grips=np.concatenate([self.grips[kept], grips]),
        )

    def shifted(self, offset: int) -> "Plan":
        """Return the same motion `offset` ns later (after the clock jumped)."""
        return replace(
            self,
            times=self.times + offset,
            action_end=self.action_end + offset,
            grip_times=self.grip_times + offset,
        )
