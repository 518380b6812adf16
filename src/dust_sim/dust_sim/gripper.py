"""A gripper with the manners of the Franka Hand: slow, one goal at a time, without ROS.

A goal becomes a reference for the opening width at 1 kHz; whether it was reached is read off the
measured width. A full stroke takes about one second, start delay included.

    move    to a width; ends when the fingers rest there
    grasp   closes until the fingers rest; success when the width is within
            [width - epsilon_inner, width + epsilon_outer]; keeps pressing
    homing  closes fully, then opens fully
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MAX_WIDTH = 0.08
"""Opening between the fingers when fully open. Unit: m."""

MAX_SPEED = 0.1
"""Fastest change of the width; faster goals are carried out at this speed. Unit: m/s."""

START_DELAY_NS = 200_000_000
"""From accepting a goal to the first motion. Unit: ns."""

_REST_BAND = 0.0005  # m of change within _REST_NS that still counts as resting
_REST_NS = 100_000_000
_TOLERANCE = 0.005  # m between a move's width and where it ended
_PATIENCE_NS = 1_500_000_000  # beyond the time that the motion should take

# Field of a goal, unit, largest value, whether zero is allowed.
_RANGES = (
    ("width", "m", MAX_WIDTH, True),
    ("speed", "m/s", 0.2, False),
    ("force", "N", 70.0, False),
    ("epsilon_inner", "m", MAX_WIDTH, True),
    ("epsilon_outer", "m", MAX_WIDTH, True),
)


class Command(StrEnum):
    """What a goal asks for."""

    MOVE = "move"
    GRASP = "grasp"
    HOMING = "homing"


@dataclass(frozen=True, slots=True)
class GripperGoal:
    """One goal.

    Attributes:
        command: What to do.
        width: Opening to reach. Unit: m. Range: 0 to 0.08. Ignored by homing.
        speed: Change of the opening per time. Unit: m/s. Range: > 0 to 0.2.
        force: Grasping force. Unit: N. Range: > 0 to 70. Used by grasp.
        epsilon_inner: See the module. Unit: m. Range: 0 to 0.08.
        epsilon_outer: See the module. Unit: m. Range: 0 to 0.08.
    """

    command: Command
    width: float = MAX_WIDTH
    speed: float = MAX_SPEED
    force: float = 20.0
    epsilon_inner: float = 0.005
    epsilon_outer: float = 0.005


@dataclass(frozen=True, slots=True)
class GripperResult:
    """How a goal ended.

    Attributes:
        success: Whether it was reached.
        error: Why not; empty on success.
        width: Measured opening at the end. Unit: m.
    """

    success: bool
    error: str
    width: float


@dataclass(frozen=True, slots=True)
class _Ramp:
    """From one width towards another at constant speed."""

    begin_ns: int
    begin: float
    end: float
    speed: float

    @property
    def end_ns(self) -> int:
        return self.begin_ns + round(abs(self.end - self.begin) / self.speed * 1e9)

    def at(self, times_ns: NDArray[np.int64]) -> Array:
        travelled = np.maximum(times_ns - self.begin_ns, 0) * 1e-9 * self.speed
        rise = self.end - self.begin
        return self.begin + np.sign(rise) * np.minimum(travelled, abs(rise))


class Gripper:
    """The hand's controller.

    Args:
        width: Measured opening now. Unit: m.
    """

    def __init__(self, width: float = MAX_WIDTH) -> None:
        self.stuck = False
        self._goal: GripperGoal | None = None
        self._result: GripperResult | None = None
        self.reset(width)

    def reset(self, width: float) -> None:
        """Rest at this width; the goal that runs fails."""
        self._ramps = [_Ramp(0, width, width, MAX_SPEED)]
        self._rest = (0, width)
        self._width = width
        self._finish(False, "dropped by a reset")

    def set_back(self, back_ns: int) -> None:
        """Go on as before on a clock that was set back. Unit: ns."""
        self._ramps = [replace(ramp, begin_ns=ramp.begin_ns - back_ns) for ramp in self._ramps]
        since_ns, width = self._rest
        self._rest = (since_ns - back_ns, width)

    @property
    def busy(self) -> bool:
        """Whether a goal runs."""
        return self._goal is not None

    def begin(self, goal: GripperGoal, now_ns: int) -> None:
        """Start a goal.

        Raises:
            ValueError: Another goal runs, or a field is out of range.
        """
        if self._goal is not None:
            raise ValueError(f"gripper is busy with {self._goal.command}; one goal at a time")
        _check(goal)
        self._goal = goal
        self._result = None
        self._rest = (now_ns, self._width)
        # Until it starts, the hand goes on pressing or holding as it did.
        now = float(self.reference(np.array([now_ns]))[0])
        hold = _Ramp(now_ns, now, now, MAX_SPEED)
        self._ramps = [hold, *self._plan(goal, now_ns + START_DELAY_NS, min(now, self._width))]

    def stop(self) -> None:
        """Stay at the measured width; the goal that runs fails. Without one nothing changes."""
        if self._goal is None:
            return
        self._ramps = [_Ramp(0, self._width, self._width, MAX_SPEED)]
        self._finish(False, "stopped")

    def take_result(self) -> GripperResult | None:
        """Return once how the last goal ended; None while it runs."""
        result, self._result = self._result, None
        return result

    def reference(self, times_ns: NDArray[np.int64]) -> Array:
        """Return the width to command at these times, [samples]. Unit: ns -> m."""
        if self.stuck:
            return np.full(len(times_ns), self._width)
        while len(self._ramps) > 1 and self._ramps[1].begin_ns <= int(times_ns[0]):
            self._ramps.pop(0)
        return self._ramps[0].at(times_ns)

    def update(self, now_ns: int, width: float) -> None:
        """Tell the measured width; ends the goal when it is over. Unit: ns, m."""
        if not self.stuck:
            self._width = width
        if abs(width - self._rest[1]) > _REST_BAND:
            self._rest = (now_ns, width)
        if self._goal is None:
            return
        last = self._ramps[-1]
        begun = now_ns >= last.begin_ns and not self.stuck
        rests = now_ns - max(self._rest[0], last.begin_ns) >= _REST_NS
        if now_ns > last.end_ns + _PATIENCE_NS:
            self._ramps = [_Ramp(now_ns, self._width, self._width, MAX_SPEED)]
            self._finish(False, f"timed out at {width:.4f} m; are the fingers stuck?")
        elif begun and rests:
            self._conclude(self._goal, now_ns, width)

    def _plan(self, goal: GripperGoal, begin_ns: int, pressed: float) -> list[_Ramp]:
        speed = min(goal.speed, MAX_SPEED)
        if goal.command == Command.MOVE:
            return [_Ramp(begin_ns, self._width, goal.width, speed)]
        closing = _Ramp(begin_ns, pressed, 0.0, speed)
        if goal.command == Command.GRASP:
            # On past the wanted width: the difference to the measured one is what presses.
            return [closing]
        opening_ns = closing.end_ns + _REST_NS
        return [closing, _Ramp(opening_ns, 0.0, MAX_WIDTH, speed)]

    def _conclude(self, goal: GripperGoal, now_ns: int, width: float) -> None:
        ramp = self._ramps[-1]
        arrived = now_ns >= ramp.end_ns
        if goal.command == Command.GRASP:
            pressing = float(ramp.at(np.array([now_ns]))[0]) < width - _TOLERANCE
            if arrived or pressing:
                self._finish(*_judge_grasp(goal, width))
        elif arrived and abs(width - ramp.end) <= _TOLERANCE:
            self._finish(True, "")

    def _finish(self, success: bool, error: str) -> None:
        if self._goal is None:
            return
        self._goal = None
        self._result = GripperResult(success, error, self._width)


def _judge_grasp(goal: GripperGoal, width: float) -> tuple[bool, str]:
    low, high = goal.width - goal.epsilon_inner, goal.width + goal.epsilon_outer
    # Fingers that rest on each other may read a little below zero.
    if low - 1e-3 <= width <= high:
        return True, ""
    return False, f"closed to {width:.4f} m, outside {low:.4f} to {high:.4f} m"


def _check(goal: GripperGoal) -> None:
    for name, unit, high, may_be_zero in _RANGES:
        value = getattr(goal, name)
        if not (0.0 <= value <= high and (may_be_zero or value > 0.0)):
            low = "0" if may_be_zero else "above 0"
            raise ValueError(
                f"gripper goal has {name} {value:g}; allowed: {low} to {high:g} {unit}"
            )
