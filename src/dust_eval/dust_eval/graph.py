"""Start a graph for the time of a measurement, and end it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

END_SEC = 15.0
"""Longest time that the starter gets to end its nodes. Unit: s."""


@contextmanager
def running_graph(
    arguments: Sequence[str], *, log: Path, domain_id: int
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `dust_start` with these arguments while the context is open.

    Args:
        arguments: Such as `robot:=sim policy:=expert`.
        log: File for the nodes' output.
        domain_id: ROS domain of the graph.

    Yields:
        The starter's process; it has ended when `poll()` is not None.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "ROS_DOMAIN_ID": str(domain_id)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "dust_start", *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=environment,
        )
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(END_SEC)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def last_lines(log: Path, count: int = 15) -> str:
    """Return the end of a log, for an error message."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
