r"""Numbers over time, read at any moment: measured states, commanded actions.

Samples      x     x     x          interpolated: the line between neighbours, else the nearest,
                                    as dust_policy's StateHistory does live
StepSamples  x_____x_____x____      held: the newest that is not newer
Plans        x\__  x\__              the newest plan that has begun, on its line between points
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]
Values = NDArray[np.float64]


class Track(Protocol):
    """Numbers over time.

    Attributes:
        name: topic, for complaints.
        times: when something was known, rising strictly, ns.
        steady: whether they come at a rate, so that silence is a fault.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def times(self) -> Times: ...  # noqa: D102
    @property
    def steady(self) -> bool: ...  # noqa: D102

    def at(self, times: Times) -> Values:
        """Return the numbers at `times`, [len(times), columns]."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Samples at a rate, interpolated in between.

    Attributes:
        name: topic.
        times: [N], rising strictly, ns.
        values: [N, columns].
    """

    name: str
    times: Times
    values: Values

    @property
    def steady(self) -> bool:
        """Silence is a fault."""
        return True

    def at(self, times: Times) -> Values:
        """Return the numbers at `times`: between two samples on their line, else the nearest."""
        # Differences first: a stamp in ns has more digits than a float.
        moments = (times - self.times[0]).astype(np.float64)
        known = (self.times - self.times[0]).astype(np.float64)
        columns = [np.interp(moments, known, column) for column in self.values.T]
        return np.stack(columns, axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class StepSamples:
    """Values that hold until the next; before the first one, the first.

    Attributes:
        name: topic.
        times: [N], rising strictly, ns.
        values: [N, columns].
    """

    name: str
    times: Times
    values: Values

    @property
    def steady(self) -> bool:
        """Commands may come only when they change."""
        return False

    def at(self, times: Times) -> Values:
        """Return the newest values that are not newer than `times`."""
        return self.values[_newest(self.times, times)]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """One commanded trajectory.

    Attributes:
        offsets: [P], rising, ns after its start.
        values: [P, columns].
    """

    offsets: Times
    values: Values


@dataclass(frozen=True, slots=True, eq=False)
class Plans:
    """Trajectories of which each replaces the one before from its start on.

    Attributes:
        name: topic.
        times: starts [N], rising strictly, ns.
        plans: as many trajectories.
    """

    name: str
    times: Times
    plans: tuple[Plan, ...]

    @property
    def steady(self) -> bool:
        """Commands may come only when they change."""
        return False

    def at(self, times: Times) -> Values:
        """Return the position on the newest plan that has begun, held before and behind it."""
        rows = []
        for moment, index in zip(times, _newest(self.times, times), strict=True):
            plan = self.plans[index]
            share = float(moment - self.times[index])
            rows.append([np.interp(share, plan.offsets, column) for column in plan.values.T])
        return np.array(rows, np.float64)


def in_order(entries: Iterable[tuple[int, Values]]) -> tuple[Times, Values]:
    """Return stamps, rising strictly, and their values; of equal stamps the last one stays."""
    by_stamp = dict(entries)
    stamps = sorted(by_stamp)
    return np.array(stamps, np.int64), np.array([by_stamp[stamp] for stamp in stamps], np.float64)


def plans_in_order(name: str, entries: Sequence[tuple[int, Plan]]) -> Plans:
    """Return trajectories ordered by their starts; of equal starts the last one stays."""
    by_start = dict(entries)
    starts = sorted(by_start)
    plans = tuple(by_start[start] for start in starts)
    return Plans(name, np.array(starts, np.int64), plans)


def longest_silence(times: Times, start_ns: int, end_ns: int) -> tuple[int, int]:
    """Return the longest time without a sample within [start_ns, end_ns], and when it begins, ns.

    The last sample before the start counts, as it is what would be used there.
    """
    inside = times[(times > start_ns) & (times < end_ns)]
    before = times[times <= start_ns]
    first = before[-1] if len(before) else start_ns
    after = times[times >= end_ns]
    last = after[0] if len(after) else end_ns
    marks = np.concatenate([[first], inside, [last]])
    gaps = np.diff(marks)
    worst = int(np.argmax(gaps))
    return int(gaps[worst]), int(marks[worst])


def _newest(known: Times, times: Times) -> NDArray[np.intp]:
    return np.maximum(np.searchsorted(known, times, side="right") - 1, 0)
