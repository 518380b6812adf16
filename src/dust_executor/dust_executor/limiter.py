"""Follow a reference that breaks the limits as closely as the limits allow, with ruckig.

Every `step` the tracker asks ruckig for the time-optimal way to where the reference will be a few
steps later and takes the first step of it. Near a position limit the speed towards it is bounded by
what can still be braked away.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from ruckig import InputParameter, Result, Ruckig, Synchronization, Trajectory

from dust_executor.limits import Envelope
from dust_executor.quintic import States, Times

Rows = Sequence[list[float]]
"""Position, velocity, acceleration of each joint."""

# How many steps ahead of the present state the tracked reference lies.
_LOOKAHEAD = 3
# Share of the bounds that the tracker uses: quintic pieces between its steps overshoot a little.
_TRACKER_SHARE = 0.85
# Share of the braking that keeps the arm from a position limit.
_BRAKING_SHARE = 0.4
# Speed that is always left to move away with; ruckig wants bounds above zero. rad/s.
_LEAST_SPEED = 0.01


@dataclass(frozen=True, slots=True)
class Track:
    """What the tracker follows.

    Attributes:
        reference: Gives the reference's states [N, 3, J] at times [N], ns.
        start: Where and when to begin; state [3, J] and ns.
        end: Last knot, ns.
    """

    reference: Callable[[Times], States]
    start: tuple[States, int]
    end: int


def follow(
    track: Track, bounds: Envelope, *, step: float, gentleness: float = 1.0
) -> tuple[Times, States] | None:
    """Return knots that follow the reference inside the bounds.

    Args:
        track: What to follow, from where, until when.
        bounds: Limits to plan with.
        step: Distance of the knots, s.
        gentleness: Share of acceleration and jerk to use. Range: > 0 to 1.

    Returns:
        Knot times [K], ns, and knots [K, 3, J], the first being the start; None when ruckig finds
        no way.
    """
    state, start = track.start
    count = max(1, round((track.end - start) * 1e-9 / step))
    times = np.round(np.linspace(start, track.end, count + 1)).astype(np.int64)
    ahead = np.minimum(times[:-1] + round(_LOOKAHEAD * step * 1e9), track.end)
    tracker = _Tracker(bounds, gentleness)
    states = tracker.run(state, track.reference(ahead), np.diff(times) * 1e-9)
    return None if states is None else (times, states)


class _Tracker:
    """One ruckig problem, solved again at every step; plain floats, as NumPy is slow on so few."""

    def __init__(self, bounds: Envelope, gentleness: float) -> None:
        joints, hard = len(bounds.velocity), bounds.hard
        acceleration = bounds.acceleration * _TRACKER_SHARE * gentleness
        self._solver, self._trajectory = Ruckig(joints), Trajectory(joints)
        self._problem = InputParameter(joints)
        self._problem.synchronization = Synchronization.No
        self._problem.max_acceleration = acceleration.tolist()
        self._problem.max_jerk = (bounds.jerk * 0.5 * gentleness).tolist()
        self._lower, self._upper = hard.lower.tolist(), hard.upper.tolist()
        self._reach_lower, self._reach_upper = hard.reach_lower.tolist(), hard.reach_upper.tolist()
        self._joints: list[tuple[float, ...]] = list(
            zip(
                (_TRACKER_SHARE * np.minimum(bounds.velocity, hard.velocity)).tolist(),
                (2.0 * _BRAKING_SHARE * acceleration).tolist(),
                (2.0 * hard.deceleration).tolist(),
                hard.velocity_offset.tolist(),
                strict=True,
            )
        )

    def run(self, state: States, targets: States, durations: NDArray[np.float64]) -> States | None:
        rows: list[Rows] = [tuple(state.tolist())]
        for target, duration in zip(targets.tolist(), durations.tolist(), strict=True):
            if not self._solve(rows[-1], target):
                return None
            rows.append(self._trajectory.at_time(duration))
        return np.array(rows)

    def _solve(self, state: Rows, target: Rows) -> bool:
        problem = self._problem
        position, problem.current_velocity, problem.current_acceleration = state
        low, high = self._speeds(position)
        problem.current_position = position
        problem.min_velocity, problem.max_velocity = low, high
        problem.target_position = target[0]
        problem.target_velocity = [
            max(0.98 * least, min(0.98 * most, speed))
            for least, most, speed in zip(low, high, target[1], strict=True)
        ]
        try:
            result = self._solver.calculate(problem, self._trajectory)
        except RuntimeError:
            return False
        return result in (Result.Working, Result.Finished)

    def _speeds(self, position: list[float]) -> tuple[list[float], list[float]]:
        down = zip(position, self._lower, self._reach_lower, self._joints, strict=True)
        up = zip(position, self._upper, self._reach_upper, self._joints, strict=True)
        return (
            [-_speed(here - end, here - reach, joint) for here, end, reach, joint in down],
            [_speed(end - here, reach - here, joint) for here, end, reach, joint in up],
        )


def _speed(room: float, reach: float, joint: tuple[float, ...]) -> float:
    """Return the speed allowed towards a position limit that is `room` rad away."""
    top, braking, deceleration, offset = joint
    speed = min(top, math.sqrt(max(0.0, braking * room)))
    if deceleration > 0.0:
        dependent = math.sqrt(max(0.0, deceleration * reach)) - offset
        speed = min(speed, _TRACKER_SHARE * dependent)
    return max(_LEAST_SPEED, speed)
