"""The motion in a bag: what the policy wanted, what the arm was told, what it did."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dust_demos.recording.bag import Bag
from dust_node.stamps import nanoseconds_of
from dust_view.arm import FollowingArm
from dust_view.messages import read_chunk
from dust_view.trajectory import NS, Array, Times, Trajectory


@dataclass(frozen=True, slots=True)
class Raw:
    """One chunk as the policy sent it.

    Attributes:
        times_ns: When its actions are due [k].
        positions: [k, J], rad.
        prefix: How many first actions repeat what was committed.
    """

    times_ns: Times
    positions: Array
    prefix: int


@dataclass(frozen=True, slots=True)
class Motion:
    """A motion three times.

    Attributes:
        joint_names: Joints of the columns.
        raw: Chunks, in the order of arrival.
        limited_ns: Times [N] of what the controller was told, 1 ms apart.
        limited: [N, J], rad: the published trajectories, each until the next one.
        measured_ns: Times [M] of joint states.
        measured: [M, J], rad.
        seams_ns: When chunks took over, increasing: the splices that the executor told, else when
            trajectories came.
    """

    joint_names: tuple[str, ...]
    raw: tuple[Raw, ...]
    limited_ns: Times
    limited: Array
    measured_ns: Times
    measured: Array
    seams_ns: tuple[int, ...]

    @property
    def begin_ns(self) -> int:
        """When it begins."""
        starts = [times[0] for times in (self.limited_ns, self.measured_ns) if len(times)]
        return int(min(starts))


def read_motion(bag: Bag, joint_names: Sequence[str]) -> Motion:
    """Read the motion of a bag.

    Raises:
        ValueError: The bag has neither joint trajectories nor joint states of these joints.
    """
    trajectories = _trajectories(bag, joint_names)
    limited_ns, limited = _followed(trajectories, len(joint_names), bag.end_ns)
    measured_ns, measured = _measured(bag, joint_names)
    if not len(limited_ns) and not len(measured_ns):
        raise ValueError(
            f"{bag.path} has neither fr3_arm_controller/joint_trajectory nor joint_states of "
            f"{', '.join(joint_names)}"
        )
    return Motion(
        joint_names=tuple(joint_names),
        raw=tuple(_raw(bag, joint_names)),
        limited_ns=limited_ns,
        limited=limited,
        measured_ns=measured_ns,
        measured=measured,
        seams_ns=_splices(bag) or tuple(arrival for arrival, _ in trajectories),
    )


def _named(bag: Bag, ending: str, type_name: str) -> list[str]:
    """Return the topics of a type whose last words are these, the shortest first."""
    found = [
        topic.name
        for topic in bag.topics.values()
        if topic.type_name == type_name and f"{topic.name}".endswith(f"/{ending}")
    ]
    return sorted(found, key=len)[:1]


def _trajectories(bag: Bag, joint_names: Sequence[str]) -> list[tuple[int, Trajectory]]:
    topics = _named(bag, "joint_trajectory", "trajectory_msgs/msg/JointTrajectory")
    rows = []
    for row in bag.messages(topics) if topics else ():
        try:
            trajectory = Trajectory.from_message(row.message, joint_names, arrival_ns=row.time_ns)
        except ValueError:
            continue  # a controller refuses it as well
        rows.append((row.time_ns, trajectory))
    return rows


def _followed(
    trajectories: list[tuple[int, Trajectory]], joints: int, end_ns: int
) -> tuple[Times, Array]:
    if not trajectories:
        return np.empty(0, np.int64), np.empty((0, joints))
    begin_ns, first = trajectories[0]
    arm = FollowingArm(first.states[0, 0], now_ns=begin_ns)
    for arrival_ns, trajectory in trajectories:
        arm.advance(arrival_ns)
        arm.take(trajectory)
    arm.advance(max(end_ns, begin_ns))
    return arm.commands()


def _measured(bag: Bag, joint_names: Sequence[str]) -> tuple[Times, Array]:
    rows: dict[int, list[float]] = {}
    topics = _named(bag, "joint_states", "sensor_msgs/msg/JointState")
    for row in bag.messages(topics) if topics else ():
        message: Any = row.message
        by_name = dict(zip(message.name, message.position, strict=False))
        if all(name in by_name for name in joint_names):
            rows[nanoseconds_of(message.header.stamp)] = [by_name[name] for name in joint_names]
    times = sorted(rows)
    positions = np.array([rows[time] for time in times]).reshape(-1, len(joint_names))
    return np.array(times, dtype=np.int64), positions


def _raw(bag: Bag, joint_names: Sequence[str]) -> list[Raw]:
    chunks = []
    for row in bag.messages(_named(bag, "action_chunk", "dust_msgs/msg/ActionChunk")):
        positions = read_chunk(row.message, joint_names)
        if positions is None:
            continue
        steps = np.arange(len(positions), dtype=np.int64) * round(row.message.period * NS)
        times = nanoseconds_of(row.message.header.stamp) + steps
        chunks.append(Raw(times, positions, int(row.message.prefix)))
    return chunks


def _splices(bag: Bag) -> tuple[int, ...]:
    splices = set()
    for row in bag.messages(_named(bag, "executor_state", "dust_msgs/msg/ExecutorState")):
        splice = getattr(row.message, "last_splice", None)  # bags of before have none
        splices.add(nanoseconds_of(splice) if splice is not None else 0)
    return tuple(sorted(splices - {0}))
