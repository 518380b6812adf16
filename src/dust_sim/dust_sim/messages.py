"""Plain data into the messages that the cell publishes, and out of those that it takes."""

from array import array
from collections.abc import Sequence

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Pose, Quaternion
from sensor_msgs.msg import CameraInfo, Image, JointState
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from dust_node.stamps import SECOND_NS, nanoseconds_of
from dust_sim.camera_feed import Image as Picture
from dust_sim.cameras import Intrinsics
from dust_sim.pose import BodyPose
from dust_sim.trajectory import Array
from dust_sim.trajectory_controller import TrajectoryPoint, TrajectoryRequest


def to_time(stamp_ns: int) -> Time:
    """Return nanoseconds as a message."""
    return Time(sec=stamp_ns // SECOND_NS, nanosec=stamp_ns % SECOND_NS)


def to_joint_state(
    stamp_ns: int,
    names: Sequence[str],
    positions: Array,
    velocities: Array,
    efforts: Array | None = None,
) -> JointState:
    """Return joint states; without efforts that field stays empty."""
    message = JointState(name=list(names))
    message.header.stamp = to_time(stamp_ns)
    message.position = _doubles(positions)
    message.velocity = _doubles(velocities)
    if efforts is not None:
        message.effort = _doubles(efforts)
    return message


def to_point(
    positions: Array, velocities: Array, accelerations: Array | None = None
) -> JointTrajectoryPoint:
    """Return one state of the joints."""
    point = JointTrajectoryPoint(positions=_doubles(positions), velocities=_doubles(velocities))
    if accelerations is not None:
        point.accelerations = _doubles(accelerations)
    return point


def to_image(stamp_ns: int, frame_id: str, picture: Picture) -> Image:
    """Return a bgra8 picture [height, width, 4]."""
    message = Image(height=picture.shape[0], width=picture.shape[1], encoding="bgra8")
    message.header.stamp = to_time(stamp_ns)
    message.header.frame_id = frame_id
    message.step = picture.shape[1] * 4
    # An array of bytes is taken over as it is; a NumPy array would be checked element by element.
    data = array("B")
    data.frombytes(picture.tobytes())
    message.data = data
    return message


def to_camera_info(stamp_ns: int, frame_id: str, lens: Intrinsics) -> CameraInfo:
    """Return the intrinsics of a rectified image."""
    message = CameraInfo(height=lens.height, width=lens.width, distortion_model="plumb_bob")
    message.header.stamp = to_time(stamp_ns)
    message.header.frame_id = frame_id
    message.d = [0.0] * 5
    message.k = lens.matrix.ravel()
    message.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    message.p = [lens.fx, 0.0, lens.cx, 0.0, 0.0, lens.fy, lens.cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    return message


def to_pose(pose: BodyPose) -> Pose:
    """Return a body's pose."""
    x, y, z = (float(value) for value in pose.position)
    qw, qx, qy, qz = (float(value) for value in pose.quaternion)
    return Pose(position=Point(x=x, y=y, z=z), orientation=Quaternion(w=qw, x=qx, y=qy, z=qz))


def from_pose(message: Pose) -> BodyPose:
    """Return a body's pose out of its message."""
    p, q = message.position, message.orientation
    return BodyPose(np.array([p.x, p.y, p.z]), np.array([q.w, q.x, q.y, q.z]))


def from_trajectory(message: JointTrajectory) -> TrajectoryRequest:
    """Return a trajectory as the controller checks it."""
    points = tuple(
        TrajectoryPoint(
            nanoseconds_of(point.time_from_start),
            point.positions,
            point.velocities,
            point.accelerations,
            point.effort,
        )
        for point in message.points
    )
    return TrajectoryRequest(nanoseconds_of(message.header.stamp), message.joint_names, points)


def _doubles(values: Array) -> array:
    return array("d", values.tobytes())
