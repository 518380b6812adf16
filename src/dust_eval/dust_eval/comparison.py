"""Is one driver better than another? Both did the same trials: they are compared one by one.

With full successes only, the sign-flip test below is McNemar's exact test; half successes make it
the exact permutation test of the mean difference.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dust_eval.interval import paired_interval

_UNITS = 2
"""Scores are multiples of a half."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two drivers over the trials that both did.

    Attributes:
        first: Name of one.
        second: Name of the other.
        trials: Trials that both did.
        wins: Trials in which the first scored higher.
        losses: Trials in which the second scored higher.
        difference: Mean score of the first minus that of the second. Range: -1 to 1.
        low: Lower end of the difference's 95 % interval.
        high: Upper end.
        p: Two-sided p value of no difference.
        p_holm: The same, corrected for the number of comparisons (Holm).
    """

    first: str
    second: str
    trials: int
    wins: int
    losses: int
    difference: float
    low: float
    high: float
    p: float
    p_holm: float


def compare_all(scores: Mapping[str, Mapping[str, float]]) -> list[Comparison]:
    """Compare every two drivers.

    Args:
        scores: Driver -> trial -> score 0, 0.5 or 1.

    Returns:
        Comparisons in the order of the drivers; pairs without a common trial are left out.
    """
    found = [
        compare(first, second, scores[first], scores[second])
        for first, second in itertools.combinations(scores, 2)
        if scores[first].keys() & scores[second].keys()
    ]
    corrected = holm([comparison.p for comparison in found])
    return [replace(c, p_holm=p) for c, p in zip(found, corrected, strict=True)]


def compare(
    first: str, second: str, scores: Mapping[str, float], others: Mapping[str, float]
) -> Comparison:
    """Compare two drivers over their common trials, of which there is at least one."""
    common = sorted(scores.keys() & others.keys())
    differences = [scores[trial] - others[trial] for trial in common]
    p = sign_flip_test(differences)
    low, high = paired_interval(differences)
    return Comparison(
        first=first,
        second=second,
        trials=len(common),
        wins=sum(difference > 0 for difference in differences),
        losses=sum(difference < 0 for difference in differences),
        difference=sum(differences) / len(common),
        low=low,
        high=high,
        p=p,
        p_holm=p,
    )


def sign_flip_test(differences: Sequence[float]) -> float:
    """Return the exact two-sided p value of paired differences.

    If both drivers were equally good, each difference could as well have the other sign. The p
    value is the share of all 2**n choices of signs whose sum is at least as far from 0 as the one
    seen; the shares are counted by convolution, not by trying.

    Args:
        differences: Multiples of 0.5, one per trial.
    """
    steps = [abs(round(_UNITS * difference)) for difference in differences]
    seen = abs(round(_UNITS * sum(differences)))
    reach = sum(steps)
    shares = np.zeros(2 * reach + 1)
    shares[reach] = 1.0  # of sum 0
    for step in filter(None, steps):
        # A sum moves by one step up or down; what leaves the array at an end was 0 there.
        shares = 0.5 * (np.roll(shares, step) + np.roll(shares, -step))
    far = np.abs(np.arange(-reach, reach + 1)) >= seen
    return float(min(1.0, shares[far].sum()))


def holm(values: Sequence[float]) -> list[float]:
    """Return p values corrected for their number after Holm (1979), in the order given."""
    order = sorted(range(len(values)), key=lambda index: values[index])
    corrected = [0.0] * len(values)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(values) - rank) * values[index]))
        corrected[index] = highest
    return corrected
