"""Quintic pieces between knots: exactly what a joint trajectory controller interpolates.

A knot is a state [3, J] (position, velocity, acceleration of J joints) at a time. Between two
knots that carry all three, ros2_controllers' joint_trajectory_controller follows the one quintic
that joins them. Shapes: K knots, P = K - 1 pieces, M samples a piece, N times, J joints.
"""

from functools import lru_cache
from math import comb

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

# From rows (p1 - p0, v0 h, a0 h^2, v1 h, a1 h^2) to the coefficients of u^2..u^5.
_HERMITE = np.array(
    [
        [0.0, 0.0, 0.5, 0.0, 0.0],
        [10.0, -6.0, -1.5, -4.0, 0.5],
        [-15.0, 8.0, 1.5, 7.0, -1.0],
        [6.0, -3.0, -0.5, -3.0, 0.5],
    ]
)

_EXPONENTS = np.arange(6.0)


def _weights() -> NDArray[np.float64]:
    """Return what the rows (p1 - p0, v0, a0, v1, a1) count in derivatives 0..2 of a piece of 1 s.

    Returns:
        [6, 15]: powers of u times this are the weights [3, 5], flat.
    """
    result = np.zeros((6, 3, 5))
    for derivative in range(3):
        for power in range(max(1, derivative), 6):
            # u^1 comes from the first velocity alone.
            row = _HERMITE[power - 2] if power > 1 else np.array([0.0, 1.0, 0.0, 0.0, 0.0])
            result[power - derivative, derivative] += _FACTORS[derivative, power] * row
    return result.reshape(6, 15)


_WEIGHTS = _weights()

_DERIVATIVES = np.arange(4.0)

# Derivatives that the rows (p0, p1 - p0, v0, a0, v1, a1) hold.
_ORDERS = np.array([0.0, 0.0, 1.0, 2.0, 1.0, 2.0])

# Exponents of a piece's duration in those weights.
_SCALES = (_ORDERS[1:] - _DERIVATIVES[:3, None]).ravel()

# First Bernstein coefficient of each derivative among the 6 + 5 + 4 + 3.
_BERNSTEIN_FIRST = (0, 6, 11, 15)


def _bernstein() -> NDArray[np.float64]:
    """Return what those rows count in the Bernstein coefficients of a piece of 1 s; [18, 6]."""
    monomials = np.zeros((6, 6))
    monomials[0, 0] = monomials[1, 2] = 1.0
    monomials[2:, 1:] = _HERMITE
    blocks = []
    for derivative in range(4):
        degree = 5 - derivative
        shares = [
            [comb(row, power) / comb(degree, power) for power in range(degree + 1)]
            for row in range(degree + 1)
        ]
        factors = _FACTORS[derivative, derivative:, None]
        blocks.append(np.array(shares) @ (factors * monomials[derivative:]))
    return np.concatenate(blocks)


_BERNSTEIN = _bernstein()


def coefficients(start: States, end: States, durations: NDArray[np.float64]) -> States:
    """Return the pieces' polynomials in u = (t - start) / duration.

    Args:
        start: Knots [P, 3, J] where the pieces begin; rad, rad/s, rad/s^2.
        end: Knots [P, 3, J] where they end.
        durations: How long they last [P], s.

    Returns:
        Coefficients [P, 6, J] of u^0..u^5.
    """
    scale = durations[:, None, None]
    rows = np.empty((len(durations), 5, start.shape[2]))
    # The positions' difference: their own size would cost the jerk of short pieces its digits.
    np.subtract(end[:, 0], start[:, 0], out=rows[:, 0])
    np.multiply(start[:, 1:], scale, out=rows[:, 1:3])
    np.multiply(end[:, 1:], scale, out=rows[:, 3:])
    rows[:, 2::2] *= scale
    result = np.empty((len(durations), 6, start.shape[2]))
    result[:, 0], result[:, 1] = start[:, 0], rows[:, 1]
    result[:, 2:] = _HERMITE @ rows
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


