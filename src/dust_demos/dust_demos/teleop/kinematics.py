"""Forward kinematics of the FR3 with hand in NumPy, from Denavit-Hartenberg parameters."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dust_demos.teleop import fr3

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class HandPose:
    """Where the hand is, and how the joints move it.

    Attributes:
        position: Point between the finger tips in the base frame [3], m.
        rotation: Of the hand in the base frame [3, 3].
        jacobian: Geometric Jacobian [6, 7]: linear above angular velocity, in the base frame.
    """

    position: Array
    rotation: Array
    jacobian: Array


def hand_pose(joints: Array) -> HandPose:
    """Return the hand's pose at joint positions [7] (rad)."""
    frames = np.empty((8, 4, 4))
    pose = np.eye(4)
    for index, (constant, cosine, sine) in enumerate(_LINKS):
        angle = float(joints[index])
        pose = pose @ (constant + math.cos(angle) * cosine + math.sin(angle) * sine)
        frames[index] = pose
    frames[7] = pose @ _TOOL
    position = frames[7, :3, 3]
    axes, arms = frames[:7, :3, 2], position - frames[:7, :3, 3]
    jacobian = np.concatenate([_cross(axes, arms), axes], axis=1).T
    return HandPose(position.copy(), frames[7, :3, :3].copy(), jacobian)


def _cross(left: Array, right: Array) -> Array:
    # numpy.cross is several times slower on seven short rows.
    x, y, z = left.T
    u, v, w = right.T
    return np.stack([y * w - z * v, z * u - x * w, x * v - y * u], axis=1)


def _link(a: float, d: float, alpha: float) -> tuple[Array, Array, Array]:
    """Split a link's transform into its constant part and the factors of cosine and sine."""
    ca, sa = math.cos(alpha), math.sin(alpha)
    constant = np.array([[0, 0, 0, a], [0, 0, -sa, -d * sa], [0, 0, ca, d * ca], [0, 0, 0, 1.0]])
    cosine = np.array([[1, 0, 0, 0], [0, ca, 0, 0], [0, sa, 0, 0], [0, 0, 0, 0.0]])
    sine = np.array([[0, -1, 0, 0], [ca, 0, 0, 0], [sa, 0, 0, 0], [0, 0, 0, 0.0]])
    return constant, cosine, sine


def _tool() -> Array:
    cosine, sine = math.cos(fr3.HAND_YAW), math.sin(fr3.HAND_YAW)
    reach = fr3.FLANGE + fr3.TCP_OFFSET
    return np.array([[cosine, -sine, 0, 0], [sine, cosine, 0, 0], [0, 0, 1, reach], [0, 0, 0, 1.0]])


_LINKS = tuple(_link(*row) for row in fr3.DH)
_TOOL = _tool()
