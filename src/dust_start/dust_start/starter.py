"""Starts nodes, watches them, and leaves nothing behind."""

import signal
import time
from collections.abc import Iterable, Mapping
from types import TracebackType

from dust_start import shared_memory
from dust_start.command import command_line
from dust_start.graph import NodeSpec
from dust_start.process import NodeProcess, Sink

# Seconds to wait for each. SIGINT first would make a node that is still importing print a trace,
# in which the reason why all are stopped gets lost.
_STEPS = ((signal.SIGTERM, 5.0), (signal.SIGINT, 3.0), (signal.SIGKILL, 3.0))
_POLL = 0.05  # s


class Starter:
    """Runs a graph of nodes; a context manager whose end stops all of them.

    Args:
        environment: environment of the nodes, from `dust_start.environment`
        sink: gets (node name, line) for every line that a node prints; called from other threads
    """

    def __init__(self, environment: Mapping[str, str], sink: Sink) -> None:
        self._environment = {**environment, "PYTHONUNBUFFERED": "1"}
        self._sink = sink
        self._before = shared_memory.segments()
        self._processes: dict[str, NodeProcess] = {}

    def __enter__(self) -> "Starter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def processes(self) -> Mapping[str, NodeProcess]:
        """The started nodes by name, also those that have ended."""
        return dict(self._processes)

    def start(self, specs: Iterable[NodeSpec]) -> None:
        """Start nodes in order.

        Raises:
            StartError: an executable or a parameter file is missing; then none has been started
        """
        planned = [(spec, command_line(spec, self._environment)) for spec in specs]
        for spec, command in planned:
            self._processes[spec.name] = NodeProcess(spec, command, self._environment, self._sink)

    def ended(self) -> NodeProcess | None:
        """Return a required node that has ended, None while all of them run."""
        for process in self._processes.values():
            if process.spec.required and process.returncode is not None:
                return process
        return None

    def watch(self, seconds: float) -> NodeProcess | None:
        """Wait up to `seconds`, less if a required node ends: that one is returned."""
        deadline = time.monotonic() + seconds
        while (process := self.ended()) is None and time.monotonic() < deadline:
            time.sleep(_POLL)
        return process

    def stop(self, names: Iterable[str] | None = None) -> list[str]:
        """Stop nodes: SIGTERM, after 5 s SIGINT, then SIGKILL; then clean up behind them.

        Args:
            names: nodes to stop, None for all

        Returns:
            names of the nodes that had to be killed
        """
        chosen = self._processes if names is None else {n: self._processes[n] for n in names}
        killed = _end(list(chosen.values()))
        for name in list(chosen):
            chosen[name].signal(signal.SIGKILL)  # what the node started and left
            del self._processes[name]
        if not self._processes:
            self._clean_memory()
        return killed

    def _clean_memory(self) -> None:
        new = shared_memory.segments() - self._before
        shared_memory.remove_orphans(new)


def _end(processes: list[NodeProcess]) -> list[str]:
    running = [process for process in processes if process.returncode is None]
    killed: list[str] = []
    for number, patience in _STEPS:
        if number is signal.SIGKILL:
            killed = [process.spec.name for process in running]
        for process in running:
            process.signal(number)
        deadline = time.monotonic() + patience
        running = [process for process in running if not process.wait(deadline)]
    return killed
