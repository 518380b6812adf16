"""A twice continuously differentiable path through waypoints: local quintic spline.

Velocities and accelerations at the waypoints come from five-point stencils (three-point ones next
to the ends), so a waypoint acts on its neighbours only: a chunk that repeats the last
one's actions gives the same path again.
"""

import numpy as np
from numpy.typing import NDArray

from dust_executor.quintic import States, Times, evaluate

Waypoints = NDArray[np.float64]


def spline_states(waypoints: Waypoints, period: float) -> States:
    """Return knots [k, 3, J] through waypoints [k, J] that are `period` s apart."""
    states = np.zeros((len(waypoints), 3, waypoints.shape[1]))
    states[:, 0] = waypoints
    if len(waypoints) < 3:
        if len(waypoints) == 2:
            states[:, 1] = (waypoints[1] - waypoints[0]) / period
        return states
    _three_point(states, waypoints, period)
    if len(waypoints) >= 5:
        _five_point(states, waypoints, period)
    return states


def smooth(waypoints: Waypoints, passes: int) -> Waypoints:
    """Return waypoints [k, J] after `passes` averages with weights 1/4, 1/2, 1/4; the ends stay."""
    result = waypoints.copy()
    for _ in range(passes):
        result[1:-1] = 0.25 * result[:-2] + 0.5 * result[1:-1] + 0.25 * result[2:]
    return result


def reference_at(times: Times, states: States, at: Times) -> States:
    """Evaluate the spline at times [N], ns; before its first knot, the first knot's parabola."""
    result = evaluate(times, states, at)
    early = at < times[0]
    if np.any(early):
        position, velocity, acceleration = states[0]
        dt = ((at[early] - times[0]) * 1e-9)[:, None]
        result[early, 0] = position + velocity * dt + 0.5 * acceleration * dt**2
        result[early, 1] = velocity + acceleration * dt
    return result


def _three_point(states: States, q: Waypoints, h: float) -> None:
    states[1:-1, 1] = (q[2:] - q[:-2]) / (2 * h)
    states[1:-1, 2] = (q[2:] - 2 * q[1:-1] + q[:-2]) / h**2
    states[0, 1] = (-3 * q[0] + 4 * q[1] - q[2]) / (2 * h)
    states[-1, 1] = (3 * q[-1] - 4 * q[-2] + q[-3]) / (2 * h)
    states[0, 2] = states[1, 2]
    # Nothing is known beyond the last one; any acceleration there would be braked away past it.
    states[-1, 2] = 0.0


def _five_point(states: States, q: Waypoints, h: float) -> None:
    states[2:-2, 1] = (q[:-4] - 8 * q[1:-3] + 8 * q[3:-1] - q[4:]) / (12 * h)
    states[2:-2, 2] = (-q[:-4] + 16 * q[1:-3] - 30 * q[2:-2] + 16 * q[3:-1] - q[4:]) / (12 * h**2)
