"""The joint trajectory controller of ros2_controllers, for topic messages, without ROS.

What a message has to be and what becomes of it follows joint_trajectory_controller (Jazzy, 4.x):

    accepted only if   all joints are there, in any order; points are there; time_from_start
                       strictly increases; with a non-zero stamp the end is not in the past; every
                       point gives a position per joint, and none or one velocity and acceleration
                       per joint; the last point is at rest (unless `allow_end_velocity`)
    stamp 0            starts at the next sample
    replacement        at once: what ran before is forgotten
    first point ahead  spline from the measured state, or from the last command with
                       `interpolate_from_desired_state`
    first point past   jumps into the segment that contains now, unblended
    behind the end     holds the last point
    empty message      rejected, cancels nothing
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dust_sim.trajectory import Array, Knot, Knots, Setpoints, Trajectory

# JTC compares end velocities with the epsilon of a 32-bit float.
_REST_VELOCITY = float(np.finfo(np.float32).eps)


class RejectedError(ValueError):
    """A trajectory was not accepted; the message says why."""


@dataclass(frozen=True, slots=True)
class TrajectoryPoint:
    """One point as it came in; the lengths are not checked yet.

    Attributes:
        offset_ns: Time from the trajectory's start. Unit: ns.
        positions: One per joint named by the request. Unit: rad.
        velocities: One per joint, or empty. Unit: rad/s.
        accelerations: One per joint, or empty. Unit: rad/s^2.
        effort: Has to be empty.
    """

    offset_ns: int
    positions: Sequence[float]
    velocities: Sequence[float] = ()
    accelerations: Sequence[float] = ()
    effort: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class TrajectoryRequest:
    """A trajectory as it came in.

    Attributes:
        stamp_ns: Time that the points' offsets count from; 0: as soon as possible. Unit: ns.
        joint_names: Joints in the order of the points' values.
        points: Points in time order.
    """

    stamp_ns: int
    joint_names: Sequence[str]
    points: Sequence[TrajectoryPoint]


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A trajectory that was accepted and waits for its first sample."""

    now_ns: int
    stamp_ns: int
    knots: Knots


class TrajectoryController:
    """Follows one trajectory, else holds.

    Args:
        joint_names: Joints in the order of the sampled columns.
        position: Where to hold at first, [joints]. Unit: rad.
        interpolate_from_desired_state: Start from the last command rather than the measured state
            when a trajectory begins ahead of now.
        allow_end_velocity: Accept trajectories that do not end at rest.
    """

    def __init__(
        self,
        joint_names: Sequence[str],
        position: Array,
        *,
        interpolate_from_desired_state: bool = False,
        allow_end_velocity: bool = False,
    ) -> None:
        self.joint_names = tuple(joint_names)
        self._from_desired = interpolate_from_desired_state
        self._allow_end_velocity = allow_end_velocity
        self.hold(position)

    def hold(self, position: Array) -> None:
        """Forget every trajectory and hold this position from the next sample on. [joints], rad."""
        zero = np.zeros(len(self.joint_names))
        self._command = Knot(np.array(position, dtype=float), zero, zero, True)
        self._trajectory: Trajectory | None = None
        self._incoming: list[_Arrival] = []

    def set_back(self, back_ns: int) -> None:
        """Go on as before on a clock that was set back. Unit: ns."""
        if self._trajectory is not None:
            self._trajectory.set_back(back_ns)
        self._incoming = [
            replace(
                arrival,
                now_ns=arrival.now_ns - back_ns,
                stamp_ns=arrival.stamp_ns - back_ns if arrival.stamp_ns else 0,
            )
            for arrival in self._incoming
        ]

    @property
    def command(self) -> Knot:
        """Last commanded state."""
        return self._command

    def is_moving(self, now_ns: int) -> bool:
        """Return whether a trajectory waits or has not reached its end. Unit: ns."""
        if self._incoming:
            return True
        return self._trajectory is not None and now_ns < self._trajectory.end_ns

    def accept(self, request: TrajectoryRequest, now_ns: int) -> None:
        """Take a trajectory over from the first sample at or behind now on.

        Args:
            request: Trajectory to check.
            now_ns: When it came in, on the clock of its stamp. A simulation that is catching up
                may have samples to command from before that; they follow the trajectory before.
                Unit: ns.

        Raises:
            RejectedError: The trajectory breaks one of the rules; nothing changed.
        """
        order = _column_order(request.joint_names, self.joint_names)
        _check_points(request, now_ns, len(self.joint_names))
        knots = _knots(request.points, order)
        if not self._allow_end_velocity:
            _check_end(knots, self.joint_names)
        self._incoming.append(_Arrival(now_ns, request.stamp_ns, knots))

    def sample(self, times_ns: NDArray[np.int64], position: Array, velocity: Array) -> Setpoints:
        """Command the next samples.

        Args:
            times_ns: Times to command, ascending, behind the last call's, [samples]. Unit: ns.
            position: Measured now, [joints]. Unit: rad.
            velocity: Measured now, [joints]. Unit: rad/s.

        Returns:
            One row per time.
        """
        while self._incoming and self._incoming[0].now_ns <= times_ns[0]:
            self._begin(self._incoming.pop(0), int(times_ns[0]), position, velocity)
        if self._trajectory is None:
            return self._held(len(times_ns))
        setpoints = self._trajectory.sample(times_ns)
        self._command = Knot(
            setpoints.positions[-1], setpoints.velocities[-1], setpoints.accelerations[-1], True
        )
        return setpoints

    def _begin(self, arrival: _Arrival, now_ns: int, position: Array, velocity: Array) -> None:
        knots = arrival.knots
        start_ns = arrival.stamp_ns or now_ns
        if now_ns < start_ns + int(knots.offsets_ns[0]):
            measured = Knot(position.copy(), velocity.copy(), np.zeros_like(position), False)
            before = self._command if self._from_desired else measured
            knots = knots.preceded_by(now_ns - start_ns, before)
        self._trajectory = Trajectory(start_ns, knots)

    def _held(self, count: int) -> Setpoints:
        zero = np.zeros((count, len(self.joint_names)))
        return Setpoints(np.tile(self._command.position, (count, 1)), zero, zero)


