"""Braking tails: from any state to rest."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from ruckig import ControlInterface, InputParameter, Result, Ruckig, Synchronization, Trajectory

from dust_executor.limits import Envelope
from dust_executor.quintic import States, Times

Array = NDArray[np.float64]

_KNOTS = 5
_COMFORT = 0.6
_HOLD = 0.1


def tails(
    state: States, start: int, bounds: Envelope, *, soft: float, longest: float, step: float
) -> Iterator[tuple[Times, States]]:
    """Yield ways to rest, the preferred one first; none is checked against position limits.

    Smooth ones have a cubic velocity over one common duration; `soft` first, then others up to
    `longest`. The last ones are ruckig's, the shortest that the bounds allow: all joints together,
    then each joint by itself, which takes the least room.

    Args:
        state: Position, velocity, acceleration [3, J] where braking begins.
        start: When it begins, ns.
        bounds: Limits to brake with.
        soft: Preferred duration, s.
        longest: Longest duration, s.
        step: Distance of the knots of ruckig's tail, s.

    Yields:
        Knot times [K], ns, and knots [K, 3, J]; the first is `state`, the last at rest.
    """
    if not np.any(state[1:]):
        yield _knots(state, start, _HOLD, 1)
        return
    durations = [soft, longest, *(part * soft for part in (0.7, 0.45, 0.3))]
    for duration in durations:
        if _peak(state, duration, bounds) <= (_COMFORT if duration < longest else 1.0):
            yield _knots(state, start, duration, _KNOTS)
    for together in (True, False):
        shortest = ruckig_tail(state, start, bounds, step=step, together=together)
        if shortest is not None and shortest[0][-1] - start <= longest * 1e9:
            yield shortest


def ruckig_tail(
    state: States, start: int, bounds: Envelope, *, step: float, together: bool = True
) -> tuple[Times, States] | None:
    """Return ruckig's shortest way to rest, with knots `step` s apart; None when it finds none.

    Args:
        state: Position, velocity, acceleration [3, J] where braking begins.
        start: When it begins, ns.
        bounds: Limits to brake with.
        step: Distance of the knots, s.
        together: Whether all joints come to rest together; otherwise each as soon as it can.
    """
    joints = state.shape[1]
    problem, trajectory = InputParameter(joints), Trajectory(joints)
    problem.control_interface = ControlInterface.Velocity
    problem.synchronization = Synchronization.Time if together else Synchronization.No
    problem.current_position, problem.current_velocity, problem.current_acceleration = (
        state.tolist()
    )
    problem.target_velocity = problem.target_acceleration = [0.0] * joints
    problem.max_acceleration = bounds.acceleration.tolist()
    problem.max_jerk = bounds.jerk.tolist()
    result = Ruckig(joints).calculate(problem, trajectory)
    if result not in (Result.Working, Result.Finished):
        return None
    count = max(1, int(np.ceil(trajectory.duration / step)))
    offsets = np.round(np.linspace(0, max(trajectory.duration, step), count + 1) * 1e9)
    times = start + offsets.astype(np.int64)
    states = np.array([trajectory.at_time(offset * 1e-9) for offset in offsets.tolist()])
    return times, _at_rest(state, states)


def _peak(state: States, duration: float, bounds: Envelope) -> float:
    # Largest share of acceleration that a cubic velocity from (v, a) to (0, 0) needs.
    return float((np.abs(_braking(duration) @ state[1:]) / bounds.acceleration).max())


@lru_cache(maxsize=32)
def _braking(duration: float) -> Array:
    """Return what velocity and acceleration count at 21 times of a cubic velocity; [21, 2]."""
    u = np.linspace(0.0, 1.0, 21)
    return np.stack([-6 / duration * (u - u**2), 1 - 4 * u + 3 * u**2], axis=1)


def _knots(state: States, start: int, duration: float, pieces: int) -> tuple[Times, States]:
    times, weights = _shape(duration, pieces)
    knots = (weights @ state).reshape(pieces + 1, *state.shape)
    return start + times, _at_rest(state, knots)


@lru_cache(maxsize=32)
def _shape(duration: float, pieces: int) -> tuple[Times, Array]:
    """Return knot times [K], ns, and what the first state counts in each knot; [3 K, 3]."""
    span = round(duration * 1e9)
    times = np.round(np.linspace(0, span, pieces + 1)).astype(np.int64)
    u = times / span
    # A cubic velocity and its integral: what a quintic between two such knots gives back exactly.
    weights = np.zeros((pieces + 1, 3, 3))
    weights[:, 0, 0] = 1.0
    for derivative, shape in enumerate(_of_velocity(u)):
        weights[:, derivative, 1] = shape * duration ** (1 - derivative)
    for derivative, shape in enumerate(_of_acceleration(u)):
        weights[:, derivative, 2] = shape * duration ** (2 - derivative)
    return times, weights.reshape(-1, 3)


def _of_velocity(u: Array) -> tuple[Array, Array, Array]:
    """Return the way that the first velocity leads, and its two derivatives, over u in [0, 1]."""
    return u - u**3 + u**4 / 2, 1 - 3 * u**2 + 2 * u**3, 6 * (u**2 - u)


def _of_acceleration(u: Array) -> tuple[Array, Array, Array]:
    """Return the same of the first acceleration."""
    return u**2 / 2 - 2 * u**3 / 3 + u**4 / 4, u - 2 * u**2 + u**3, 1 - 4 * u + 3 * u**2


def _at_rest(first: States, states: States) -> States:
    states[0] = first
    states[-1, 1:] = 0.0
    return states
