"""Something that is due again and again in simulated time."""


class Schedule:
    """Keeps a rate on the average, whatever the spacing of the calls.

    Args:
        rate: How often it is due. Unit: Hz. Range: > 0.
    """

    def __init__(self, rate: float) -> None:
        self._period_ns = 1e9 / rate
        self._origin_ns: int | None = None
        self._count = 0

    @property
    def next_ns(self) -> int:
        """When it is due next; 0 before the first call of `due`. Unit: ns."""
        if self._origin_ns is None:
            return 0
        return self._origin_ns + round(self._count * self._period_ns)

    def due(self, now_ns: int) -> bool:
        """Return whether it is due now; if so, count it as done. What was missed is left out.

        Where it would be silent for more than two periods the clock was set back: it begins anew.
        """
        if self._origin_ns is None or self.next_ns - now_ns > 2 * self._period_ns:
            self._origin_ns, self._count = now_ns, 0
        if now_ns < self.next_ns:
            return False
        missed = int((now_ns - self.next_ns) / self._period_ns)
        self._count += 1 + missed
        return True
