"""Poses of bodies in the robot's base frame: x forwards, y left, z up from the table."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pose2:
    """An upright body's place in the base frame: origin in m, turn about the vertical in rad."""

    x: float
    y: float
    z: float
    yaw: float

    def to_local(self, x: float, y: float) -> tuple[float, float]:
        """Express a point of the base frame in this body's frame, seen from above, m."""
        c, s = math.cos(self.yaw), math.sin(self.yaw)
        dx, dy = x - self.x, y - self.y
        return c * dx + s * dy, -s * dx + c * dy

    def to_base(self, x: float, y: float) -> tuple[float, float]:
        """Express a point of this body's frame in the base frame, seen from above, m."""
        c, s = math.cos(self.yaw), math.sin(self.yaw)
        return self.x + c * x - s * y, self.y + s * x + c * y


@dataclass(frozen=True, slots=True)
class BodyPose:
    """A body's pose in the robot's base frame."""

    position: Array
    """[3], m."""
    quaternion: Array
    """[4] as (w, x, y, z)."""

    @property
    def yaw(self) -> float:
        """Angle of the body's x axis in the horizontal plane, rad."""
        w, x, y, z = self.quaternion
        return math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
