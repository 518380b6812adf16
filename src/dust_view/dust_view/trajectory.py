"""Joint trajectories as the joint trajectory controller of ros2_controllers follows them.

    accepted    a newer message replaces the older one at once
    between     the quintic through both points' positions, velocities and accelerations
    ahead       from the last command to a first point that is not due yet
    behind      the last point holds

Shapes: K points, N samples, J joints. Times are whole nanoseconds: seconds since 1970 as a float
would show up as jerk.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dust_node.stamps import nanoseconds_of

Array = NDArray[np.float64]
Times = NDArray[np.int64]

NS = 1_000_000_000
"""Nanoseconds in a second."""


@dataclass(frozen=True, slots=True)
class Trajectory:
    """Points in absolute time.

    Attributes:
        times: Strictly increasing [K], ns; K >= 1.
        states: Position, velocity, acceleration [K, 3, J]; rad, rad/s, rad/s^2.
    """

    times: Times
    states: Array

    @property
    def start_ns(self) -> int:
        """When the first point is due."""
        return int(self.times[0])

    @property
    def end_ns(self) -> int:
        """When the last point is due."""
        return int(self.times[-1])

    @classmethod
    def from_message(
        cls, message: Any, joint_names: Sequence[str], *, arrival_ns: int = 0
    ) -> "Trajectory":
        """Read a trajectory_msgs/JointTrajectory, from rclpy or out of a bag.

        Args:
            message: The message; velocities and accelerations that are missing count as 0.
            joint_names: Order of the columns.
            arrival_ns: When it came: where its stamp is 0 it begins then.

        Raises:
            ValueError: It has no points, lacks a joint, or its points do not fit its names.
        """
        names = list(message.joint_names)
        missing = [name for name in joint_names if name not in names]
        if missing or not len(message.points):
            lacks = f"joint {missing[0]}" if missing else "points"
            raise ValueError(f"the trajectory has no {lacks}")
        columns = [names.index(name) for name in joint_names]
        begin = nanoseconds_of(message.header.stamp) or arrival_ns
        times = [begin + nanoseconds_of(point.time_from_start) for point in message.points]
        states = np.stack([_state(point, len(names))[:, columns] for point in message.points])
        return cls(np.array(times, dtype=np.int64), states)

    @classmethod
    def at_rest(cls, position: Array, *, since_ns: int) -> "Trajectory":
        """Return a trajectory that stays at a position [J]."""
        states = np.zeros((1, 3, len(position)))
        states[0, 0] = position
        return cls(np.array([since_ns], dtype=np.int64), states)

    def sample(self, at: Times) -> Array:
        """Return states [N, 3, J] at times [N], ns; before the first point its state."""
        at = np.clip(at, self.times[0], self.times[-1])
        after = np.searchsorted(self.times, at)
        # At a point the answer is the point itself, to the last bit.
        values = self.states[after]
        between = self.times[after] != at
        if np.any(between):
            end = after[between]
            values[between] = _quintic(
                self.states[end - 1],
                self.states[end],
                (self.times[end] - self.times[end - 1]) / NS,
                (at[between] - self.times[end - 1]) / NS,
            )
        # Behind the last point it stands: a velocity there is not followed.
        return values

    def taken_up(self, now_ns: int, command: Array) -> "Trajectory":
        """Return what the controller follows when this arrives at `now_ns`.

        Args:
            now_ns: When it arrives.
            command: State [3, J] that is commanded then.
        """
        if self.start_ns <= now_ns:
            return self
        times = np.concatenate([np.array([now_ns], dtype=np.int64), self.times])
        return Trajectory(times, np.concatenate([command[None], self.states]))


def milliseconds(begin_ns: int, end_ns: int) -> Times:
    """Return the whole milliseconds [N] (in ns) after `begin_ns` up to `end_ns`."""
    step = 1_000_000
    return np.arange((begin_ns // step + 1) * step, end_ns + 1, step, dtype=np.int64)


def _state(point: Any, joints: int) -> Array:
    state = np.zeros((3, joints))
    for row, values in enumerate((point.positions, point.velocities, point.accelerations)):
        if len(values) not in (joints, 0 if row else joints):
            raise ValueError(f"a point of the trajectory has {len(values)} values for {joints}")
        if len(values):
            state[row] = values
    return state


def _quintic(start: Array, end: Array, span: Array, elapsed: Array) -> Array:
    """Evaluate quintics between states [N, 3, J] over spans [N] at elapsed times [N], s."""
    h, t = span[:, None], elapsed[:, None]
    p0, v0, a0 = start[:, 0], start[:, 1], start[:, 2]
    # What the end conditions ask for beyond going on with the acceleration at the start.
    rise = end[:, 0] - (p0 + v0 * h + a0 * h**2 / 2)
    slope = (end[:, 1] - (v0 + a0 * h)) * h
    bend = (end[:, 2] - a0) * h**2
    c3 = (10 * rise - 4 * slope + bend / 2) / h**3
    c4 = (-15 * rise + 7 * slope - bend) / h**4
    c5 = (6 * rise - 3 * slope + bend / 2) / h**5
    position = p0 + t * (v0 + t * (a0 / 2 + t * (c3 + t * (c4 + t * c5))))
    velocity = v0 + t * (a0 + t * (3 * c3 + t * (4 * c4 + t * 5 * c5)))
    acceleration = a0 + t * (6 * c3 + t * (12 * c4 + t * 20 * c5))
    return np.stack([position, velocity, acceleration], axis=1)
