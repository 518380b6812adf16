"""Times of several ways to do the same thing, measured in turn within one run."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple


class Spread(NamedTuple):
    """Median and quartiles of repeated measurements, and how many there were."""

    median: float
    low: float
    high: float
    samples: int

    def text(self, scale: float = 1.0, *, digits: int = 1) -> str:
        """Return the figures in another unit, such as '12.3 [12.0..13.1]'."""
        middle, low, high = (f"{value * scale:.{digits}f}" for value in self[:3])
        return f"{middle} [{low}..{high}]"


def spread(values: Sequence[float]) -> Spread:
    """Return median and quartiles; of one value, that value."""
    if len(values) == 1:
        return Spread(values[0], values[0], values[0], 1)
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(median, low, high, len(values))


def interleave(
    works: Mapping[str, Callable[[], object]],
    *,
    seconds: float,
    least: int = 1,
    most: int = 100,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Time every work once per repetition, the order turned each time.

    So whatever else the machine does in the meantime falls upon all of them.

    Args:
        works: What to time, by name.
        seconds: Repetitions begin within this time, but `least` are made. Unit: s.
        least: Fewest repetitions.
        most: Most repetitions.
        clock: Tells the time. Unit: s.

    Returns:
        The times of each work, one per repetition. Unit: s.
    """
    times: dict[str, list[float]] = {name: [] for name in works}
    order = list(works)
    begin = clock()
    for repetition in range(most):
        if repetition >= least and clock() - begin > seconds:
            break
        for name in order:
            start = clock()
            works[name]()
            times[name].append(clock() - start)
        order.append(order.pop(0))
    return times


def ratio(times: Sequence[float], reference: Sequence[float]) -> Spread:
    """Return times as shares of the reference's, repetition by repetition."""
    return spread([a / b for a, b in zip(times, reference, strict=True)])
