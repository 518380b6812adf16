"""Sweeping up the shared memory of nodes that a test has killed."""

import time

from dust_start import shared_memory


def sweep(before: set[str], *, timeout_sec: float) -> None:
    """Remove files of dead owners until no others are left than there were before.

    Args:
        before: Names of those that were there.
        timeout_sec: How long to go on: that an owner is dead is known a moment after its death, and
            some files a living node shares.
    """
    deadline = time.monotonic() + timeout_sec
    while (left := shared_memory.segments() - before) and time.monotonic() < deadline:
        shared_memory.remove_orphans(left)
        time.sleep(0.05)