def _column_order(names: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Return where each wanted joint stands in the request."""
    if sorted(names) != sorted(wanted):
        raise RejectedError(
            f"joints are {list(names)}; the controller has {list(wanted)}, each needed once"
        )
    return [list(names).index(name) for name in wanted]


def _check_points(request: TrajectoryRequest, now_ns: int, joints: int) -> None:
    if not request.points:
        raise RejectedError("trajectory has no points")
    end_ns = request.stamp_ns + request.points[-1].offset_ns
    if request.stamp_ns != 0 and end_ns < now_ns:
        raise RejectedError(f"trajectory ended {(now_ns - end_ns) * 1e-9:.3f} s ago")
    for index, point in enumerate(request.points):
        _check_sizes(index, point, joints)
        if index > 0 and point.offset_ns <= request.points[index - 1].offset_ns:
            raise RejectedError(
                f"time_from_start of point {index} is {point.offset_ns * 1e-9:.6f} s, not after "
                f"the point before it ({request.points[index - 1].offset_ns * 1e-9:.6f} s)"
            )


def _check_sizes(index: int, point: TrajectoryPoint, joints: int) -> None:
    if len(point.positions) != joints:
        raise RejectedError(
            f"point {index} has {len(point.positions)} positions, expected {joints}"
        )
    if len(point.velocities) not in (0, joints):
        raise RejectedError(
            f"point {index} has {len(point.velocities)} velocities, expected none or {joints}"
        )
    if len(point.accelerations) not in (0, joints):
        raise RejectedError(
            f"point {index} has {len(point.accelerations)} accelerations, expected none or {joints}"
        )
    if len(point.effort) != 0:
        raise RejectedError(f"point {index} has efforts, which are not supported")


def _check_end(knots: Knots, joint_names: Sequence[str]) -> None:
    moving = np.abs(knots.velocities[-1]) > _REST_VELOCITY
    if moving.any():
        joint = int(np.argmax(moving))
        raise RejectedError(
            f"velocity of {joint_names[joint]} at the end is {knots.velocities[-1, joint]:g} "
            " rad/s; it must be zero"
        )


def _knots(points: Sequence[TrajectoryPoint], order: list[int]) -> Knots:
    # A rectangular copy with zeros where a point says nothing.
    zeros = (0.0,) * len(order)
    knots = Knots(
        np.array([point.offset_ns for point in points], dtype=np.int64),
        np.array([point.positions for point in points], dtype=float)[:, order],
        _filled([point.velocities for point in points], zeros)[:, order],
        _filled([point.accelerations for point in points], zeros)[:, order],
        np.array([len(point.velocities) > 0 for point in points]),
        np.array([len(point.accelerations) > 0 for point in points]),
    )
    # ros2_controllers does not look; there a NaN would reach the drives and stop the robot.
    for name in ("positions", "velocities", "accelerations"):
        if not np.isfinite(getattr(knots, name)).all():
            raise RejectedError(f"{name} hold a value that is not finite")
    return knots


def _filled(rows: list[Sequence[float]], zeros: Sequence[float]) -> Array:
    return np.array([row if len(row) else zeros for row in rows], dtype=float)
