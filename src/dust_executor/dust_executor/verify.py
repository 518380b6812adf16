"""The proof before anything leaves: every piece sampled at 1 kHz, every limit checked."""

import numpy as np
from numpy.typing import NDArray

from dust_executor.limits import Envelope
from dust_executor.quintic import States, Times, sample_pieces

# Rounding, relative to the limit.
_SLACK = 1e-9
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
    low_v, high_v = _speeds(samples, bounds)
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
    """Return whether every sample of the pieces is inside the limits."""
    return not violation(times, states, bounds)


def _speeds(
    samples: NDArray[np.float64], bounds: Envelope
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    # The nearer to a limit, the smaller the speed towards it: mostly, what the extreme positions
    # allow is enough for all samples.
    position, velocity = samples[0], samples[1]
    low, _ = _shared(position.min(axis=(0, 1)), bounds)
    _, high = _shared(position.max(axis=(0, 1)), bounds)
    if np.all(velocity.min(axis=(0, 1)) >= low) and np.all(velocity.max(axis=(0, 1)) <= high):
        return low, high
    return _shared(position, bounds)


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
    slack = _SLACK * (1.0 + np.abs(high))
    low, high = low - slack, high + slack
    # Written so that NaN counts as outside.
    if low.ndim == 1:
        joints = (values.min(axis=(0, 1)) >= low) & (values.max(axis=(0, 1)) <= high)
        if joints.all():
            return ""
    fine = (values >= low) & (values <= high)
    if fine.all():
        return ""
    piece, sample, joint = np.unravel_index(int(np.argmin(fine)), fine.shape)
    return (
        f"{_NAMES[derivative]} of joint {joint + 1} would be "
        f"{values[piece, sample, joint]:.4g} {_UNITS[derivative]}"
    )
