"""Success tables with confidence intervals."""

import itertools
import math
from collections.abc import Sequence

from dust_eval.trial import TrialResult

Z_95 = 1.959964
"""Two-sided 95 % quantile of the normal distribution."""


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


def success_table(results: Sequence[TrialResult]) -> str:
    """Return a table by task, one row each and one for all, as text."""
    by_task = sorted(results, key=lambda result: result.spec.task)
    rows = [
        _row(task, list(group))
        for task, group in itertools.groupby(by_task, key=lambda result: result.spec.task)
    ]
    header = (
        f"{'task':<18}{'success':>12}{'rate':>8}{'95 % interval':>18}{'time':>9}{'outside':>10}"
    )
    return "\n".join([header, *rows, _row("all", list(results))])


def _row(name: str, results: Sequence[TrialResult]) -> str:
    score = sum(result.score for result in results)
    low, high = wilson_interval(score, len(results))
    seconds = sum(result.elapsed_sec for result in results) / len(results)
    outside = sum(result.outside for result in results)
    return (
        f"{name:<18}{f'{score:g} of {len(results)}':>12}{score / len(results):>8.1%}"
        f"{f'{low:.1%} to {high:.1%}':>18}{seconds:>7.1f} s{outside:>10}"
    )
