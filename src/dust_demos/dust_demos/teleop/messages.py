"""Messages into plain data, and back."""

from collections.abc import Sequence

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Twist
from numpy.typing import NDArray
from sensor_msgs.msg import JointState

from dust_demos.teleop.pilot import Chunk, ExecutorView
from dust_msgs.msg import ActionChunk, ExecutorState
from dust_node.stamps import SECOND_NS, nanoseconds_of

Array = NDArray[np.float64]


def to_time(stamp_ns: int) -> Time:
    """Return nanoseconds as a message."""
    return Time(sec=stamp_ns // SECOND_NS, nanosec=stamp_ns % SECOND_NS)


def to_chunk(chunk: Chunk, *, source: str, period: float, names: Sequence[str]) -> ActionChunk:
    """Return a chunk as the executor takes it."""
    positions = chunk.path.positions
    message = ActionChunk(
        source=source,
        task_id=chunk.task_id,
        sequence=chunk.sequence,
        period=period,
        joint_names=list(names),
        positions=positions.ravel().tolist(),
        gripper=[chunk.opening] * len(positions),
        prefix=chunk.path.prefix,
    )
    message.header.stamp = to_time(chunk.path.stamp_ns)
    return message


def from_executor_state(
    message: ExecutorState, arrival_ns: int, names: Sequence[str]
) -> ExecutorView | None:
    """Return what the executor says; None as long as it has no plan for these joints.

    Args:
        message: Its state.
        arrival_ns: When it came in, ns.
        names: The arm's joints in our order.
    """
    count = len(message.joint_names)
    places = {name: place for place, name in enumerate(message.joint_names)}
    if not set(names) <= places.keys() or len(message.positions) < count or not message.gripper:
        return None
    order = [places[name] for name in names]
    return ExecutorView(
        arrival_ns=arrival_ns,
        stamp_ns=nanoseconds_of(message.header.stamp),
        is_stopped=message.mode == ExecutorState.STOPPED,
        reason=message.reason,
        task_id=message.task_id,
        joints=np.array(message.positions[:count])[order],
        speeds=np.array(message.velocities[:count])[order],
        opening=float(message.gripper[0]),
    )


def from_joint_state(message: JointState, names: Sequence[str]) -> Array | None:
    """Return the positions of named joints; None when one is missing or not a number."""
    values = dict(zip(message.name, message.position, strict=False))
    if not all(name in values for name in names):
        return None
    positions = np.array([values[name] for name in names])
    return positions if np.all(np.isfinite(positions)) else None


def from_twist(message: Twist) -> list[float]:
    """Return a twist as six axes: linear x, y, z, angular x, y, z."""
    linear, angular = message.linear, message.angular
    return [linear.x, linear.y, linear.z, angular.x, angular.y, angular.z]
