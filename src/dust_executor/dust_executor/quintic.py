"""Quintic pieces between knots: exactly what a joint trajectory controller interpolates.

A knot is a state [3, J] (position, velocity, acceleration of J joints) at a time. Between two
knots that carry all three, ros2_controllers' joint_trajectory_controller follows the one quintic
that joins them. Shapes: K knots, P = K - 1 pieces, M samples a piece, N times, J joints.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]
States = NDArray[np.float64]

NS = 1_000_000_000
"""Nanoseconds in a second."""

# Row d, column k: factor of u^(k-d) in the d-th derivative of u^k.
_FACTORS = np.array(
    [[1, 1, 1, 1, 1, 1], [0, 1, 2, 3, 4, 5], [0, 0, 2, 6, 12, 20], [0, 0, 0, 6, 24, 60]],
    dtype=float,
)


def coefficients(start: States, end: States, durations: NDArray[np.float64]) -> States:
    """Return the pieces' polynomials in u = (t - start) / duration.

    Args:
        start: Knots [P, 3, J] where the pieces begin; rad, rad/s, rad/s^2.
        end: Knots [P, 3, J] where they end.
        durations: How long they last [P], s.

    Returns:
        Coefficients [P, 6, J] of u^0..u^5.
    """
    scale = durations[:, None, None] ** np.arange(3)[:, None]
    start, end = start * scale, end * scale
    result = np.empty((len(durations), 6, start.shape[2]))
    result[:, :3] = start
    result[:, 2] *= 0.5
    gap = end[:, 0] - start[:, 0] - start[:, 1] - result[:, 2]
    gap_v = end[:, 1] - start[:, 1] - start[:, 2]
    gap_a = 0.5 * (end[:, 2] - start[:, 2])
    result[:, 3] = 10.0 * gap - 4.0 * gap_v + gap_a
    result[:, 4] = -15.0 * gap + 7.0 * gap_v - 2.0 * gap_a
    result[:, 5] = 6.0 * gap - 3.0 * gap_v + gap_a
    return result


@lru_cache(maxsize=32)
def basis(samples: int) -> NDArray[np.float64]:
    """Return derivatives 0..3 of u^0..u^5 at `samples` equal steps over [0, 1]; [4, samples, 6]."""
    return _basis(np.linspace(0.0, 1.0, samples))


def sample_pieces(times: Times, states: States, *, step: float = 1e-3) -> NDArray[np.float64]:
    """Sample every piece, ends included, at most `step` apart.

    Args:
        times: Knot times [K], ns; K >= 2.
        states: Knot states [K, 3, J].
        step: Largest distance of two samples, s.

    Returns:
        [4, P, M, J]: position, velocity, acceleration, jerk; rad, rad/s, rad/s^2, rad/s^3.
    """
    durations = np.diff(times) * 1e-9
    polynomials = coefficients(states[:-1], states[1:], durations)
    samples = int(np.ceil(durations.max() / step - 1e-6)) + 1
    values = basis(samples)[:, None] @ polynomials[None]
    values[1:] /= _powers(durations)[1:, :, None, None]
    return values


def evaluate(times: Times, states: States, at: Times) -> States:
    """Evaluate the pieces at any times; before the first and after the last knot, its state.

    Args:
        times: Knot times [K], ns.
        states: Knot states [K, 3, J].
        at: Times [N], ns.

    Returns:
        States [N, 3, J].
    """
    at = np.minimum(np.maximum(at, times[0]), times[-1])
    end = np.searchsorted(times, at)
    # At a knot the answer is the knot itself, to the last bit: plans cut there do not drift.
    values = states[end]
    between = times[end] != at
    if np.any(between):
        end = end[between]
        durations = (times[end] - times[end - 1]) * 1e-9
        polynomials = coefficients(states[end - 1], states[end], durations)
        u = (at[between] - times[end - 1]) * 1e-9 / durations
        inner = np.einsum("dnk,nkj->ndj", _basis(u)[:3], polynomials)
        values[between] = inner / _powers(durations)[:3].T[:, :, None]
    return values


def _basis(u: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = u[:, None] ** np.arange(6)
    result = np.zeros((4, len(u), 6))
    for derivative in range(4):
        result[derivative, :, derivative:] = powers[:, : 6 - derivative]
    return result * _FACTORS[:, None]


def _powers(durations: NDArray[np.float64]) -> NDArray[np.float64]:
    return durations[None] ** np.arange(4)[:, None]
