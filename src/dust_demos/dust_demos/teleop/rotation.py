"""Rotations as matrices and as vectors (axis times angle)."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_TINY = 1e-9


def to_matrix(vector: Array) -> Array:
    """Return the rotation [3, 3] by a rotation vector [3] (rad); Rodrigues' formula."""
    angle = float(np.sqrt(vector @ vector))
    if angle < _TINY:
        return np.eye(3)
    x, y, z = vector / angle
    skew = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    turned: Array = np.eye(3) + np.sin(angle) * skew + (1.0 - np.cos(angle)) * (skew @ skew)
    return turned


def to_vector(matrix: Array) -> Array:
    """Return the rotation vector [3] (rad, length at most pi) of a rotation [3, 3]."""
    skew = np.array(
        [
            matrix[2, 1] - matrix[1, 2],
            matrix[0, 2] - matrix[2, 0],
            matrix[1, 0] - matrix[0, 1],
        ]
    )
    sine = 0.5 * float(np.sqrt(skew @ skew))
    cosine = 0.5 * (float(np.trace(matrix)) - 1.0)
    if sine > 1e-6:
        return np.asarray(skew * (0.5 * np.arctan2(sine, cosine) / sine))
    if cosine > 0.0:
        return np.asarray(0.5 * skew)
    # Half a turn: the axis is the longest column of (R + 1) / 2.
    columns = 0.5 * (matrix + np.eye(3))
    axis = columns[:, int(np.argmax(np.diag(columns)))]
    return np.asarray(np.pi * axis / np.sqrt(axis @ axis))
