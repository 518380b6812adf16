"""The limits of the Franka Research 3, as its control box has them; from Franka's documentation.

Written down once more on purpose: whoever judges commands shares no numbers with whoever makes
them.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def _constant(*values: float) -> Array:
    array = np.array(values, dtype=np.float64)
    array.setflags(write=False)
    return array


ARM_JOINTS = tuple(f"fr3_joint{i}" for i in range(1, 8))
FINGER_JOINTS = ("fr3_finger_joint1", "fr3_finger_joint2")

LOWER = _constant(-2.7437, -1.7837, -2.9007, -3.0421, -2.8065, 0.5445, -3.0159)
UPPER = _constant(2.7437, 1.7837, 2.9007, -0.1518, 2.8065, 4.5169, 3.0159)
"""Joint ranges, rad."""

VELOCITY = _constant(2.62, 2.62, 2.62, 2.62, 5.26, 4.18, 5.26)
"""Largest speeds, rad/s, where the position allows them."""

VELOCITY_OFFSET = _constant(0.6599, 0.2517, 0.2000, 0.3533, 0.5757, 0.4878, 0.4628)
DECELERATION = _constant(6.0, 2.585, 3.5, 4.0, 17.0, 5.5, 17.0)
"""Of the speed limit that depends on the position: rad/s and rad/s^2."""

ACCELERATION = 10.0
"""rad/s^2"""

JERK = 5000.0
"""rad/s^3"""
