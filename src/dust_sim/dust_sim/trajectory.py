"""A joint trajectory: knots in absolute time and the splines between them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

NANOSECOND = 1e-9


@dataclass(frozen=True, slots=True)
class Setpoints:
    """Commanded states, one row per sample.

    Attributes:
        positions: [samples, joints]. Unit: rad.
        velocities: [samples, joints]. Unit: rad/s.
        accelerations: [samples, joints]. Unit: rad/s^2.
    """

    positions: Array
    velocities: Array
    accelerations: Array


@dataclass(frozen=True, slots=True)
class Knots:
    """Points of a trajectory, joints in the controller's order.

    Attributes:
        offsets_ns: Time from start of each point, strictly increasing, [points]. Unit: ns.
        positions: [points, joints]. Unit: rad.
        velocities: [points, joints]; zero where a point has none. Unit: rad/s.
        accelerations: [points, joints]; zero where a point has none. Unit: rad/s^2.
        has_velocity: Which points give velocities, [points].
        has_acceleration: Which points give accelerations, [points].
    """

    offsets_ns: NDArray[np.int64]
    positions: Array
    velocities: Array
    accelerations: Array
    has_velocity: NDArray[np.bool_]
    has_acceleration: NDArray[np.bool_]

    def preceded_by(self, offset_ns: int, before: "Knot") -> "Knots":
        """Return the same points behind one more point at `offset_ns`."""
        return Knots(
            np.concatenate(([offset_ns], self.offsets_ns)).astype(np.int64),
            np.vstack((before.position, self.positions)),
            np.vstack((before.velocity, self.velocities)),
            np.vstack((before.acceleration, self.accelerations)),
            np.concatenate(([True], self.has_velocity)),
            np.concatenate(([before.has_acceleration], self.has_acceleration)),
        )


@dataclass(frozen=True, slots=True)
class Knot:
    """State that a trajectory starts from.

    Attributes:
        position: [joints]. Unit: rad.
        velocity: [joints]. Unit: rad/s.
        acceleration: [joints]; zero when unknown. Unit: rad/s^2.
        has_acceleration: False for a measured state, whose accelerations nobody knows.
    """

    position: Array
    velocity: Array
    acceleration: Array
    has_acceleration: bool


class Trajectory:
    """Knots joined by the splines that ros2_controllers uses.

    Between two points that both give accelerations and velocities: quintic; both velocities: cubic;
    else linear. Behind the last point its position holds.

    Args:
        start_ns: Time that the points' offsets count from. Unit: ns.
        knots: At least one point.
    """

    def __init__(self, start_ns: int, knots: Knots) -> None:
        self.start_ns = start_ns
        self.end_ns = start_ns + int(knots.offsets_ns[-1])
        self._knots = knots
        self._coefficients = _spline(knots)

    def set_back(self, back_ns: int) -> None:
        """Go on as before on a clock that was set back. Unit: ns."""
        self.start_ns -= back_ns
        self.end_ns -= back_ns

    def sample(self, times_ns: NDArray[np.int64]) -> Setpoints:
        """Evaluate at absolute times at or behind the first point. Unit: ns.

        Returns:
            One row per time.
        """
        # Whole nanoseconds: seconds since 1970 as a float have a grain of 0.2 microseconds, which
        # third differences at 1 kHz would show as hundreds of rad/s^3.
        offsets = times_ns - self.start_ns
        index = np.searchsorted(self._knots.offsets_ns, offsets, side="right") - 1
        index = np.maximum(index, 0)
        elapsed = (offsets - self._knots.offsets_ns[index]) * NANOSECOND
        # Behind the last point its state is reported as it is; a velocity there is not integrated.
        elapsed[index == len(self._knots.offsets_ns) - 1] = 0.0
        return _evaluate(self._coefficients[index], elapsed[:, None])


def _spline(knots: Knots) -> Array:
    """Return polynomial coefficients [points, 6, joints]; the last row holds the last point."""
    points, joints = knots.positions.shape
    coefficients = np.zeros((points, 6, joints))
    coefficients[:, 0] = knots.positions
    # Like the controller: what the last point says stays the reference, velocity included.
    coefficients[-1, 1] = knots.velocities[-1]
    coefficients[-1, 2] = knots.accelerations[-1] / 2
    if points > 1:
        coefficients[:-1] = _segments(knots)
    return coefficients


def _segments(knots: Knots) -> Array:
    span = (np.diff(knots.offsets_ns) * NANOSECOND)[:, None]
    cubic = knots.has_velocity[:-1] & knots.has_velocity[1:]
    quintic = cubic & knots.has_acceleration[:-1] & knots.has_acceleration[1:]
    degree = np.where(quintic, 2, np.where(cubic, 1, 0))[:, None, None]
    p0, p1 = knots.positions[:-1], knots.positions[1:]
    v0, v1 = knots.velocities[:-1], knots.velocities[1:]
    a0, a1 = knots.accelerations[:-1], knots.accelerations[1:]
    return np.choose(
        degree,
        (
            _linear(p0, p1, span),
            _cubic(p0, p1, v0, v1, span),
            _quintic(p0, p1, v0, v1, a0, a1, span),
        ),
    )


def _linear(p0: Array, p1: Array, span: Array) -> Array:
    zero = np.zeros_like(p0)
    return np.stack((p0, (p1 - p0) / span, zero, zero, zero, zero), axis=1)


def _cubic(p0: Array, p1: Array, v0: Array, v1: Array, span: Array) -> Array:
    zero = np.zeros_like(p0)
    rise = p1 - p0
    c2 = (3 * rise - (2 * v0 + v1) * span) / span**2
    c3 = (-2 * rise + (v0 + v1) * span) / span**3
    return np.stack((p0, v0, c2, c3, zero, zero), axis=1)


def _quintic(
    p0: Array, p1: Array, v0: Array, v1: Array, a0: Array, a1: Array, span: Array
) -> Array:
    # What is left of the end conditions once p0, v0 and a0 have been carried to the end.
    rise = p1 - (p0 + v0 * span + a0 * span**2 / 2)
    slope = v1 - (v0 + a0 * span)
    bend = a1 - a0
    c3 = (10 * rise - 4 * slope * span + bend * span**2 / 2) / span**3
    c4 = (-15 * rise + 7 * slope * span - bend * span**2) / span**4
    c5 = (6 * rise - 3 * slope * span + bend * span**2 / 2) / span**5
    return np.stack((p0, v0, a0 / 2, c3, c4, c5), axis=1)


def _evaluate(c: Array, t: NDArray[np.floating]) -> Setpoints:
    """Evaluate polynomials c [samples, 6, joints] at t [samples, 1]."""
    position = c[:, 0] + t * (c[:, 1] + t * (c[:, 2] + t * (c[:, 3] + t * (c[:, 4] + t * c[:, 5]))))
    velocity = c[:, 1] + t * (2 * c[:, 2] + t * (3 * c[:, 3] + t * (4 * c[:, 4] + t * 5 * c[:, 5])))
    acceleration = 2 * c[:, 2] + t * (6 * c[:, 3] + t * (12 * c[:, 4] + t * 20 * c[:, 5]))
    return Setpoints(position, velocity, acceleration)
