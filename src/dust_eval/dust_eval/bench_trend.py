"""Whether a figure that was sampled over time grows: its slope, and how sure that is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dust_eval.interval import Z_95

LEAST_SAMPLES = 6


@dataclass(frozen=True, slots=True)
class Trend:
    """A straight line through samples.

    Attributes:
        first: First sample.
        last: Last sample.
        slope: Least-squares slope. Unit: the samples' per s.
        margin: Half of the slope's 95 % interval, same unit.
        seconds: From the first sample to the last. Unit: s.
    """

    first: float
    last: float
    slope: float
    margin: float
    seconds: float

    @property
    def growth(self) -> float:
        """What the line rises by over the whole time; same unit as the samples."""
        return self.slope * self.seconds


def fit_trend(times: Sequence[float], values: Sequence[float]) -> Trend | None:
    """Fit a straight line by least squares; None: too few samples to tell.

    What lies above the line now mostly does so at the next sample too (memory goes up in steps),
    so samples tell less than their number. The interval takes them for n (1 - r) / (1 + r)
    independent ones, r being the correlation of neighbouring residuals.

    Args:
        times: When each sample was taken, increasing. Unit: s.
        values: The samples.
    """
    if len(times) < LEAST_SAMPLES:
        return None
    t, v = np.asarray(times, dtype=float), np.asarray(values, dtype=float)
    t_centred = t - t.mean()
    squares = float(t_centred @ t_centred)
    slope = float(t_centred @ v) / squares
    residuals = v - v.mean() - slope * t_centred
    freedom = max(len(t) * _independent_share(residuals) - 2, 1.0)
    deviation = math.sqrt(float(residuals @ residuals) / (squares * freedom))
    return Trend(
        first=float(v[0]),
        last=float(v[-1]),
        slope=slope,
        margin=student_quantile(freedom) * deviation,
        seconds=float(t[-1] - t[0]),
    )


def student_quantile(freedom: float) -> float:
    """Return the two-sided 95 % quantile of Student's t, by its expansion around the normal one.

    Args:
        freedom: Degrees of freedom. Range: >= 1; within 1 % from 4 on, too small below.
    """
    z = Z_95
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


def _independent_share(residuals: NDArray[np.float64]) -> float:
    """Return which share of the samples counts as independent. Range: > 0 to 1."""
    power = float(residuals @ residuals)
    if power <= 0:
        return 1.0
    correlation = float(residuals[1:] @ residuals[:-1]) / power
    correlation = min(max(correlation, 0.0), 0.99)
    return (1 - correlation) / (1 + correlation)