def extremes(
    times: Times, states: States, *, step: float = 1e-3
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the least and the greatest of what `sample_pieces` returns, in a fraction of the time.

    Args:
        times: Knot times [K], ns; K >= 2.
        states: Knot states [K, 3, J].
        step: Largest distance of two samples, s.

    Returns:
        Both [4, J]: of position, velocity, acceleration, jerk.
    """
    durations = np.diff(times) * 1e-9
    polynomials = coefficients(states[:-1], states[1:], durations)
    samples = int(np.ceil(durations.max() / step - 1e-6)) + 1
    pieces, _, joints = polynomials.shape
    # One product of matrices, with all pieces and joints side by side.
    columns = np.ascontiguousarray(polynomials.transpose(1, 0, 2)).reshape(6, -1)
    values = (basis(samples).reshape(-1, 6) @ columns).reshape(4, samples, -1)
    scale = _powers(durations)[:, :, None]
    low = values.min(axis=1).reshape(4, pieces, joints) / scale
    high = values.max(axis=1).reshape(4, pieces, joints) / scale
    return low.min(axis=1), high.max(axis=1)


def enclosure(times: Times, states: States) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what the pieces keep between at all times; they may stay clear of it.

    A polynomial lies between the least and the greatest of its Bernstein coefficients.

    Args:
        times: Knot times [K], ns; K >= 2.
        states: Knot states [K, 3, J].

    Returns:
        Lower and upper bounds, both [4, J]: of position, velocity, acceleration, jerk.
    """
    durations = (times[1:] - times[:-1]) * 1e-9
    first, last = states[:-1], states[1:]
    rows = np.concatenate(
        (first[:, :1], last[:, :1] - first[:, :1], first[:, 1:], last[:, 1:]), axis=1
    )
    rows *= (durations[:, None] ** _ORDERS)[:, :, None]
    values = _BERNSTEIN @ rows
    scale = (durations[:, None] ** -_DERIVATIVES)[:, :, None]
    low = np.minimum.reduceat(values, _BERNSTEIN_FIRST, axis=1) * scale
    high = np.maximum.reduceat(values, _BERNSTEIN_FIRST, axis=1) * scale
    return low.min(axis=0), high.max(axis=0)


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
    end = times.searchsorted(at)
    if len(times) == 1:
        return states[end]
    end = np.maximum(end, 1)
    first, last = states[end - 1], states[end]
    begin, after = times[end - 1], times[end]
    lasts = after - begin
    u = (at - begin) / lasts
    weights = (u[:, None] ** _EXPONENTS @ _WEIGHTS) * (lasts * 1e-9)[:, None] ** _SCALES
    # The positions' difference: see `coefficients`.
    rows = np.concatenate((last[:, :1] - first[:, :1], first[:, 1:], last[:, 1:]), axis=1)
    values = weights.reshape(-1, 3, 5) @ rows
    values[:, 0] += first[:, 0]
    # At a knot the answer is the knot itself, to the last bit: plans cut there do not drift.
    for knot, there in ((first, u == 0.0), (last, u == 1.0)):
        if there.any():
            values[there] = knot[there]
    return values


def evaluate_at(times: Times, states: States, time: int) -> States:
    """Return what `evaluate` returns for one time (ns); [3, J]."""
    end = int(times.searchsorted(time))
    if end == 0 or end == len(times):
        return states[min(end, len(times) - 1)].copy()
    first, last = states[end - 1], states[end]
    begin, after = int(times[end - 1]), int(times[end])
    if after == time:
        return last.copy()
    u = (time - begin) / (after - begin)
    weights = (u**_EXPONENTS @ _WEIGHTS) * ((after - begin) * 1e-9) ** _SCALES
    rows = np.concatenate((last[:1] - first[:1], first[1:], last[1:]))
    value: States = weights.reshape(3, 5) @ rows
    value[0] += first[0]
    return value


def _basis(u: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = u[:, None] ** _EXPONENTS
    result = np.zeros((4, len(u), 6))
    for derivative in range(4):
        result[derivative, :, derivative:] = powers[:, : 6 - derivative]
    return result * _FACTORS[:, None]


def _powers(durations: NDArray[np.float64]) -> NDArray[np.float64]:
    squares = durations * durations
    return np.array([np.ones_like(durations), durations, squares, squares * durations])
