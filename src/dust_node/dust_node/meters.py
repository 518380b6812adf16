"""Rates and latencies over a sliding window, without ROS; fed from any thread."""

import threading
from collections import deque
from collections.abc import Sequence

import numpy as np


class RateMeter:
    """How often something happens.

    Args:
        window_sec: Length of the window.
    """

    def __init__(self, *, window_sec: float = 5.0) -> None:
        self._window_sec = window_sec
        self._times: deque[float] = deque()
        self._lock = threading.Lock()
        self.count = 0

    def tick(self, now_sec: float) -> None:
        """Note that it happened now."""
        with self._lock:
            # After a clock that jumped back, old times would lie in the future for good.
            if self._times and now_sec < self._times[-1]:
                self._times.clear()
            self.count += 1
            self._times.append(now_sec)
            self._drop(now_sec)

    def rate(self, now_sec: float) -> float:
        """Return how often it happened per second in the window. Unit: Hz."""
        with self._lock:
            self._drop(now_sec)
            if len(self._times) < 2:
                return 0.0
            span = self._times[-1] - self._times[0]
            return (len(self._times) - 1) / span if span > 0 else 0.0

    def age(self, now_sec: float) -> float:
        """Return the time since it last happened. Unit: s; infinite when not in the window."""
        with self._lock:
            return now_sec - self._times[-1] if self._times else float("inf")

    def _drop(self, now_sec: float) -> None:
        while self._times and self._times[0] < now_sec - self._window_sec:
            self._times.popleft()


class LatencyMeter:
    """How long something takes, over the newest samples.

    Args:
        size: How many samples are kept.
    """

    def __init__(self, *, size: int = 300) -> None:
        self._samples: deque[float] = deque(maxlen=size)
        self._lock = threading.Lock()

    def observe(self, seconds: float) -> None:
        """Note one duration. Unit: s."""
        with self._lock:
            self._samples.append(seconds)

    def percentiles(self, shares: Sequence[float] = (50, 95, 99)) -> tuple[float, ...]:
        """Return percentiles of the kept samples. Unit: s; NaN when there is none."""
        with self._lock:
            samples = list(self._samples)
        if not samples:
            return tuple(float("nan") for _ in shares)
        return tuple(float(value) for value in np.percentile(samples, shares))
