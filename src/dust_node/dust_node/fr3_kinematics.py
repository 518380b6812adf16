"""Where the hand of the FR3 (and of the Panda, which has the same links) is, in NumPy.

Denavit-Hartenberg parameters after Craig, from Franka's documentation. Everything takes joint
positions [..., 7] at once: a trajectory's samples cost about as much as one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

JOINTS = 7

DH = (
    (0.0, 0.333, 0.0),
    (0.0, 0.0, -np.pi / 2),
    (0.0, 0.316, np.pi / 2),
    (0.0825, 0.0, np.pi / 2),
    (-0.0825, 0.384, -np.pi / 2),
    (0.0, 0.0, np.pi / 2),
    (0.088, 0.0, np.pi / 2),
)
"""a (m), d (m), alpha (rad) of each joint."""

FLANGE = 0.107
"""From the last joint's frame to the flange, m."""

TCP_OFFSET = 0.1034
"""From the flange to the point between the finger tips, m."""

HAND_YAW = -np.pi / 4
"""Of the hand on the flange, rad."""


@dataclass(frozen=True, slots=True)
class HandPose:
    """Where the hand is, and how the joints move it.

    Attributes:
        position: Point between the finger tips in the base frame [..., 3], m.
        rotation: Of the hand in the base frame [..., 3, 3].
        jacobian: Geometric Jacobian [..., 6, 7]: linear above angular velocity, in the base frame.
    """

    position: Array
    rotation: Array
    jacobian: Array


def hand_position(joints: Array) -> Array:
    """Return the point between the finger tips in the base frame [..., 3], m.

    Args:
        joints: Positions [..., 7], rad.
    """
    return hand_motion(joints, None)[0]


def hand_motion(joints: Array, speeds: Array | None) -> tuple[Array, Array]:
    """Return the point between the finger tips and its velocity, both [..., 3] in the base frame.

    It goes from the tip back to the base with one vector for each sample, which is much less work
    than the frames of all joints.

    Args:
        joints: Positions [..., 7], rad.
        speeds: Velocities [..., 7], rad/s; None: at rest.

    Returns:
        Position, m, and velocity, m/s.
    """
    angles = np.moveaxis(np.asarray(joints, dtype=float), -1, 0)
    turning = np.zeros_like(angles) if speeds is None else np.moveaxis(np.asarray(speeds), -1, 0)
    cosines, sines = np.cos(angles), np.sin(angles)
    x = y = dx = dy = dz = np.zeros_like(angles[0])
    z = np.full_like(x, FLANGE + TCP_OFFSET)
    for index in reversed(range(JOINTS)):
        a, d, alpha = DH[index]
        ca, sa = np.cos(alpha), np.sin(alpha)
        c, s, w = cosines[index], sines[index], turning[index]
        # About the joint's axis, then about the link's.
        x, y, dx, dy = (
            c * x - s * y,
            s * x + c * y,
            c * dx - s * dy,
            s * dx + c * dy,
        )
        dx, dy = dx - w * y, dy + w * x
        x, y, z = x + a, ca * y - sa * (z + d), sa * y + ca * (z + d)
        dy, dz = ca * dy - sa * dz, sa * dy + ca * dz
    return np.stack([x, y, z], axis=-1), np.stack([dx, dy, dz], axis=-1)


def hand_pose(joints: Array) -> HandPose:
    """Return the hand's pose and Jacobian at joint positions [..., 7], rad."""
    angles = np.asarray(joints, dtype=float)
    frames = np.empty((*angles.shape[:-1], JOINTS, 4, 4))
    pose = np.eye(4)
    for index, (constant, cosine, sine) in enumerate(_LINKS):
        angle = angles[..., index, None, None]
        pose = pose @ (constant + np.cos(angle) * cosine + np.sin(angle) * sine)
        frames[..., index, :, :] = pose
    hand = pose @ _TOOL
    position = hand[..., :3, 3]
    axes, arms = frames[..., :3, 2], position[..., None, :] - frames[..., :3, 3]
    jacobian = np.concatenate([_cross(axes, arms), axes], axis=-1)
    return HandPose(position.copy(), hand[..., :3, :3].copy(), np.swapaxes(jacobian, -1, -2))


def _cross(left: Array, right: Array) -> Array:
    # numpy.cross is several times slower on seven short rows.
    x, y, z = np.moveaxis(left, -1, 0)
    u, v, w = np.moveaxis(right, -1, 0)
    return np.stack([y * w - z * v, z * u - x * w, x * v - y * u], axis=-1)


def _link(a: float, d: float, alpha: float) -> tuple[Array, Array, Array]:
    """Split a link's transform into its constant part and the factors of cosine and sine."""
    ca, sa = np.cos(alpha), np.sin(alpha)
    constant = np.array([[0, 0, 0, a], [0, 0, -sa, -d * sa], [0, 0, ca, d * ca], [0, 0, 0, 1.0]])
    cosine = np.array([[1, 0, 0, 0], [0, ca, 0, 0], [0, sa, 0, 0], [0, 0, 0, 0.0]])
    sine = np.array([[0, -1, 0, 0], [ca, 0, 0, 0], [sa, 0, 0, 0], [0, 0, 0, 0.0]])
    return constant, cosine, sine


def _tool() -> Array:
    cosine, sine = np.cos(HAND_YAW), np.sin(HAND_YAW)
    reach = FLANGE + TCP_OFFSET
    return np.array([[cosine, -sine, 0, 0], [sine, cosine, 0, 0], [0, 0, 1, reach], [0, 0, 0, 1.0]])


_LINKS = tuple(_link(*row) for row in DH)
_TOOL = _tool()
