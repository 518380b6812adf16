"""The simulated cell with its graph, for the time of a demo or of a measurement."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dust_eval.cell_client import CellClient, GraphError
from dust_eval.graph import last_lines, running_graph
from dust_start.domain import claimed_domain

READY_SEC = 120.0
"""Longest time until the graph is up. Unit: s."""


@dataclass(frozen=True, slots=True)
class RunningCell:
    """A graph that is up.

    Attributes:
        client: Sends tasks to it.
        domain_id: ROS domain of its nodes.
        alive: Whether its processes still run.
    """

    client: CellClient
    domain_id: int
    alive: Callable[[], bool]


@contextmanager
def running_cell(words: Sequence[str], *, log: Path) -> Iterator[RunningCell]:
    """Run the simulated cell with a graph in a domain of its own while the context is open.

    Args:
        words: Further arguments of the graph, each as `name:=value`.
        log: File for the nodes' output.

    Raises:
        GraphError: The graph did not come up or broke; the message ends with its log.
    """
    with (
        claimed_domain() as domain_id,
        running_graph(["robot:=sim", *words], log=log, domain_id=domain_id) as process,
        CellClient(domain_id=domain_id) as client,
    ):
        cell = RunningCell(client, domain_id, lambda: process.poll() is None)
        try:
            client.wait_ready(timeout_sec=READY_SEC, alive=cell.alive)
            yield cell
        except (GraphError, TimeoutError) as error:
            raise GraphError(f"{error}; the graph's log ends:\n{last_lines(log)}") from error
