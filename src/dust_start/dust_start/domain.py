"""ROS domain ids that nobody else on this machine uses, for tests and demos beside each other."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Above 101 the ports of DDS reach into those that the kernel hands out at random.
DOMAINS = range(1, 101)


@contextmanager
def claimed_domain(folder: Path | None = None) -> Iterator[int]:
    """Hold a free domain id in 1..100 as long as the context lasts; a dead holder frees it.

    Args:
        folder: where the lock files lie, None for the system's temporary folder

    Raises:
        RuntimeError: all ids are taken
    """
    where = folder or Path(tempfile.gettempdir())
    # Processes that start together shall not try the same ids one after the other.
    first = os.getpid() % len(DOMAINS)
    for offset in range(len(DOMAINS)):
        number = DOMAINS[(first + offset) % len(DOMAINS)]
        handle = _lock(lock_file(number, where))
        if handle is not None:
            try:
                yield number
            finally:
                os.close(handle)
            return
    raise RuntimeError(f"all ROS domain ids are taken: see {lock_file(DOMAINS[0], where)} and on")


def taken_domains(folder: Path | None = None) -> list[int]:
    """Return the domain ids that are held now, by this process or others."""
    where = folder or Path(tempfile.gettempdir())
    existing = [number for number in DOMAINS if lock_file(number, where).exists()]
    return [number for number in existing if not _is_free(lock_file(number, where))]


def lock_file(number: int, folder: Path) -> Path:
    """Return the lock file of a domain id; it stays when the id is free again."""
    return folder / f"dust_ros_domain_{number}.lock"


def _lock(path: Path) -> int | None:
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except PermissionError:
        return None  # another user's
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def _is_free(path: Path) -> bool:
    handle = _lock(path)
    if handle is None:
        return False
    os.close(handle)
    return True
