"""One running node: its process and its output."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dust_start.graph import NodeSpec

_LEASH = Path(__file__).with_name("leash.py")

Sink = Callable[[str, str], None]  # (name of the node, line of output)


class NodeProcess:
    """A started node. Its process group is its own: a terminal's Ctrl-C reaches the starter only.

    Start it from a thread that lives as long as the node: Linux takes the end of the starting
    thread for the end of the starter.
    """

    def __init__(
        self, spec: NodeSpec, command: Sequence[str], environment: Mapping[str, str], sink: Sink
    ) -> None:
        self.spec = spec
        self._sink = sink
        leash = [sys.executable, "-S", "-E", str(_LEASH), str(os.getpid())]
        self._process = subprocess.Popen(
            [*leash, *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process id, which is the id of the process group too."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, negative after a signal; None while it runs."""
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the node, SIGKILL to everything that it started."""
        try:
            if number is signal.SIGKILL:
                os.killpg(self.pid, number)
            elif self.returncode is None:
                self._process.send_signal(number)
        except ProcessLookupError:
            pass  # ended meanwhile

    def wait(self, deadline: float) -> bool:
        """Wait for the end until time.monotonic() reaches `deadline`; return whether it came."""
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return False
        self._reader.join(timeout=1.0)  # a child of the node may hold its output open
        return True

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._sink(self.spec.name, line.rstrip("\n"))
