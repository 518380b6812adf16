"""Messages in and out: field by field, and back again."""

import numpy as np
from builtin_interfaces.msg import Duration, Time
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from dust_sim.cameras import Intrinsics
from dust_sim.messages import (
    from_pose,
    from_trajectory,
    to_camera_info,
    to_image,
    to_joint_state,
    to_point,
    to_pose,
    to_time,
)
from dust_sim.pose import BodyPose

STAMP = 1_800_000_000_123_456_789


def test_time_keeps_every_nanosecond():
    assert to_time(STAMP) == Time(sec=1_800_000_000, nanosec=123_456_789)


def test_joint_states():
    message = to_joint_state(STAMP, ("a", "b"), np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    assert list(message.name) == ["a", "b"]
    assert list(message.position) == [1.0, 2.0]
    assert list(message.velocity) == [3.0, 4.0]
    assert list(message.effort) == []
    assert message.header.stamp == to_time(STAMP)


def test_points_without_accelerations_leave_them_empty():
    row = np.array([1.0, 2.0])
    assert list(to_point(row, row).accelerations) == []
    assert list(to_point(row, row, row).accelerations) == [1.0, 2.0]


def test_an_image_keeps_its_pixels():
    picture = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
    message = to_image(STAMP, "frame", picture)
    assert (message.height, message.width, message.step) == (2, 3, 12)
    assert message.encoding == "bgra8"
    assert message.header.frame_id == "frame"
    np.testing.assert_array_equal(np.frombuffer(message.data, np.uint8), picture.ravel())


def test_camera_info_holds_the_pinhole():
    message = to_camera_info(STAMP, "frame", Intrinsics(640, 360, 300.0, 301.0, 319.5, 179.5))
    assert (message.width, message.height) == (640, 360)
    assert list(message.k) == [300.0, 0, 319.5, 0, 301.0, 179.5, 0, 0, 1]
    assert list(message.p) == [300.0, 0, 319.5, 0, 0, 301.0, 179.5, 0, 0, 0, 1, 0]
    assert list(message.d) == [0.0] * 5


def test_poses_survive_the_way_there_and_back():
    pose = BodyPose(np.array([0.1, 0.2, 0.3]), np.array([0.5, 0.5, -0.5, 0.5]))
    back = from_pose(to_pose(pose))
    np.testing.assert_array_equal(back.position, pose.position)
    np.testing.assert_array_equal(back.quaternion, pose.quaternion)


def test_a_trajectory_is_read_with_all_its_fields():
    point = JointTrajectoryPoint(
        positions=[1.0],
        velocities=[2.0],
        accelerations=[3.0],
        effort=[4.0],
        time_from_start=Duration(sec=1, nanosec=5),
    )
    message = JointTrajectory(joint_names=["a"], points=[point])
    message.header.stamp = to_time(STAMP)
    request = from_trajectory(message)
    assert request.stamp_ns == STAMP
    assert list(request.joint_names) == ["a"]
    read = request.points[0]
    assert read.offset_ns == 1_000_000_005
    assert list(read.positions) == [1.0]
    assert list(read.velocities) == [2.0]
    assert list(read.accelerations) == [3.0]
    assert list(read.effort) == [4.0]
