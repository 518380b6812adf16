"""When to encode: once per new frame of every view, no faster than asked for."""

from typing import Generic, TypeVar

from dust_perception.pacer import Pacer
from dust_perception.synchroniser import CLOCK_STEP_NS, FrameSet, Gap, Synchroniser

Item = TypeVar("Item")


class Trigger(Generic[Item]):
    """Turn arriving frames into sets worth encoding.

    A set is due when every view has a frame that no earlier set held. Two cameras at 15 Hz make
    15 sets per second, not 30 of which half would pair a new image with an old one.
    It is also due when one new frame halves the skew, so that pairs that began on the wrong foot

        wrist  a     b     c            first set: b A, skewed by a whole period;
        side   A      B     C           second: b B, half the skew; from then on c C, ...

    find each other.
    """

    def __init__(self, synchroniser: Synchroniser[Item], pacer: Pacer) -> None:
        """Take sets from `synchroniser`, at the rate that `pacer` allows."""
        self._synchroniser = synchroniser
        self._pacer = pacer
        self._used: FrameSet[Item] | None = None

    def poll(self, now_ns: int) -> FrameSet[Item] | Gap | None:
        """Return a set to encode now, why there is none, or None when none is due.

        A set that is due counts as used, also when the rate limit passes it over.
        """
        found = self._synchroniser.latest(now_ns)
        if isinstance(found, FrameSet) and not self._is_worth_it(found):
            return None
        if isinstance(found, Gap):
            return found
        self._used = found
        if not self._pacer.due(now_ns):
            return None
        self._pacer.take(now_ns)
        return found

    def rearm(self) -> None:
        """Let frames that were used already count as new: there is something else to encode."""
        self._used = None

    def _is_worth_it(self, found: FrameSet[Item]) -> bool:
        if self._used is None:
            return True
        newer = [
            new.stamp_ns - old.stamp_ns
            for new, old in zip(found.frames, self._used.frames, strict=True)
        ]
        if min(newer) < -CLOCK_STEP_NS or min(newer) > 0:
            return True
        return min(newer) == 0 and max(newer) > 0 and 2 * found.skew_ns <= self._used.skew_ns
