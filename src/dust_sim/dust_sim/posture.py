"""Where the arm stands at the start of a trial: at home, or somewhere near, drawn by seed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dust_sim import fr3
from dust_sim.kinematics import Kinematics, UnreachableError, downward

Posture = tuple[float, ...]

HOME: Posture = tuple(float(angle) for angle in fr3.HOME)
"""The usual start posture [7], rad."""

# Ranges of the hand around its place at home, (0.31, 0, 0.49) m: above all that lies on the table.
_X = (0.28, 0.48)
_Y = (-0.18, 0.18)
_Z = (0.34, 0.58)
_YAW = 0.5
_TILT = 0.08
_ELBOW = 0.15
_TRIES = 20


def start_posture(seed: int | Sequence[int], spread: float) -> Posture:
    """Draw the posture that a trial begins with.

    Args:
        seed: one or more integers >= 0.
        spread: how often it is not home, in [0, 1].

    Returns:
        Joint positions [7], rad, the hand open above the table and pointing nearly down.

    Raises:
        ValueError: the spread is out of range.
    """
    if not 0.0 <= spread <= 1.0:
        raise ValueError(f"start_spread is {spread:g}; allowed: 0 to 1")
    random = np.random.default_rng(seed)
    if random.random() >= spread:
        return HOME
    kinematics = Kinematics()
    for _ in range(_TRIES):
        position = np.array([random.uniform(*limits) for limits in (_X, _Y, _Z)])
        rotation = downward(random.uniform(-_YAW, _YAW)) @ _tilt(random)
        try:
            joints = kinematics.inverse(position, rotation, elbow=random.uniform(-_ELBOW, _ELBOW))
        except UnreachableError:
            continue
        return tuple(float(angle) for angle in joints)
    return HOME


def _tilt(random: np.random.Generator) -> NDArray[np.float64]:
    """Draw a small rotation [3, 3] about a horizontal axis."""
    angle, azimuth = random.uniform(0, _TILT), random.uniform(-math.pi, math.pi)
    x, y = math.cos(azimuth), math.sin(azimuth)
    cross = np.array([[0.0, 0.0, y], [0.0, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
