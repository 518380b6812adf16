"""Room on the disk, looked at before it is gone."""

import shutil
from collections.abc import Callable
from pathlib import Path

GIB = 1 << 30
FIRST_RATE = 8e6
"""Rate that is assumed before the first episode; two JPEG cameras at 30 Hz. Unit: byte/s."""

CHECK_SEC = 1.0
"""Time between two looks during an episode. Unit: s."""


class Room:
    """Says whether an episode still fits.

    Args:
        folder: Folder on the disk that is watched; must exist.
        min_free: What is left for others. Unit: byte.
        reserve_sec: Length of an episode that has to fit when it begins. Unit: s.
        free: Returns the free bytes of a folder's disk.
    """

    def __init__(
        self,
        folder: Path,
        *,
        min_free: float,
        reserve_sec: float,
        free: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
    ) -> None:
        self._folder = folder
        self._min_free = min_free
        self._reserve_sec = reserve_sec
        self._free = free
        self.rate = FIRST_RATE

    def refusal(self) -> str:
        """Return why no episode may begin, in one line; empty if it may."""
        free, needed = self._free(self._folder), self._min_free + self.rate * self._reserve_sec
        if free >= needed:
            return ""
        return (
            f"the disk of {self._folder} has {free / GIB:.2f} GiB left, {needed / GIB:.2f} GiB are "
            f"needed ({self._min_free / GIB:g} GiB to stay free, {self._reserve_sec:g} s at "
            f"{self.rate / 1e6:.1f} MB/s): make room, or set 'folder' to another disk"
        )

    def shortage(self) -> str:
        """Return why a running episode has to end now, in one line; empty if it may go on."""
        free = self._free(self._folder)
        if free >= self._min_free + 2 * CHECK_SEC * self.rate:
            return ""
        return (
            f"the disk of {self._folder} has only {free / GIB:.2f} GiB left, "
            f"{self._min_free / GIB:g} GiB are to stay free"
        )

    def learn(self, size: int, duration_sec: float) -> None:
        """Take the rate from an episode, running or over; the first second says nothing.

        Args:
            size: Its bytes.
            duration_sec: How long it is. Unit: s.
        """
        if duration_sec > 1.0:
            self.rate = size / duration_sec
