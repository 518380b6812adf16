"""Kinematics of the FR3 with hand in NumPy; the inverse is a function of the pose alone.

The arm has one joint more than a pose needs. ``Kinematics.inverse`` spends it on the angle of joint
3 (0: the elbow stays in the vertical plane through the shoulder), so the same pose always gives the
same posture, however the arm came there. That is what lets a plan be evaluated at any time, in any
order, without jumps.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dust_sim import fr3

Array = NDArray[np.float64]

# Denavit-Hartenberg parameters after Craig: a (m), d (m), alpha (rad) per joint.
_DH = (
    (0.0, 0.333, 0.0),
    (0.0, 0.0, -math.pi / 2),
    (0.0, 0.316, math.pi / 2),
    (0.0825, 0.0, math.pi / 2),
    (-0.0825, 0.384, -math.pi / 2),
    (0.0, 0.0, math.pi / 2),
    (0.088, 0.0, math.pi / 2),
)
_FLANGE = 0.107
_HAND_YAW = -math.pi / 4

_POSITION_TOLERANCE = 1e-7
_ITERATIONS = 60
_DAMPING = 1e-4
_MAX_STEP = 0.3
_MARGIN = 0.01


class UnreachableError(ValueError):
    """No posture within the joint limits brings the hand to the pose."""

    def __init__(self, position: Array, error: float) -> None:
        """Build the message from the position [3] (m) and the remaining error (m or rad)."""
        x, y, z = position
        super().__init__(
            f"the hand cannot reach ({x:.3f}, {y:.3f}, {z:.3f}) m within the joint limits: "
            f"{error:.4f} m or rad remain"
        )


class Kinematics:
    """Maps between joint positions and the pose of the point between the finger tips."""

    def __init__(
        self,
        *,
        low: Array = fr3.RECTANGULAR_LOW,
        high: Array = fr3.RECTANGULAR_HIGH,
        margin: float = _MARGIN,
    ) -> None:
        """Set the joint range that answers keep to.

        Args:
            low: lower limits [7], rad.
            high: upper limits [7], rad.
            margin: distance that answers keep from both, rad.
        """
        self.low = np.asarray(low) + margin
        self.high = np.asarray(high) - margin
        self._fixed = [_link_constants(a, d, alpha) for a, d, alpha in _DH]
        self._tool = _tool()

    def forward(self, joints: Array) -> tuple[Array, Array]:
        """Answer the hand's position [3] (m) and rotation [3, 3] in the base, at joints [7]."""
        pose = self._frames(joints)[-1]
        return pose[:3, 3].copy(), pose[:3, :3].copy()

    def jacobian(self, joints: Array) -> Array:
        """Answer the geometric Jacobian [6, 7]: linear above angular velocity, at joints [7]."""
        return self._jacobian(self._frames(joints))

    def inverse(
        self, position: Array, rotation: Array, *, seed: Array = fr3.HOME, elbow: float = 0.0
    ) -> Array:
        """Answer the posture [7] (rad) that brings the hand to a pose.

        Damped least squares on the pose and, as a seventh equation, on the angle of joint 3. The
        damping shrinks with the error, so the iteration ends in Newton steps.

        Args:
            position: of the point between the finger tips in the base frame [3], m.
            rotation: of the hand [3, 3].
            seed: posture to start from; decides how fast the answer is found, not what it is.
            elbow: angle of joint 3, rad.

        Raises:
            UnreachableError: a ``ValueError``; no posture within the limits was found.
        """
        joints = np.clip(np.asarray(seed, dtype=float), self.low, self.high)
        error = np.empty(7)
        size = math.inf
        for _ in range(_ITERATIONS):
            frames = self._frames(joints)
            error[:3] = position - frames[-1][:3, 3]
            error[3:6] = rotation_error(frames[-1][:3, :3], rotation)
            error[6] = elbow - joints[2]
            size = float(np.abs(error).max())
            if size < _POSITION_TOLERANCE:
                return joints
            joints = np.clip(joints + self._step(frames, error, size), self.low, self.high)
        raise UnreachableError(np.asarray(position), size)

    def _step(self, frames: list[Array], error: Array, size: float) -> Array:
        matrix = np.zeros((7, 7))
        matrix[:6] = self._jacobian(frames)
        matrix[6, 2] = 1.0
        damping = _DAMPING * min(1.0, size * size)
        step = np.linalg.solve(matrix.T @ matrix + damping * np.eye(7), matrix.T @ error)
        return np.asarray(
            step * min(1.0, _MAX_STEP / max(float(np.abs(step).max()), 1e-12)), np.float64
        )

    def _frames(self, joints: Array) -> list[Array]:
        """Answer the base-frame pose [4, 4] of every joint's frame, then that of the tool."""
        frames = []
        pose = np.eye(4)
        for (constant, cosine, sine), angle in zip(self._fixed, joints, strict=True):
            pose = pose @ (constant + math.cos(angle) * cosine + math.sin(angle) * sine)
            frames.append(pose)
        frames.append(pose @ self._tool)
        return frames

    @staticmethod
    def _jacobian(frames: list[Array]) -> Array:
        stack = np.stack(frames[:-1])
        axes, arms = stack[:, :3, 2], frames[-1][:3, 3] - stack[:, :3, 3]
        return np.vstack([np.cross(axes, arms).T, axes.T])


def _link_constants(a: float, d: float, alpha: float) -> tuple[Array, Array, Array]:
    """Split a joint's transform into a constant, a cosine and a sine part."""
    ca, sa = math.cos(alpha), math.sin(alpha)
    constant = np.array([[0, 0, 0, a], [0, 0, -sa, -d * sa], [0, 0, ca, d * ca], [0, 0, 0, 1.0]])
    cosine = np.array([[1, 0, 0, 0], [0, ca, 0, 0], [0, sa, 0, 0], [0, 0, 0, 0.0]])
    sine = np.array([[0, -1, 0, 0], [ca, 0, 0, 0], [sa, 0, 0, 0], [0, 0, 0, 0.0]])
    return constant, cosine, sine


def _tool() -> Array:
    cosine, sine = math.cos(_HAND_YAW), math.sin(_HAND_YAW)
    reach = _FLANGE + fr3.TCP_OFFSET
    return np.array([[cosine, -sine, 0, 0], [sine, cosine, 0, 0], [0, 0, 1, reach], [0, 0, 0, 1.0]])


def rotation_error(current: Array, wanted: Array) -> Array:
    """Answer the rotation vector [3] (rad) from one rotation to another, to first order."""
    return 0.5 * np.cross(current, wanted, axisa=0, axisb=0).sum(axis=0)


def downward(yaw: float) -> Array:
    """Answer the rotation [3, 3] of a hand that points down, turned by yaw (rad); home has 0."""
    c, s = math.cos(yaw), math.sin(yaw)
    return np.array([[c, s, 0.0], [s, -c, 0.0], [0.0, 0.0, -1.0]])


def yaw_of(rotation: Array) -> float:
    """Answer the angle of a rotation's x axis in the horizontal plane, rad."""
    return math.atan2(rotation[1, 0], rotation[0, 0])
