"""Limit of a rate that keeps its average although events come on a grid of their own."""


class Pacer:
    """Say which events to take so that no more than `rate` per second are taken on average.

    A plain minimum distance would turn 15 Hz into 7.5 Hz when 10 Hz are asked for; this one keeps a
    schedule and gives 10 Hz with uneven distances. Missed turns are not made up for.
    """

    def __init__(self, rate: float) -> None:
        """Set the highest rate. Unit: Hz. 0: no limit."""
        self._period_ns = round(1e9 / rate) if rate > 0 else 0
        self._due_ns: int | None = None

    def due(self, now_ns: int) -> bool:
        """Return whether an event at `now_ns` may be taken."""
        return self._due_ns is None or now_ns >= self._due_ns or self._stepped_back(now_ns)

    def take(self, now_ns: int) -> None:
        """Note that the event at `now_ns` was taken."""
        if self._due_ns is None or self._stepped_back(now_ns):
            self._due_ns = now_ns
        self._due_ns = max(self._due_ns, now_ns - self._period_ns) + self._period_ns

    def _stepped_back(self, now_ns: int) -> bool:
        """Tell a clock that was set back (a simulation's reset) from an event that is early."""
        return self._due_ns is not None and self._due_ns - now_ns > 2 * self._period_ns
