r"""Smooth motion of a hand that points down, as a function of time that can only be added to.

The pose (x, y, z, yaw) is a start value plus a sum of shifts, each eased in by a polynomial whose
velocity, acceleration and jerk are zero at both ends::

    z  ________                          shift 1: down       |--------|
               \\__                       shift 2: up                |---------|
                  \\____/~~~~            sum                 |---------------|

So the path is continuous up to its jerk whatever is added and whenever, overlapping shifts round
off corners, and what was handed out for times before a new shift's start stays as it was.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dust_sim import fr3
from dust_sim.kinematics import Kinematics, UnreachableError, downward, yaw_of

Array = NDArray[np.float64]

# Peaks of the easing polynomial's first and second derivative.
_PEAK_VELOCITY = 2.1875
_PEAK_ACCELERATION = 7.5132

_SHORTEST = 0.3
_YAW_VELOCITY = 1.3
_YAW_ACCELERATION = 2.4
_JOINT_VELOCITY = 0.48 * fr3.RECTANGULAR_VELOCITY
_JOINT_ACCELERATION = 2.5
_CHECK_PERIOD = 0.05
_STRETCHES = 20
# A start posture further than this from a hand that points down is left by way of the home posture,
# rad.
_NEAR = 0.3


def ease(u: Array | float) -> Array:
    """Rise from 0 to 1 over u in [0, 1], with zero velocity, acceleration and jerk at both ends."""
    u = np.clip(u, 0.0, 1.0)
    return u**4 * (35.0 + u * (-84.0 + u * (70.0 - 20.0 * u)))


def shortest_duration(distance: float, velocity: float, acceleration: float) -> float:
    """Answer the time (s) that an eased shift takes within a velocity and an acceleration."""
    return max(
        _PEAK_VELOCITY * distance / velocity,
        math.sqrt(_PEAK_ACCELERATION * distance / acceleration),
    )


class HandPath:
    """Joint positions over time for a hand that points down."""

    def __init__(self, kinematics: Kinematics, time: float, joints: Array) -> None:
        """Start at a posture [7] (rad), at rest, at a time (s).

        A posture whose hand does not point down is turned upright over the first moments; one far
        from it is left towards home.
        """
        self._kinematics = kinematics
        self._base, upright = self._upright(np.asarray(joints, dtype=float))
        self._offset = np.asarray(joints, dtype=float) - upright
        self._offset_start = time
        self._offset_duration = self._offset_time()
        self._shifts = np.zeros((0, 4))
        self._starts = np.zeros(0)
        self._durations = np.zeros(0)
        self._seed = upright
        self.end = time + (self._offset_duration if np.any(np.abs(self._offset) > 1e-3) else 0.0)
        """When all that was added so far is over, s."""

    def _upright(self, joints: Array) -> tuple[Array, Array]:
        position, rotation = self._kinematics.forward(joints)
        pose = np.array([*position, yaw_of(rotation)])
        try:
            upright = self._kinematics.inverse(position, downward(pose[3]), seed=joints)
        except UnreachableError:
            upright = np.full(7, math.inf)
        if np.abs(joints - upright).max() <= _NEAR:
            return pose, upright
        position, rotation = self._kinematics.forward(fr3.HOME)
        return np.array([*position, yaw_of(rotation)]), np.array(fr3.HOME)

    def _offset_time(self) -> float:
        size = np.abs(self._offset)
        fastest = float(np.max(_PEAK_VELOCITY * size / _JOINT_VELOCITY))
        return max(0.5, fastest, math.sqrt(_PEAK_ACCELERATION * float(size.max()) / 1.5))

    @property
    def goal(self) -> Array:
        """Pose [4] (x, y, z in m, yaw in rad) after all that was added so far."""
        return self._base + self._shifts.sum(axis=0)

    def add(
        self,
        goal: Array,
        *,
        start: float,
        velocity: float,
        acceleration: float,
        pace: float = 1.0,
    ) -> float:
        """Move on to a new final pose.

        The shift takes as long as the given limits and half of the robot's rectangular joint limits
        demand.

        Args:
            goal: pose [4] (x, y, z in m, yaw in rad).
            start: when the shift begins, s.
            velocity: of the hand, m/s.
            acceleration: of the hand, m/s^2.
            pace: share of the speed that all this allows, in (0, 1].

        Returns:
            The shift's end, s; ``end`` is the last of all shifts' ends.

        Raises:
            UnreachableError: the way leaves the joint limits, and nothing was added.
        """
        shift = np.asarray(goal, dtype=float) - self.goal
        duration = max(
            _SHORTEST,
            shortest_duration(float(np.linalg.norm(shift[:3])), velocity, acceleration),
            shortest_duration(abs(float(shift[3])), _YAW_VELOCITY, _YAW_ACCELERATION),
        )
        before = self._shifts, self._starts, self._durations
        self._shifts = np.vstack([self._shifts, shift])
        self._starts = np.append(self._starts, start)
        self._durations = np.append(self._durations, duration)
        try:
            self._stretch_last()
        except UnreachableError:
            self._shifts, self._starts, self._durations = before
            raise
        self._durations[-1] /= pace
        finish = start + float(self._durations[-1])
        self.end = max(self.end, finish)
        return finish

    def _stretch_last(self) -> None:
        """Lengthen the last shift until the joints keep well within their limits."""
        for _ in range(_STRETCHES):
            start, finish = self._starts[-1], float(np.max(self._starts + self._durations))
            times = np.arange(start - _CHECK_PERIOD, finish + 2 * _CHECK_PERIOD, _CHECK_PERIOD)
            joints = self.joints(times)
            velocity = np.diff(joints, axis=0) / _CHECK_PERIOD
            acceleration = np.diff(velocity, axis=0) / _CHECK_PERIOD
            excess = max(
                float((np.abs(velocity) / _JOINT_VELOCITY).max()),
                math.sqrt(float(np.abs(acceleration).max()) / _JOINT_ACCELERATION),
            )
            if excess <= 1.0:
                return
            self._durations[-1] *= min(max(excess, 1.03), 1.5)

    def poses(self, times: Array) -> Array:
        """Answer the poses [n, 4] at times [n] (s)."""
        if not len(self._starts):
            return np.tile(self._base, (len(times), 1))
        progress = ease((times[:, None] - self._starts) / self._durations)
        return self._base + progress @ self._shifts

    def joints(self, times: Array) -> Array:
        """Answer the joint positions [n, 7] (rad) at times [n] (s).

        Raises:
            UnreachableError: the path leaves the joint limits at one of the times.
        """
        times = np.asarray(times, dtype=float)
        joints = np.empty((len(times), 7))
        for row, pose in enumerate(self.poses(times)):
            self._seed = self._kinematics.inverse(pose[:3], downward(pose[3]), seed=self._seed)
            joints[row] = self._seed
        left = 1.0 - ease((times - self._offset_start) / self._offset_duration)
        return joints + left[:, None] * self._offset
