"""A file that is written at given places, and that only one process writes."""

import contextlib
import fcntl
import os
import threading
from pathlib import Path
from typing import Protocol


class PlacedFile(Protocol):
    """What `SafeMcap` needs of a file."""

    def write_at(self, offset: int, data: bytes) -> None:
        """Write all bytes at a place; what lies between it and the end of the file reads as 0."""

    def truncate(self, size: int) -> None:
        """Cut the file off."""

    def close(self) -> None:
        """Close the file."""


class DiskFile:
    """A new file on disk, locked while it is open.

    Args:
        path: File that does not exist yet.

    Raises:
        OSError: It exists, or cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        with contextlib.suppress(OSError):  # some network disks have no locks
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def write_at(self, offset: int, data: bytes) -> None:
        """Write all bytes at a place."""
        rest = memoryview(data)
        while rest:
            count = os.pwrite(self._fd, rest, offset)
            offset, rest = offset + count, rest[count:]

    def truncate(self, size: int) -> None:
        """Cut the file off."""
        os.ftruncate(self._fd, size)

    def close(self) -> None:
        """Close the file, and with it the lock."""
        os.close(self._fd)


def is_being_written(path: Path) -> bool:
    """Return whether a process holds the file open as a `DiskFile`."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
    return False


def replace_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all; readers see the old or the new one."""
    draft = path.with_name(f".{path.name}.new")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)


def sync_in_background(folder: Path) -> None:
    """Have a folder's files put on the disk, which may take seconds; the program's end waits."""
    threading.Thread(target=_sync, args=(folder,), name="sync").start()


def _sync(folder: Path) -> None:
    with contextlib.suppress(OSError):  # it may have been moved or removed meanwhile
        for path in [*folder.iterdir(), folder]:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
