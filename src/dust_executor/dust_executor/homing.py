"""The way home: from rest to rest in a straight line of joint space, proven like every plan.

A quintic from rest to rest, with velocity and acceleration 0 at both ends: the jerk is least, and
the controller's own quintic interpolation reproduces it exactly.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dust_executor.core import Executor
from dust_executor.limits import Limits, Shares, envelope
from dust_executor.modes import Mode
from dust_executor.plan import Plan
from dust_executor.quintic import NS, States, Times, evaluate
from dust_executor.verify import violation

# Peaks of the derivatives of 10 u^3 - 15 u^4 + 6 u^5 over u in [0, 1].
_PEAK_VELOCITY, _PEAK_ACCELERATION, _PEAK_JERK = 15 / 8, 10 / 3**0.5, 60.0
_KNOT_PERIOD = 0.1  # s
_SHORTEST = 0.5  # s
_REST = 1.0  # s
_MOST_KNOTS = 200
_STRETCHES = tuple(1.25**power for power in range(16))
_MARGIN = 1e-3  # rad: closer counts as there


class HomingError(ValueError):
    """The arm cannot be brought home; the message is the reason, in one line."""


@dataclass(frozen=True, slots=True)
class HomeSettings:
    """Where home is and how fast to go there.

    Attributes:
        positions: Home [J], rad.
        speed_share: Share of the limits of speed, acceleration and jerk. Range: > 0 to 1.
    """

    positions: tuple[float, ...]
    speed_share: float = 0.2


def home_path(
    start: NDArray[np.float64],
    goal: NDArray[np.float64],
    limits: Limits,
    *,
    begin: int,
    speed_share: float,
) -> tuple[Times, States]:
    """Return the way from rest at `start` to rest at `goal`, proven inside the limits.

    Args:
        start: Positions [J], rad.
        goal: Positions [J], rad.
        limits: The arm's hard limits.
        begin: When it begins, ns.
        speed_share: Share of the limits of speed, acceleration and jerk. Range: > 0 to 1.

    Returns:
        Knot times [K], ns, and knots [K, 3, J].

    Raises:
        HomingError: Start or goal is outside the limits, or no speed is slow enough.
    """
    for name, position in (("the arm", start), ("home", goal)):
        outside = (position < limits.lower) | (position > limits.upper)
        if np.any(outside):
            joint = int(np.argmax(outside))
            raise HomingError(
                f"joint {joint + 1} of {name} is at {position[joint]:.4f} rad, outside "
                f"[{limits.lower[joint]:g}, {limits.upper[joint]:g}]"
            )
    shares = Shares(velocity=speed_share, acceleration=speed_share, jerk=speed_share)
    bounds = envelope(limits, shares)
    shortest = _duration(np.abs(goal - start), limits, speed_share)
    # Near the ends of its range a joint may move slowly only.
    for stretch in _STRETCHES:
        times, states = _quintic(start, goal, begin, shortest * stretch)
        defect = violation(times, states, bounds)
        if not defect:
            return times, states
    raise HomingError(f"however slow, no straight way home keeps to the limits: {defect}")


def _duration(distance: NDArray[np.float64], limits: Limits, share: float) -> float:
    by_velocity = _PEAK_VELOCITY * distance / (share * limits.velocity)
    by_acceleration = np.sqrt(_PEAK_ACCELERATION * distance / (share * limits.acceleration))
    by_jerk = np.cbrt(_PEAK_JERK * distance / (share * limits.jerk))
    longest = np.max([by_velocity, by_acceleration, by_jerk])
    # The proof allows rounding, not equality.
    return max(_SHORTEST, 1.01 * float(longest))


def _quintic(
    start: NDArray[np.float64], goal: NDArray[np.float64], begin: int, duration: float
) -> tuple[Times, States]:
    ends = np.array([begin, begin + round(duration * NS)], dtype=np.int64)
    rest = np.zeros((2, 3, len(start)))
    rest[0, 0], rest[1, 0] = start, goal
    count = int(np.clip(np.ceil(duration / _KNOT_PERIOD) + 1, 2, _MOST_KNOTS))
    times = np.round(np.linspace(ends[0], ends[1], count)).astype(np.int64)
    states = evaluate(ends, rest, times)
    states[0], states[-1] = rest[0], rest[1]
    return times, states


class Homing:
    """Brings the idle arm home, and watches over it on its way.

    Args:
        core: The executor's core.
        settings: Where home is and how fast to go there.
    """

    def __init__(self, core: Executor, settings: HomeSettings) -> None:
        self._core, self._settings = core, settings
        self._plan: Plan | None = None
        self._suspected = False

    def plan(self, now: int) -> Plan:
        """Return the way home.

        Raises:
            HomingError: A task runs, the arm moves or is lost, or no way keeps to the limits.
        """
        self._refuse(now)
        core, state = self._core, self._core.watchdog.joint_state
        assert state is not None
        goal = np.array(self._settings.positions)
        if goal.shape != state.position.shape:
            raise HomingError(
                f"home.positions has {len(goal)} numbers, the arm {len(state.position)} joints"
            )
        start = core.rest_position(state)
        if np.max(np.abs(goal - start)) < _MARGIN:
            raise HomingError("the arm is at home already")
        settled = now + round(core.settings.settle * NS)
        begin = settled + round(_REST * NS)
        share = self._settings.speed_share
        times, states = home_path(start, goal, core.settings.limits, begin=begin, speed_share=share)
        # The arm stands still at first: a trajectory that comes late shall not be jumped into.
        times, states = np.append(settled, times), np.concatenate([states[:1], states])
        workspace = core.planner.workspace
        defect = workspace.violation(times, states) if workspace else ""
        if defect:
            raise HomingError(f"the way home leaves the workspace: {defect}")
        end = int(times[-1])
        grips = np.array([core.plan.grips[-1] if core.plan else state.opening])
        return Plan(times, states, end, times[:1].copy(), grips)

    def begin(self, plan: Plan) -> None:
        """Note that the arm was sent on this way."""
        self._plan, self._suspected = plan, False

    def busy(self, now: int) -> str:
        """Return that the arm is on its way; empty when it is not."""
        if self._plan is None or self._core.modes.mode is not Mode.IDLE or now > self._plan.end:
            self._plan = None
            return ""
        return f"the arm is on its way home for another {(self._plan.end - now) / NS:.1f} s"

    def fault(self, now: int) -> str:
        """Return why the arm must stop on its way home; empty when it may go on."""
        if not self.busy(now):
            return ""
        watchdog, limit = self._core.watchdog, self._core.settings.watchdog.tracking_error
        defect = watchdog.not_ready(now)
        if not defect and self._is_astray():
            defect = f"the arm is more than {limit:g} rad away from its way home"
        # Whoever was starved for a while looks before it has read its mail: look twice.
        suspected, self._suspected = self._suspected, bool(defect)
        return defect if suspected or watchdog.robot_fault() else ""

    def _is_astray(self) -> bool:
        state = self._core.watchdog.joint_state
        assert state is not None
        assert self._plan is not None
        if state.stamp < self._plan.start:
            return False
        gap = np.abs(state.position - self._plan.at(state.stamp)[0])
        return bool(np.max(gap) > self._core.settings.watchdog.tracking_error)

    def _refuse(self, now: int) -> None:
        core = self._core
        if core.modes.in_task:
            raise HomingError(f"task '{core.modes.task_id}' is running; end it first")
        if core.modes.mode is not Mode.IDLE:
            raise HomingError(f"{core.modes.mode.name.lower()}: {core.modes.reason}; rearm first")
        refusal = self.busy(now) or core.watchdog.not_ready(now)
        if not refusal and core.plan is not None and now < core.plan.end:
            refusal = "the arm is still coming to rest"
        refusal = refusal or core.watchdog.moving()
        if refusal:
            raise HomingError(refusal)
