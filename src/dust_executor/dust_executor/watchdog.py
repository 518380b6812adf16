"""What must not go unnoticed: silence, a lost arm, a robot that stopped, a clock that jumped."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dust_executor.quintic import NS

ROBOT_MODES = (
    "OTHER",
    "IDLE",
    "MOVE",
    "GUIDING",
    "REFLEX",
    "USER_STOPPED",
    "AUTOMATIC_ERROR_RECOVERY",
)
"""Names of RobotState.robot_mode."""

_IDLE, _MOVE = 1, 2


@dataclass(frozen=True, slots=True)
class WatchdogSettings:
    """When to stop.

    Attributes:
        chunk_timeout: Longest time without a valid chunk during a task, s.
        joint_state_timeout: Oldest joint state during a task, s.
        tracking_error: Largest distance of an arm joint from the plan, rad.
        tracking_time: How long it may be exceeded, s.
        clock_jump: Largest step of the clock against a steady one, s.
        rest_speed: Below this speed a joint counts as at rest, rad/s.
    """

    chunk_timeout: float = 2.0
    joint_state_timeout: float = 0.5
    tracking_error: float = 0.2
    tracking_time: float = 0.2
    clock_jump: float = 0.5
    rest_speed: float = 0.05


@dataclass(frozen=True, slots=True)
class JointState:
    """The arm as measured.

    Attributes:
        stamp: When it was measured, ns.
        received: When it arrived, ns.
        position: [J], rad.
        velocity: [J], rad/s.
        opening: Gripper opening in [0, 1]; NaN when the message has no fingers.
    """

    stamp: int
    received: int
    position: NDArray[np.float64]
    velocity: NDArray[np.float64]
    opening: float = float("nan")


class Watchdog:
    """Remembers what was heard when, and says what is wrong.

    Args:
        settings: When to stop.
        joint_names: Arm joints, for the messages.

    Attributes:
        joint_state: The newest measured state; None before the first.
        defect: What was wrong with the newest joint states; empty: nothing.
        trouble: Why a robot in a good mode must not be moved all the same; empty: it may.
    """

    def __init__(self, settings: WatchdogSettings, joint_names: Sequence[str]) -> None:
        self.settings = settings
        self._names = tuple(joint_names)
        self.joint_state: JointState | None = None
        self.defect = ""
        self.trouble = ""
        self._robot_mode = _MOVE
        self._robot_errors: tuple[str, ...] = ()
        self._chunk_time = 0
        self._astray_since: int | None = None
        self._clock: tuple[int, int | None] | None = None

    def chunk(self, now: int) -> None:
        """Note a valid chunk, or the start of a task, at `now` (ns)."""
        self._chunk_time = now

    def robot(self, mode: int, errors: Sequence[str] = ()) -> None:
        """Note the robot's mode (a value of RobotState.robot_mode) and its errors."""
        self._robot_mode, self._robot_errors = mode, tuple(errors)

    def joints(self, state: JointState, planned: NDArray[np.float64] | None) -> None:
        """Note a joint state and where the plan wanted the arm then ([J] rad; None: no plan)."""
        self.joint_state = state
        if planned is None or self._distance(state, planned) <= self.settings.tracking_error:
            self._astray_since = None
        elif self._astray_since is None:
            self._astray_since = state.received

    def clock_jump(self, now: int, steady: int | None) -> int:
        """Return by how much the clock jumped since the last call, ns; 0 when it did not.

        Args:
            now: The clock that stamps messages, ns.
            steady: A clock that never jumps, ns; None where time is simulated: then only a step
                back counts.
        """
        last, self._clock = self._clock, (now, steady)
        if last is None:
            return 0
        before, steady_before = last
        if steady is None or steady_before is None:
            jump = min(0, now - before)
        else:
            jump = (now - before) - (steady - steady_before)
        return jump if abs(jump) > self.settings.clock_jump * NS else 0

    def joint_age(self, now: int) -> float:
        """Return the age of the newest joint state, s; infinite before the first."""
        state = self.joint_state
        if state is None:
            return float("inf")
        return (now - min(state.stamp, state.received)) / NS

    def not_ready(self, now: int) -> str:
        """Return why the arm must not be moved at all; empty when it may."""
        age, limit = self.joint_age(now), self.settings.joint_state_timeout
        defect = f" ({self.defect})" if self.defect else ""
        if self.joint_state is None:
            return f"no joint state of the arm was received yet; is joint_states published?{defect}"
        if age > limit:
            return f"joint states are {age:.2f} s old; at most {limit:g} s are allowed{defect}"
        ahead = (self.joint_state.stamp - now) / NS
        if ahead > limit:
            return f"joint states are stamped {ahead:.2f} s in the future; are the clocks in step?"
        return self.robot_fault()

    def robot_fault(self) -> str:
        """Return why the robot itself does not follow commands; empty when it does."""
        if self._robot_mode == _MOVE:
            return self.trouble
        known = 0 <= self._robot_mode < len(ROBOT_MODES)
        name = ROBOT_MODES[self._robot_mode] if known else str(self._robot_mode)
        errors = f" ({', '.join(self._robot_errors)})" if self._robot_errors else ""
        # A plan that nobody follows walks away from the arm; the controller would jump after it.
        hint = "; is the arm's controller active?" if self._robot_mode == _IDLE else ""
        return f"robot mode is {name}{errors}{hint}"

    def moving(self) -> str:
        """Return which measured joint moves; empty when the arm is at rest."""
        state = self.joint_state
        assert state is not None
        fastest = int(np.argmax(np.abs(state.velocity)))
        speed = abs(float(state.velocity[fastest]))
        if speed <= self.settings.rest_speed:
            return ""
        return f"{self._names[fastest]} moves at {speed:.3f} rad/s; the arm must be at rest"

    def fault(self, now: int) -> str:
        """Return why a running task must stop; empty when it may go on."""
        not_ready = self.not_ready(now)
        if not_ready:
            return not_ready
        settings = self.settings
        if (
            self._astray_since is not None
            and now - self._astray_since > settings.tracking_time * NS
        ):
            return f"the arm is more than {settings.tracking_error:g} rad away from the plan"
        if now - self._chunk_time > settings.chunk_timeout * NS:
            return f"no valid chunk for {settings.chunk_timeout:g} s"
        return ""

    @staticmethod
    def _distance(state: JointState, planned: NDArray[np.float64]) -> float:
        return float(np.max(np.abs(state.position - planned)))
