"""How fast the node's clock goes: 1, unless the time is simulated."""

from collections import deque

_SPAN_SEC = 1.0
"""Time over which the rate is measured: a simulated clock moves in ticks."""


class ClockRate:
    """Tell what a duration by the wall clock is by the node's clock.

    Short durations can't be read off a simulated clock, which stands still between two ticks.
    """

    def __init__(self) -> None:
        """Begin with a clock that goes like the wall clock."""
        self._readings: deque[tuple[float, int]] = deque()
        self._rate = 1.0

    def read(self, wall_sec: float, now_ns: int) -> None:
        """Take a reading of both clocks."""
        if self._readings and now_ns < self._readings[-1][1]:
            self._readings.clear()  # set back
        self._readings.append((wall_sec, now_ns))
        while len(self._readings) > 2 and wall_sec - self._readings[1][0] >= _SPAN_SEC:
            self._readings.popleft()
        first_sec, first_ns = self._readings[0]
        if wall_sec - first_sec >= _SPAN_SEC:
            self._rate = (now_ns - first_ns) * 1e-9 / (wall_sec - first_sec)

    def of(self, wall_sec: float) -> float:
        """Return how long something takes by the node's clock that takes `wall_sec` (s)."""
        return wall_sec * self._rate
