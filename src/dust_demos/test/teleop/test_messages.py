"""Messages into plain data, and back."""

import numpy as np
import pytest
from geometry_msgs.msg import Twist, Vector3
from sensor_msgs.msg import JointState

from dust_demos.teleop.fr3 import ARM_JOINTS
from dust_demos.teleop.messages import (
    from_executor_state,
    from_joint_state,
    from_twist,
    to_chunk,
    to_time,
)
from dust_demos.teleop.pilot import Chunk
from dust_demos.teleop.reference import Path
from dust_msgs.msg import ExecutorState
from dust_node.stamps import nanoseconds_of

STAMP = 1_795_000_000_123_456_789


def test_times_keep_their_nanoseconds():
    assert nanoseconds_of(to_time(STAMP)) == STAMP


def test_a_chunk_says_what_the_executor_checks():
    positions = np.arange(70.0).reshape(10, 7)
    message = to_chunk(
        Chunk("t1", 3, Path(STAMP, positions, 2), 0.0),
        source="dust_teleop",
        period=1 / 15,
        names=ARM_JOINTS,
    )
    assert (message.source, message.task_id, message.sequence) == ("dust_teleop", "t1", 3)
    assert nanoseconds_of(message.header.stamp) == STAMP
    assert list(message.positions) == positions.ravel().tolist()
    assert list(message.gripper) == [0.0] * 10
    assert message.prefix == 2


def test_the_executors_joints_come_in_our_order():
    names = list(reversed(ARM_JOINTS))
    message = ExecutorState(
        mode=ExecutorState.STOPPED,
        joint_names=names,
        positions=[float(value) for value in range(14)],
        velocities=[0.5] * 14,
        gripper=[0.0, 1.0],
    )
    view = from_executor_state(message, 7, ARM_JOINTS)
    assert view.joints.tolist() == [6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.0]
    assert view.is_stopped
    assert not view.is_at_rest
    assert (view.opening, view.arrival_ns) == (0.0, 7)


@pytest.mark.parametrize("names", [[], ["other"] * 7])
def test_an_executor_without_a_plan_for_this_arm_tells_nothing(names):
    message = ExecutorState(joint_names=names, positions=[0.0] * len(names), gripper=[1.0])
    assert from_executor_state(message, 0, ARM_JOINTS) is None


@pytest.mark.parametrize(
    ("name", "position", "expected"),
    [
        (["b", "a", "c"], [2.0, 1.0, 3.0], [1.0, 2.0]),
        (["a"], [1.0], None),
        (["a", "b"], [1.0, float("nan")], None),
        (["a", "b"], [1.0], None),
    ],
)
def test_joints_are_found_by_name(name, position, expected):
    joints = from_joint_state(JointState(name=name, position=position), ["a", "b"])
    assert (None if joints is None else joints.tolist()) == expected


def test_a_twist_is_six_axes():
    twist = Twist(linear=Vector3(x=1.0, y=2.0, z=3.0), angular=Vector3(x=4.0, y=5.0, z=6.0))
    assert from_twist(twist) == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
