"""Numbers out of messages of the types that robots speak, told by the message's type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dust_demos.conversion.mapping import ArmSource, GripperSource, Unit
from dust_demos.conversion.tracks import Plan, Values

NS = 1_000_000_000

Picker = Callable[[Any], Values | None]
"""A message -> the wanted values, [columns], in its unit; None if it has none of them."""


def stamp_of(message: Any, received_ns: int) -> int:
    """Return a message's stamp, or when it was received if it has none, ns."""
    header = getattr(message, "header", None)
    if header is None:
        return received_ns
    return int(header.stamp.sec) * NS + int(header.stamp.nanosec) or received_ns


@dataclass(frozen=True, slots=True)
class Kind:
    """How a type of message is read.

    Attributes:
        names: message -> names of its values, or None where they have none.
        values: message -> values, in the order of the names if there are any.
        steps: whether a command holds until the next, instead of being a sample of a motion.
    """

    names: Callable[[Any], Sequence[str]] | None
    values: Callable[[Any], Any]
    steps: bool = False


def _first_committed(message: Any) -> Any:
    """Return the command at the stamp: the first sample of the executor's plan."""
    return message.positions[: len(message.joint_names)]


ARM = {
    "dust_msgs/msg/ExecutorState": Kind(lambda m: m.joint_names, _first_committed),
    "sensor_msgs/msg/JointState": Kind(lambda m: m.name, lambda m: m.position),
    "dust_msgs/msg/ControllerState": Kind(lambda m: m.joint_names, lambda m: m.reference.positions),
    "control_msgs/msg/JointTrajectoryControllerState": Kind(
        lambda m: m.joint_names, lambda m: m.reference.positions
    ),
    "std_msgs/msg/Float64MultiArray": Kind(None, lambda m: m.data, steps=True),
}
"""Types that hold joint positions; trajectories beside them."""

GRIPPER = {
    "dust_msgs/msg/ExecutorState": Kind(None, lambda m: m.gripper[:1]),
    "sensor_msgs/msg/JointState": Kind(lambda m: m.name, lambda m: m.position),
    "std_msgs/msg/Float64MultiArray": Kind(None, lambda m: m.data),
    **{
        f"std_msgs/msg/{name}": Kind(None, lambda m: [m.data])
        for name in ("Bool", "Float32", "Float64")
    },
}
"""Types that hold the gripper's opening."""

TRAJECTORY = "trajectory_msgs/msg/JointTrajectory"


def picker(kind: Kind, wanted: Sequence[str], columns: Sequence[int], where: str) -> Picker:
    """Return a function that picks values out of messages of a kind.

    A message that has none of the wanted names gives None: several publishers may share a topic,
    each with its own joints. It raises ValueError if some are missing, if there are too few values
    or one is no finite number; `where` is how that complaint begins.
    """

    def pick(message: Any) -> Values | None:
        values = np.asarray(kind.values(message), np.float64)
        places: Sequence[int] = columns
        if kind.names is not None:
            names = kind.names(message)
            if not set(wanted) & set(names):
                return None
            places = _places(names, wanted, where)
        if max(places) >= len(values):
            raise ValueError(f"{where}: a message has {len(values)} values, not {max(places) + 1}")
        chosen = values[list(places)]
        if not np.isfinite(chosen).all():
            raise ValueError(f"{where}: a value is no finite number")
        return chosen

    return pick


def plan_of(message: Any, source: ArmSource, where: str) -> Plan:
    """Return a trajectory_msgs/JointTrajectory as a plan, rad.

    Raises:
        ValueError: it lacks a joint, has no point, or its points' times do not rise.
    """
    places = _places(message.joint_names, source.joints, where)
    if not message.points:
        raise ValueError(f"{where}: a trajectory has no point")
    offsets = [
        int(p.time_from_start.sec) * NS + int(p.time_from_start.nanosec) for p in message.points
    ]
    rows = [np.asarray(point.positions, np.float64) for point in message.points]
    if any(len(row) <= max(places) for row in rows):
        raise ValueError(f"{where}: a point of a trajectory lacks positions")
    if (np.diff(offsets) < 0).any():
        raise ValueError(f"{where}: the times of a trajectory's points do not rise")
    values = to_rad(np.stack(rows)[:, places], source.unit)
    if not np.isfinite(values).all():
        raise ValueError(f"{where}: a value is no finite number")
    return Plan(np.array(offsets, np.int64), values)


def to_rad(values: Values, unit: Unit) -> Values:
    """Return angles in rad."""
    return np.deg2rad(values) if unit is Unit.DEG else values


def to_opening(values: Values, source: GripperSource) -> Values:
    """Return the opening in [0, 1], 1 = open, of values [..., columns] that add up; [..., 1]."""
    total = values.sum(-1, keepdims=True)
    return np.clip((total - source.closed) / (source.open - source.closed), 0.0, 1.0)


def _places(names: Sequence[str], wanted: Sequence[str], where: str) -> list[int]:
    by_name = {str(name): place for place, name in enumerate(names)}
    missing = [name for name in wanted if name not in by_name]
    if missing:
        known = ", ".join(by_name) or "none"
        raise ValueError(f"{where}: no joint {', '.join(missing)}; there are {known}")
    return [by_name[name] for name in wanted]
