"""Where the FR3's hand is: the point between the finger tips, from the arm's joints."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

JOINTS = tuple(f"fr3_joint{i}" for i in range(1, 8))
FINGERS = ("fr3_finger_joint1", "fr3_finger_joint2")

WIDTH = 0.08
"""Opening of the open hand. Unit: m."""

# Denavit-Hartenberg parameters after Craig, from Franka's documentation of the FR3: a (m), d (m),
# alpha (rad) of each joint.
_DH = (
    (0.0, 0.333, 0.0),
    (0.0, 0.0, -math.pi / 2),
    (0.0, 0.316, math.pi / 2),
    (0.0825, 0.0, math.pi / 2),
    (-0.0825, 0.384, -math.pi / 2),
    (0.0, 0.0, math.pi / 2),
    (0.088, 0.0, math.pi / 2),
)
_REACH = 0.107 + 0.1034  # m: from the last joint's frame over the flange to the finger tips


def hand_position(joints: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the point between the finger tips in the base frame [3], m, at joints [7], rad."""
    pose = np.eye(4)
    for (a, d, alpha), angle in zip(_DH, joints, strict=True):
        pose = pose @ _link(a, d, alpha, float(angle))
    return np.asarray(pose[:3, 3] + _REACH * pose[:3, 2])


def _link(a: float, d: float, alpha: float, angle: float) -> NDArray[np.float64]:
    ca, sa = math.cos(alpha), math.sin(alpha)
    c, s = math.cos(angle), math.sin(angle)
    return np.array(
        [
            [c, -s, 0.0, a],
            [s * ca, c * ca, -sa, -d * sa],
            [s * sa, c * sa, ca, d * ca],
            [0.0, 0.0, 0.0, 1.0],
        ]
    )
