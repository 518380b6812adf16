"""The proof before anything leaves: every piece sampled at 1 kHz, every limit checked."""

import numpy as np
from numpy.typing import NDArray

from dust_executor.limits import ROUNDING, Envelope
from dust_executor.quintic import States, Times, enclosure, extremes, sample_pieces

# What a velocity may do between two samples, where its limit is too small for a share. rad/s.
_BETWEEN = 2e-4

_UNITS = ("rad", "rad/s", "rad/s^2", "rad/s^3")
_NAMES = ("position", "velocity", "acceleration", "jerk")


def violation(times: Times, states: States, bounds: Envelope) -> str:
    """Tell which limit the pieces between the knots exceed.

    Args:
        times: Knot times [K], ns; K >= 2.
        states: Knots [K, 3, J].
        bounds: Limits.

    Returns:
        The first excess in words (joints counted from 1); empty when every sample is inside.
    """
    samples = sample_pieces(times, states)
    low_v, high_v = _shared(samples[0], bounds)
    limits = (
        (bounds.hard.lower, bounds.hard.upper),
        (np.maximum(low_v, -bounds.velocity), np.minimum(high_v, bounds.velocity)),
        (-bounds.acceleration, bounds.acceleration),
        (-bounds.jerk, bounds.jerk),
    )
    for derivative, (low, high) in enumerate(limits):
        text = _outside(samples[derivative], low, high, derivative)
        if text:
            return text
    return ""


def inside(times: Times, states: States, bounds: Envelope) -> bool:
    """Return whether every sample of the pieces is inside the limits, as `violation` finds it."""
    if surely_inside(times, states, bounds):
        return True
    in_box, slow_enough = _fits(*extremes(times, states), bounds)
    return in_box and (slow_enough or not violation(times, states, bounds))


def surely_inside(times: Times, states: States, bounds: Envelope) -> bool:
    """Return whether the pieces are inside the limits at all times; False also where it is close.

    Mostly that is enough to know, and the cheapest way to know it.
    """
    return _fits(*enclosure(times, states), bounds) == (True, True)


def _fits(
    low: NDArray[np.float64], high: NDArray[np.float64], bounds: Envelope
) -> tuple[bool, bool]:
    """Return whether what lies between `low` and `high` [4, J] keeps to the limits.

    Returns:
        Whether it keeps to all that do not depend on position, and whether to those that do,
        wherever it is. The nearer to a position limit, the smaller the speed towards it.
    """
    # Written so that NaN counts as outside.
    if not ((low >= bounds.least) & (high <= bounds.most)).all():
        return False, False
    hard, share = bounds.hard, bounds.velocity_share
    slowest = np.minimum(0.0, hard.slowest(low[0]) * share + _BETWEEN)
    fastest = np.maximum(0.0, hard.fastest(high[0]) * share - _BETWEEN)
    return True, bool(((low[1] >= slowest) & (high[1] <= fastest)).all())


def _shared(
    position: NDArray[np.float64], bounds: Envelope
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    low, high = bounds.hard.velocity_bounds(position)
    share = bounds.velocity_share
    return np.minimum(0.0, low * share + _BETWEEN), np.maximum(0.0, high * share - _BETWEEN)


def _outside(
    values: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    derivative: int,
) -> str:
    slack = ROUNDING * (1.0 + np.abs(high))
    low, high = low - slack, high + slack
    # Written so that NaN counts as outside.
    fine = (values >= low) & (values <= high)
    if fine.all():
        return ""
    piece, sample, joint = np.unravel_index(int(np.argmin(fine)), fine.shape)
    return (
        f"{_NAMES[derivative]} of joint {joint + 1} would be "
        f"{values[piece, sample, joint]:.4g} {_UNITS[derivative]}"
    )
