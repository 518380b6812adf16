"""Start a graph, or a part of one, for the time of a measurement, and end it."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dust_start import leash

END_SEC = 15.0
"""Longest time that the starter gets to end its nodes. Unit: s."""

STARTER = (sys.executable, "-m", "dust_start")
"""Starts nodes on any machine; drives the simulated cell only."""

LAUNCHER = ("ros2", "launch", "dust_bringup", "franka.launch.py")
"""Starts nodes where ROS 2 comes from apt, as a robot needs it."""


class GraphPart:
    """Nodes that are started and ended together, by one process.

    Its process group is its own, so that a terminal's Ctrl-C does not reach the nodes before the
    program that measures has told them; they end when that program dies, however it dies.

    Args:
        command: Program that takes `name:=value` words, STARTER or LAUNCHER.
        domain_id: ROS domain of the nodes; None: the environment's.
    """

    def __init__(self, command: Sequence[str] = STARTER, *, domain_id: int | None = None) -> None:
        self._command = tuple(command)
        self._domain = {} if domain_id is None else {"ROS_DOMAIN_ID": str(domain_id)}
        self._process: subprocess.Popen[bytes] | None = None
        self._log = Path()

    def start(self, words: Sequence[str], *, log: Path) -> subprocess.Popen[bytes]:
        """Start the nodes for these arguments; what they print goes to a file.

        Raises:
            FileNotFoundError: The program is not installed.
        """
        self.stop()
        program = program_path(self._command)
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log = log
        tied = [sys.executable, "-S", "-E", str(leash.__file__), str(os.getpid())]
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [*tied, program, *self._command[1:], *words],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **self._domain},
                process_group=0,
            )
        return self._process

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End the nodes, if they run."""
        if self._process is None:
            return
        if self.running:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(END_SEC)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None

    def last_lines(self, count: int = 15) -> str:
        """Return the end of what the nodes printed, for an error message."""
        return last_lines(self._log, count) if self._log.is_file() else ""


def program_path(command: Sequence[str]) -> str:
    """Return where the program of a command lies.

    Raises:
        FileNotFoundError: It is not installed.
    """
    path = shutil.which(command[0])
    if path is None:
        raise FileNotFoundError(f"{command[0]} is not installed, or ROS 2 not sourced")
    return path


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
    part = GraphPart(domain_id=domain_id)
    process = part.start(arguments, log=log)
    try:
        yield process
    finally:
        part.stop()


def last_lines(log: Path, count: int = 15) -> str:
    """Return the end of a log, for an error message."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
