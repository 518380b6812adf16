"""A load on the processor that comes and goes: programs that do nothing but compute."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from dust_start import leash

# A real-time thread that computes would never give its core back, not even to what ends it.
_BUSY = """
import os
os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
while True:
    pass
"""


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0))


@contextmanager
def busy_processes(count: int) -> Iterator[tuple[int, ...]]:
    """Keep so many processes busy while the context is open; each wants a core for itself.

    They have this process's nice value, as the nodes of a graph that it starts, but are never
    real-time programs; they end with it, however it ends.

    Yields:
        Their process ids.
    """
    tied = [sys.executable, "-S", "-E", str(leash.__file__), str(os.getpid())]
    started: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(count):
            command = [*tied, sys.executable, "-S", "-E", "-c", _BUSY]
            # A Ctrl-C is answered by this process, which ends them.
            started.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0))
        yield tuple(process.pid for process in started)
    finally:
        for process in started:
            process.kill()
        for process in started:
            process.wait()
