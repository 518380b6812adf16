"""A probe that starts and ends the programs it talks to. Needs ROS 2."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from rclpy.action import ActionClient

from dust_start import shared_memory
from support.probe import Probe
from support.program import Program, end_all
from support.segments import sweep

T = TypeVar("T")

_SWEEP_SEC = 2.0
"""Longest time that it sweeps up behind what was killed."""


class Graph(Probe):
    """Node programs and a node to talk to them; waiting fails at once when a program has ended.

    Args:
        domain_id: ROS domain; os.environ must name the same one for the programs.
        logs: Folder for what the programs print.
    """

    patience_sec = 20.0

    def __init__(self, domain_id: int, *, logs: Path) -> None:
        self._segments = shared_memory.segments()
        super().__init__(domain_id)
        self.programs: list[Program] = []
        self._logs = logs
        self._started = 0

    def start(
        self,
        module: str,
        *,
        remap: Mapping[str, str] | None = None,
        within: Sequence[str] = (),
        **parameters: object,
    ) -> Program:
        """Start a node with parameters; see Program."""
        self._started += 1
        log = self._logs / f"{self._started}.log"
        arguments = [f"{name}:={value}" for name, value in parameters.items()]
        self.programs.append(Program(module, *arguments, log=log, remap=remap, within=within))
        return self.programs[-1]

    def kill(self, program: Program) -> None:
        """Kill a program, and expect it to be dead from now on."""
        self.programs.remove(program)
        program.kill()

    def spin_until(self, condition: Callable[[], T], *, timeout_sec: float | None = None) -> T:
        """Spin until the condition holds or the time is up; return its last value."""

        def met() -> T:
            if not (value := condition()):
                for program in self.programs:
                    assert program.running, program.output
            return value

        return super().spin_until(met, timeout_sec=timeout_sec)

    def send_goal(self, kind: Any, name: str, **fields: Any) -> Any:
        """Send a goal; return its handle."""
        client = ActionClient(self.node, kind, name)
        self.wait(client.server_is_ready)
        self.meet_server(f"{name}/_action/send_goal")
        future = client.send_goal_async(kind.Goal(**fields))
        self.wait(future.done)
        return future.result()

    def result(self, handle: Any, *, timeout_sec: float | None = None) -> tuple[int, Any]:
        """Wait for a goal's end; return status and result."""
        future = handle.get_result_async()
        self.wait(future.done, timeout_sec=timeout_sec)
        return future.result().status, future.result().result

    def end(self) -> None:
        """End all programs with SIGINT and check that they take it well."""
        programs, self.programs = self.programs, []
        end_all(programs)

    def close(self) -> None:
        """Leave the domain; programs that a failed test has left end first.

        What was killed could not sweep up behind itself.
        """
        for program in self.programs:
            program.stop()
        super().close()
        sweep(self._segments, timeout_sec=_SWEEP_SEC)
