"""How sure a success rate is, and the difference of two, from few trials."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

Z_95 = 1.959964
"""Two-sided 95 % quantile of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A success rate with its 95 % interval.

    Attributes:
        score: Sum of scores; half successes count half.
        trials: Number of trials. Range: >= 1.
        low: Lower end of Wilson's interval. Range: 0 to 1.
        high: Upper end. Range: 0 to 1.
    """

    score: float
    trials: int
    low: float
    high: float

    @classmethod
    def of(cls, scores: Sequence[float]) -> Self:
        """Return the rate of at least one score, each 0 to 1."""
        total = float(sum(scores))
        return cls(total, len(scores), *wilson_interval(total, len(scores)))

    @property
    def rate(self) -> float:
        """Mean score. Range: 0 to 1."""
        return self.score / self.trials

    def __str__(self) -> str:
        return f"{self.rate:.1%} ({self.low:.1%} to {self.high:.1%})"


def wilson_interval(score: float, trials: int, *, z: float = Z_95) -> tuple[float, float]:
    """Return Wilson's score interval of a success rate.

    Half successes count as half, which keeps the interval conservative.

    Args:
        score: Sum of scores. Range: 0 to trials.
        trials: Number of trials. Range: >= 1.
        z: Normal quantile of the confidence level.

    Returns:
        Lower and upper end. Range: 0 to 1.
    """
    rate = score / trials
    centre = rate + z * z / (2 * trials)
    margin = z * math.sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return max(0.0, (centre - margin) / scale), min(1.0, (centre + margin) / scale)


def paired_interval(differences: Sequence[float], *, z: float = Z_95) -> tuple[float, float]:
    """Return the interval of the mean of paired differences after Agresti and Min (2005).

    Two pairs are added that agree on nothing: half a win, half a loss, one tie. That keeps the
    interval honest where all pairs agree. Without half successes it is their adjusted Wald interval
    of the difference of two dependent proportions.

    Args:
        differences: One per trial that both did. Range: -1 to 1; at least one.
        z: Normal quantile of the confidence level.

    Returns:
        Lower and upper end. Range: -1 to 1.
    """
    count = len(differences) + 2
    mean = sum(differences) / count
    variance = (sum(d * d for d in differences) + 1) / count - mean * mean
    margin = z * math.sqrt(variance / count)
    return max(-1.0, mean - margin), min(1.0, mean + margin)
