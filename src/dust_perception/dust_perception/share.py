"""How much of the time may go into encoding."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Share:
    """Lets work begin only after so long a rest that others get their share.

    On a processor that cameras, policy and executor share, encoding as often as there are images
    slows all of them down together as soon as the processor can't do it all; then everything is
    late, instead of features being rarer.

    Args:
        share: Largest share of the time. Range: above 0 to 1; 1: no limit.
        clock: A clock that never jumps, s.

    Attributes:
        refused: How often nothing could begin.
    """

    def __init__(self, share: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limited = share < 1.0
        self._rest_per_work = 1.0 / share - 1.0
        self._clock = clock
        self._free_at = clock()
        self.refused = 0

    def may_begin(self, *, idle: bool) -> bool:
        """Return whether work may begin now.

        Args:
            idle: Whether none is under way or waits.
        """
        if self._limited and not (idle and self._clock() >= self._free_at):
            self.refused += 1
            return False
        return True

    @contextmanager
    def working(self) -> Iterator[None]:
        """Do some work, in any one thread; the rest is counted from its end on."""
        began = self._clock()
        try:
            yield
        finally:
            ended = self._clock()
            self._free_at = ended + (ended - began) * self._rest_per_work
