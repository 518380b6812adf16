"""How long things take on the way from the images to the arm."""

from collections import OrderedDict, deque

import numpy as np

_REMEMBERED = 64
"""Chunks whose splice may still be told by the executor."""


class DelayEstimate:
    """A duration to expect: 95th percentile of the last ones.

    The first ones of a task are left out: warming up would poison the estimate.
    """

    def __init__(self, *, initial: float, warm_up: int = 2, size: int = 30) -> None:
        """Begin with a guess.

        Args:
            initial: Duration that is assumed until one was measured. Unit: s.
            warm_up: How many first durations are ignored.
            size: How many durations are kept.
        """
        self._initial = initial
        self._ignored = warm_up
        self._durations: deque[float] = deque(maxlen=size)

    def add(self, duration: float) -> None:
        """Note a measured duration. Unit: s."""
        if self._ignored > 0:
            self._ignored -= 1
        else:
            self._durations.append(duration)

    @property
    def value(self) -> float:
        """Duration that is seldom exceeded. Unit: s."""
        return self._percentile(95)

    @property
    def typical(self) -> float:
        """Duration that is exceeded as often as not. Unit: s."""
        return self._percentile(50)

    def _percentile(self, share: float) -> float:
        # A copy: it is read in another thread than it is written in.
        durations = list(self._durations)
        return float(np.percentile(durations, share)) if durations else self._initial


class Departures:
    """The chunks that have left, so that the executor's answer tells how long they took to act.

    Attributes:
        lead: From a chunk's publication until the arm follows it. Unit: s.
        delay: From a chunk's observation until the arm follows it; NaN: unknown. Unit: s.
    """

    def __init__(self, *, lead: float) -> None:
        """Begin with a guess of the lead (s)."""
        # The first chunk finds the arm at rest, where the executor takes its time.
        self.lead = DelayEstimate(initial=lead, warm_up=1)
        self.delay = float("nan")
        self._left_ns: OrderedDict[int, int] = OrderedDict()
        self._newest = 0

    def leave(self, sequence: int, now_ns: int) -> None:
        """Note that a chunk leaves."""
        self._left_ns[sequence] = now_ns
        self._newest = sequence
        if len(self._left_ns) > _REMEMBERED:
            self._left_ns.popitem(last=False)

    def splice(self, sequence: int, stamp_ns: int, splice_ns: int) -> tuple[float, float] | None:
        """Note what the executor made of the newest chunk that it accepted.

        Args:
            sequence: Number of the chunk.
            stamp_ns: When its observation was taken.
            splice_ns: From when on the arm follows it.

        Returns:
            Times from publication and from observation to the splice, in s; None: known already.
        """
        left_ns = self._left_ns.pop(sequence, None)
        if left_ns is None or not splice_ns:
            return None
        lead = (splice_ns - left_ns) * 1e-9
        self.lead.add(lead)
        self.delay = (splice_ns - stamp_ns) * 1e-9
        return lead, self.delay

    def is_answered(self, accepted: int, told_ns: int, *, patience_ns: int) -> bool:
        """Return whether the executor's state `told_ns` already knows the newest chunk.

        Args:
            accepted: Number of the newest chunk that it accepted.
            told_ns: Time of the state.
            patience_ns: A state that is so much newer than the chunk knows it, accepted or not.
        """
        left_ns = self._left_ns.get(self._newest)
        return left_ns is None or accepted >= self._newest or told_ns >= left_ns + patience_ns
