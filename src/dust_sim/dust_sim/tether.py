"""Keeps simulated time from running away from other nodes, without ROS."""

import threading

_REACH = 10  # lengths: who is not further behind is waited for until he has caught up


class Tether:
    """Lets a clock run ahead of somebody else's stamps by a certain time only.

    On a machine that is too slow for the wanted real-time factor, simulated time then slows down
    instead of leaving those nodes behind whose commands would then come too late::

        simulated time   ------------------------|====|      waits here
        newest stamp     --------------------|
                                             <-length->

    Nobody is waited for who never was there, who has fallen silent, or who was let go; who comes
    back is, unless he is ten lengths behind (his clock is another one then).

    Args:
        length_ns: How far the clock may run ahead. Unit: ns.
        patience_sec: How long a stamp is waited for. Unit: s of wall time.
    """

    def __init__(self, length_ns: int, *, patience_sec: float) -> None:
        self._length_ns = length_ns
        self._patience_sec = patience_sec
        self._condition = threading.Condition()
        self._newest_ns = 0
        self._now_ns = 0
        self._is_tied = False

    def note(self, stamp_ns: int) -> None:
        """Note a stamp; called in any thread."""
        with self._condition:
            self._newest_ns = stamp_ns
            self._is_tied = self._is_tied or self._is_within(_REACH * self._length_ns)
            self._condition.notify_all()

    def let_go(self) -> None:
        """Wait for nobody until the next stamp; called in any thread."""
        with self._condition:
            self._is_tied = False
            self._condition.notify_all()

    def wait(self, now_ns: int) -> None:
        """Wait until the clock may go on beyond a time; called in the clock's thread. Unit: ns."""
        with self._condition:
            self._now_ns = now_ns
            if not self._condition.wait_for(self._may_go_on, self._patience_sec):
                self._is_tied = False

    def _may_go_on(self) -> bool:
        return not self._is_tied or self._is_within(self._length_ns)

    def _is_within(self, length_ns: int) -> bool:
        return self._now_ns - self._newest_ns <= length_ns
