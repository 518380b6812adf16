"""Cleans up the shared memory that killed nodes leave behind.

Fast DDS keeps, for every segment and port in /dev/shm, a lock file that its owner holds locked with
flock as long as it lives. A lock that is free tells that the owner is dead; the same rule is
behind `fastdds shm clean`.
"""

import fcntl
import os
import time
from collections.abc import Iterable
from pathlib import Path

FOLDER = Path("/dev/shm")
# Fast DDS 2 (Jazzy) and 3 (Kilted); semaphores of either
_PREFIXES = ("fastrtps_", "fastdds_", "sem.fastrtps_", "sem.fastdds_")
_YOUNG = 0.2  # s: its owner may be about to lock it


def segments(folder: Path = FOLDER) -> set[str]:
    """Return the names of Fast DDS's files in shared memory."""
    if not folder.is_dir():
        return set()
    return {name for name in os.listdir(folder) if name.startswith(_PREFIXES)}


def orphans(candidates: Iterable[str], folder: Path = FOLDER) -> set[str]:
    """Return those files among the candidates that are ours and whose owner is dead."""
    return {name for name in candidates if _is_orphan(folder, name)}


def remove_orphans(candidates: Iterable[str], folder: Path = FOLDER) -> set[str]:
    """Remove what dead owners left; return the names of what was removed."""
    removed = orphans(candidates, folder)
    for name in removed:
        (folder / name).unlink(missing_ok=True)
    return removed


def _is_orphan(folder: Path, name: str) -> bool:
    try:
        status = (folder / name).stat()
    except FileNotFoundError:
        return False
    if status.st_uid != os.getuid() or time.time() - status.st_mtime < _YOUNG:
        return False
    locks = [folder / f"{_segment(name)}{suffix}" for suffix in ("_el", "_sl")]
    return all(_is_free(lock) for lock in locks)


def _segment(name: str) -> str:
    """Return the segment's or port's name that a lock file or a semaphore belongs to."""
    return name.removeprefix("sem.").removesuffix("_mutex").removesuffix("_el").removesuffix("_sl")


def _is_free(lock: Path) -> bool:
    try:
        handle = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except PermissionError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True
