"""ROS messages to and from the core's arrays."""

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from sensor_msgs.msg import JointState as JointStateMessage
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from dust_executor.core import Executor
from dust_executor.quintic import NS, States, Times
from dust_executor.watchdog import JointState
from dust_msgs.msg import ExecutorState


def to_time(nanoseconds: int) -> Time:
    """Return a time in ns as a message."""
    return Time(sec=nanoseconds // NS, nanosec=nanoseconds % NS)


def floats(numbers: np.ndarray) -> array:
    """Return numbers as what generated setters take without looking at each element."""
    return array("d", np.ascontiguousarray(numbers, dtype=np.float64).tobytes())


class TrajectoryWriter:
    """Writes trajectories with absolute stamps, velocities and accelerations in every point.

    Points are made once and used again: constructing them would cost more than planning.

    Args:
        joint_names: Arm joints [J].
    """

    def __init__(self, joint_names: Sequence[str]) -> None:
        self._message = JointTrajectory(joint_names=list(joint_names))
        self._points: list[JointTrajectoryPoint] = []

    def write(self, times: Times, states: States) -> JointTrajectory:
        """Return a message that is valid until the next call.

        Args:
            times: Knot times [K], ns; the first becomes the stamp.
            states: Knots [K, 3, J].
        """
        self._points += [JointTrajectoryPoint() for _ in range(len(times) - len(self._points))]
        points = self._points[: len(times)]
        numbers, joints = floats(states), states.shape[2]
        for index, (point, offset) in enumerate(
            zip(points, (times - times[0]).tolist(), strict=True)
        ):
            at, duration = 3 * joints * index, point.time_from_start
            duration.sec, duration.nanosec = divmod(offset, NS)
            point.positions = numbers[at : at + joints]
            point.velocities = numbers[at + joints : at + 2 * joints]
            point.accelerations = numbers[at + 2 * joints : at + 3 * joints]
        self._message.header.stamp = to_time(int(times[0]))
        self._message.points = points
        return self._message


class StateWriter:
    """Tells what the executor does and has promised.

    Args:
        joint_names: Arm joints [J].
    """

    def __init__(self, joint_names: Sequence[str]) -> None:
        self._message = ExecutorState(joint_names=list(joint_names))

    def write(self, executor: Executor, now: int, *, samples: int) -> ExecutorState:
        """Return a message that is valid until the next call.

        Args:
            executor: What it tells about.
            now: From when on the plan is told, ns.
            samples: How many samples of it.
        """
        states, grips = executor.committed(now, samples=samples, period=executor.period)
        message, modes, ledger = self._message, executor.modes, executor.ledger
        _set(message.header.stamp, now)
        message.mode, message.reason, message.task_id = int(modes.mode), modes.reason, modes.task_id
        message.period = executor.period
        message.buffer = executor.plan.buffer(now) if executor.plan and modes.in_task else 0.0
        message.accepted, message.rejected = ledger.accepted, ledger.rejected
        message.clamped, message.limited, message.late = (
            ledger.clamped,
            ledger.limited,
            ledger.late,
        )
        message.last_sequence, message.last_rejection = ledger.last_sequence, ledger.last_rejection
        _set(message.last_stamp, ledger.last_stamp)
        _set(message.last_splice, ledger.last_splice)
        message.positions, message.velocities = floats(states[:, 0]), floats(states[:, 1])
        message.gripper = floats(grips)
        return message


def _set(stamp: Time, nanoseconds: int) -> None:
    stamp.sec, stamp.nanosec = divmod(nanoseconds, NS)


class JointReader:
    """Reads arm and hand out of joint states by name.

    Args:
        joint_names: Arm joints.
        finger_names: Finger joints; each opens half the width.
        width: Opening of the hand when open, m.

    Attributes:
        defect: What was wrong with the newest message; empty when nothing was.
    """

    def __init__(
        self, joint_names: Sequence[str], finger_names: Sequence[str], *, width: float
    ) -> None:
        self._joints, self._fingers = list(joint_names), list(finger_names)
        self._width = width
        self._names: list[str] = []
        self._arm: list[int] = []
        self._hand: list[int] = []
        self._last: JointState | None = None
        self.defect = "nothing was received"

    def read(self, message: JointStateMessage, received: int) -> JointState | None:
        """Return the arm's state; None when the message lacks a joint or a number is not finite.

        Velocities that are not given are taken from the last two positions.

        Args:
            message: Joint states, joints in any order, others among them.
            received: When it arrived, ns.
        """
        self.defect = self._learn(message)
        if self.defect:
            return None
        position = np.array(message.position)[self._arm]
        stamp = message.header.stamp.sec * NS + message.header.stamp.nanosec or received
        velocity = self._velocity(message, position, stamp)
        if not (np.isfinite(position).all() and np.isfinite(velocity).all()):
            self.defect = "a position or velocity is not finite"
            return None
        opening = self._opening(message)
        self._last = JointState(stamp, received, position, velocity, opening)
        return self._last

    def _learn(self, message: JointStateMessage) -> str:
        if message.name != self._names:
            missing = [name for name in self._joints if name not in message.name]
            if missing:
                return f"joint {missing[0]} is missing"
            self._names = list(message.name)
            self._arm = [self._names.index(name) for name in self._joints]
            self._hand = [self._names.index(name) for name in self._fingers if name in self._names]
        if len(message.position) != len(message.name):
            return f"{len(message.name)} names, but {len(message.position)} positions"
        return ""

    def _velocity(self, message: JointStateMessage, position: np.ndarray, stamp: int) -> np.ndarray:
        if len(message.velocity) == len(message.name):
            return np.array(message.velocity)[self._arm]
        if self._last is None or stamp <= self._last.stamp:
            return np.zeros_like(position)
        return (position - self._last.position) / (stamp - self._last.stamp) * NS

    def _opening(self, message: JointStateMessage) -> float:
        if not self._hand:
            return float("nan")
        total = sum(message.position[index] for index in self._hand)
        share = total * (2 / len(self._hand)) / self._width
        return float(np.clip(share, 0.0, 1.0))


class ReferenceReader:
    """Reads what the trajectory controller commands out of its state, joints by name.

    Args:
        joint_names: Arm joints [J].
    """

    def __init__(self, joint_names: Sequence[str]) -> None:
        self._joints = list(joint_names)
        self._names: list[str] = []
        self._order: list[int] = []

    def read(self, message: Any) -> tuple[int, np.ndarray] | None:
        """Return when it was commanded, ns, and positions [J], rad; None where it says neither.

        Args:
            message: control_msgs/JointTrajectoryControllerState or dust_msgs/ControllerState.
        """
        if message.joint_names != self._names:
            self._names = list(message.joint_names)
            known = set(self._joints) <= set(self._names)
            self._order = [self._names.index(name) for name in self._joints] if known else []
        positions = np.array(message.reference.positions)
        if not self._order or len(positions) != len(self._names):
            return None
        if not np.isfinite(positions).all():
            return None
        stamp = message.header.stamp.sec * NS + message.header.stamp.nanosec
        return stamp, positions[self._order]
