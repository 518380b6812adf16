"""The Franka Research 3 in numbers: names, home and joint limits.

Source: Franka's documentation of the FR3. Arrays are read-only, one entry per joint, base first.
"""

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def _constant(*values: float) -> Array:
    array = np.array(values, dtype=np.float64)
    array.setflags(write=False)
    return array


ARM_JOINTS = tuple(f"fr3_joint{i}" for i in range(1, 8))
"""Joint names."""

HOME = _constant(0.0, -math.pi / 4, 0.0, -3 * math.pi / 4, 0.0, math.pi / 2, math.pi / 4)
"""Posture in which the hand points down at about (0.31, 0, 0.49) m. Unit: rad."""

LOWER = _constant(-2.3476, -1.5454, -2.4937, -2.7714, -2.5100, 0.7773, -2.7045)
UPPER = _constant(2.3476, 1.5454, 2.4937, -0.4226, 2.5100, 4.2841, 2.7045)
"""Franka's rectangular joint ranges, in which the speed limits do not depend on position: rad."""

SPEED = _constant(2.0, 1.0, 1.5, 1.25, 3.0, 1.5, 3.0)
"""Speed limits in these ranges. Unit: rad/s."""
