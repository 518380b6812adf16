"""What the controller says that it follows, compared with what it was told.

Without this nobody knows when a trajectory arrived: a topic has no receipt. The controller's
reference tells it where the old and the new plan differ by more than the state's stamps are exact.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dust_executor.plan import Plan
from dust_executor.quintic import NS

_REMEMBERED = 8
# A state's stamp may be this far from the time that its reference was computed for.
_STAMP_SLACK = 3_000_000
_ROUNDING = 2e-4
# After this long a trajectory that is not followed has been refused or lost.
_LOST_AFTER = 300_000_000


@dataclass(slots=True)
class Change:
    """One published change of the plan.

    Attributes:
        old: What the controller followed before.
        new: What it was told.
        splice: From when on they differ, ns.
        lead: The lead that it had, s.
        late: Whether it has been found late.
    """

    old: Plan
    new: Plan
    splice: int
    lead: float
    late: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """What a reference told.

    Attributes:
        change: The change that it is about.
        late: By how much it is late at least, s.
        lost: Whether it will not be followed any more; then the controller follows `change.old`.
    """

    change: Change
    late: float
    lost: bool


class Feedback:
    """Finds published trajectories that the controller took up late, or not at all."""

    def __init__(self) -> None:
        self._changes: deque[Change] = deque(maxlen=_REMEMBERED)

    def published(self, change: Change) -> None:
        """Note a trajectory that was published."""
        self._changes.append(change)

    def forget(self) -> None:
        """Forget all of them."""
        self._changes.clear()

    def reference(self, stamp: int, position: NDArray[np.float64]) -> Finding | None:
        """Compare the controller's command with the plans.

        Args:
            stamp: When it was commanded, ns.
            position: Commanded positions [J], rad.

        Returns:
            What it told; None when all is well, or when it tells nothing.
        """
        change = self._current(stamp)
        if change is None:
            return None
        new, old = _gap(change.new, stamp, position), _gap(change.old, stamp, position)
        apart = np.max(np.abs(change.new.at(stamp)[0] - change.old.at(stamp)[0]))
        if apart <= 2.0 * _ROUNDING:
            return None
        if new <= _ROUNDING:
            self._settle(change)
            return None
        if not old <= _ROUNDING:
            return None
        lateness = stamp - change.splice
        lost = lateness > _LOST_AFTER and change is self._changes[-1]
        if lost:
            self.forget()
        return Finding(change, lateness / NS, lost)

    def _current(self, stamp: int) -> Change | None:
        """Return the newest change that should be followed at this time."""
        for change in reversed(self._changes):
            if change.splice + _STAMP_SLACK < stamp:
                return change
        return None

    def _settle(self, change: Change) -> None:
        while self._changes and self._changes[0] is not change:
            self._changes.popleft()
        self._changes.popleft()


def _gap(plan: Plan, stamp: int, position: NDArray[np.float64]) -> float:
    """Return the distance of a position from the plan around a time, rad."""
    at = np.arange(stamp - _STAMP_SLACK, stamp + _STAMP_SLACK + 1, 500_000, dtype=np.int64)
    return float(np.max(np.abs(plan.sample(at)[:, 0] - position), axis=1).min())
