"""The robot in numbers: names, home, limits and gains of a Franka Research 3 with hand.

Source: Franka's documentation of the FR3 and the gains of ``franka_fr3_moveit_config``. All arrays
are read-only and have one entry per arm joint, base first.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def _constant(*values: float) -> Array:
    array = np.array(values, dtype=np.float64)
    array.setflags(write=False)
    return array


ARM_JOINTS = tuple(f"fr3_joint{i}" for i in range(1, 8))
FINGER_JOINTS = ("fr3_finger_joint1", "fr3_finger_joint2")

HOME = _constant(0.0, -math.pi / 4, 0.0, -3 * math.pi / 4, 0.0, math.pi / 2, math.pi / 4)
"""Start posture, rad: the hand points down at about (0.31, 0, 0.49) m."""

POSITION_LOW = _constant(-2.7437, -1.7837, -2.9007, -3.0421, -2.8065, 0.5445, -3.0159)
POSITION_HIGH = _constant(2.7437, 1.7837, 2.9007, -0.1518, 2.8065, 4.5169, 3.0159)
"""Joint ranges, rad."""

RECTANGULAR_LOW = _constant(-2.3476, -1.5454, -2.4937, -2.7714, -2.5100, 0.7773, -2.7045)
RECTANGULAR_HIGH = _constant(2.3476, 1.5454, 2.4937, -0.4226, 2.5100, 4.2841, 2.7045)
"""Conservative joint ranges, rad, in which ``RECTANGULAR_VELOCITY`` holds everywhere."""

RECTANGULAR_VELOCITY = _constant(2.0, 1.0, 1.5, 1.25, 3.0, 1.5, 3.0)
"""Conservative joint velocities, rad/s."""

TORQUE = _constant(87.0, 87.0, 87.0, 87.0, 12.0, 12.0, 12.0)
"""Joint torque limits, N m."""

STIFFNESS = _constant(600.0, 600.0, 600.0, 600.0, 250.0, 150.0, 50.0)
"""Proportional gains of the effort trajectory controller, N m/rad."""

DAMPING = _constant(30.0, 30.0, 30.0, 30.0, 10.0, 10.0, 5.0)
"""Derivative gains of the effort trajectory controller, N m s/rad."""

FINGER_RANGE = 0.04
"""Travel of one finger, m."""

MAX_WIDTH = 2 * FINGER_RANGE
"""Opening of the hand, m."""

FINGER_VELOCITY = 0.2
"""Limit of one finger's velocity, m/s."""

TCP_OFFSET = 0.1034
"""From the hand's frame to the point between the finger tips, m."""
