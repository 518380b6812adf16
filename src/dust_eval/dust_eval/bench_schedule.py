"""`schedule: auto` beside a fixed N_o, in the running graph, under a load that comes and goes."""

import dataclasses
import statistics
import threading
from argparse import Namespace
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rclpy.node import Node
from rclpy.time import Time

from dust_eval.bench_arguments import ACTION_STEPS
from dust_eval.bench_drivers import FIXED_STEPS, schedule_words
from dust_eval.bench_load import busy_processes, cores
from dust_eval.bench_pressure import Chunk, Phase, PhaseSummary, Promise, recovery, summarise
from dust_eval.demo import SPECS
from dust_eval.driver import one_driver
from dust_eval.files import write_json
from dust_eval.running_cell import RunningCell, running_cell
from dust_eval.task_client import GraphError
from dust_msgs.msg import ActionChunk, ExecutorState
from dust_node.qos import RELIABLE

FIRST_CHUNK_SEC = 60.0
SETTLE_SEC = 5.0
"""From the first chunk on; `auto` climbs meanwhile. Unit: s."""

_PHASES = ("before", "during", "after")


@dataclass(frozen=True, slots=True)
class Run:
    """One task under a load that came and went.

    Attributes:
        schedule: Who took part: `auto` or `fixed`.
        phases: Before, during and after the load; fewer when the task ended early.
        recovery: From the load's end until N_o was as before. Unit: s; None: it was not.
        ended: Why the task ended early; empty when it did not.
        chunks: Time after the first phase's begin (s) and N_o of each chunk.
    """

    schedule: str
    phases: tuple[PhaseSummary, ...]
    recovery: float | None
    ended: str
    chunks: tuple[tuple[float, int], ...]


def run(options: Namespace) -> None:
    """Measure both schedules in turn, print a table, write schedule.json.

    Raises:
        GraphError: The graph did not come up or broke.
        ValueError: There is no such checkpoint.
    """
    driver = one_driver(options.checkpoint).words
    words = schedule_words(options)
    load = options.load or cores()
    order, runs = list(words), []
    for number in range(1, options.runs + 1):
        for name in order:
            print(f"run {number} of {options.runs}: {name}, {options.seconds:g} s ...", flush=True)
            arguments = [*driver, *words[name], *options.graph]
            with running_cell(arguments, log=options.out / f"schedule-{name}-{number}.log") as cell:
                runs.append(measure(cell, name, phase_sec=options.seconds / 3, load=load))
        order.reverse()
    print(f"{load} busy processes in the middle third; N_o of auto at most {options.most}")
    print("\n".join([table(runs), *verdict(runs)]), flush=True)
    write_json(options.out / "schedule.json", to_values(runs, load=load, most=options.most))


def measure(cell: RunningCell, schedule: str, *, phase_sec: float, load: int) -> Run:
    """Let the policy drive for three phases, the middle one beside a load.

    Args:
        cell: The graph.
        schedule: Name of what the policy was started with.
        phase_sec: Length of a phase. Unit: s.
        load: Number of busy processes.

    Raises:
        GraphError: The graph refused or did not answer, or no chunk came.
    """
    client = cell.client
    recorder = _Recorder(client.node)
    task = client.start_task(client.reset(SPECS[0]), time_limit_sec=3 * phase_sec + 120)
    if not recorder.began.wait(FIRST_CHUNK_SEC):
        raise GraphError(f"the policy sent no chunk within {FIRST_CHUNK_SEC:g} s")
    end = client.wait_task(task, timeout_sec=SETTLE_SEC)
    phases = []
    for name, count in zip(_PHASES, (0, load, 0), strict=True):
        if end is not None:
            break
        with busy_processes(count):
            begin = client.now()
            end = client.wait_task(task, timeout_sec=phase_sec)
            phases.append(Phase(name, begin, client.now()))
    if end is None:
        client.cancel_task(task)
    if not cell.alive():
        raise GraphError("the graph ended during the task")
    chunks, promises = recorder.take()
    return make_run(schedule, phases, chunks, promises, ended=end.result.error_msg if end else "")


def make_run(
    schedule: str,
    phases: Sequence[Phase],
    chunks: Sequence[Chunk],
    promises: Sequence[Promise],
    *,
    ended: str,
) -> Run:
    """Sum up what was heard during a task.

    Raises:
        GraphError: The task ended before the first phase.
    """
    if not phases:
        raise GraphError(f"the policy's task ended early: {ended}")
    whole = len(phases) == len(_PHASES)
    begin, end = phases[0].begin, phases[-1].end
    return Run(
        schedule=schedule,
        phases=tuple(summarise(phase, chunks, promises) for phase in phases),
        recovery=recovery(phases[0], phases[-1], chunks) if whole else None,
        ended=ended,
        chunks=tuple(
            (round(c.time - begin, 3), c.vision_steps) for c in chunks if begin <= c.time < end
        ),
    )


def table(runs: Sequence[Run]) -> str:
    """Return means over the runs; of underruns the sum, of times the worst."""
    head = f"{'schedule':<10}{'phase':<9}{'N_o':>7}{'at its end':>12}{'chunks/s':>10}"
    lines = [f"{head}{'ran out':>9}{'longest [ms]':>14}{'least buffer [ms]':>19}"]
    for schedule in dict.fromkeys(run.schedule for run in runs):
        for name in _PHASES:
            same = [p for r in runs if r.schedule == schedule for p in r.phases if p.name == name]
            if same:
                lines.append(_row(schedule, name, same))
    return "\n".join(lines)


def verdict(runs: Sequence[Run]) -> list[str]:
    """Return what the table comes to, and which tasks ended early."""
    lines = []
    for schedule in dict.fromkeys(run.schedule for run in runs):
        own = [run for run in runs if run.schedule == schedule]
        count = sum(phase.underruns for run in own for phase in run.phases)
        lines.append(f"{schedule}: ran out of actions {count} times in all")
        lines += [f"{schedule}: a task ended early: {run.ended}" for run in own if run.ended]
    auto = [run for run in runs if run.schedule == "auto"]
    times = [run.recovery for run in auto if run.recovery is not None]
    if times:
        spread = f"{statistics.median(times):.1f} s ({min(times):.1f} to {max(times):.1f})"
        lines.append(f"auto: N_o as before the load {spread} after its end")
    if len(times) < len(auto):
        lost = len(auto) - len(times)
        lines.append(f"auto: N_o did not come back in {lost} of {len(auto)} runs")
    return lines


def to_values(runs: Sequence[Run], *, load: int, most: int) -> dict[str, Any]:
    """Return everything that was measured, for JSON."""
    return {
        "load": load,
        "cores": cores(),
        "action_steps": ACTION_STEPS,
        "vision_steps": {"auto": most, "fixed": FIXED_STEPS},
        "runs": [dataclasses.asdict(run) for run in runs],
    }


def _row(schedule: str, name: str, same: Sequence[PhaseSummary]) -> str:
    cells = (
        f"{_mean(phase.vision_steps for phase in same):>7.1f}",
        f"{_mean(phase.vision_steps_end for phase in same):>12.1f}",
        f"{_mean(phase.chunk_rate for phase in same):>10.2f}",
        f"{sum(phase.underruns for phase in same):>9}",
        f"{1e3 * max(phase.longest for phase in same):>14.0f}",
        f"{1e3 * _least(phase.least_buffer for phase in same):>19.0f}",
    )
    return f"{schedule:<10}{name:<9}" + "".join(cells)


def _mean(values: Iterable[float | None]) -> float:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else float("nan")


def _least(values: Iterable[float | None]) -> float:
    return min((value for value in values if value is not None), default=float("nan"))


class _Recorder:
    """Hears chunks and what the executor says of its buffer.

    Attributes:
        began: Set once a chunk was accepted.
    """

    def __init__(self, node: Node) -> None:
        self.began = threading.Event()
        self._lock = threading.Lock()
        self._chunks: list[Chunk] = []
        self._promises: list[Promise] = []
        node.create_subscription(ActionChunk, "action_chunk", self._on_chunk, RELIABLE)
        node.create_subscription(ExecutorState, "executor_state", self._on_state, RELIABLE)

    def take(self) -> tuple[list[Chunk], list[Promise]]:
        """Return what was heard so far."""
        with self._lock:
            return list(self._chunks), list(self._promises)

    def _on_chunk(self, chunk: ActionChunk) -> None:
        with self._lock:
            self._chunks.append(Chunk(_seconds(chunk.header.stamp), chunk.vision_steps))

    def _on_state(self, state: ExecutorState) -> None:
        if state.mode not in (ExecutorState.RUNNING, ExecutorState.HOLDING) or not state.accepted:
            return
        promise = Promise(
            time=_seconds(state.header.stamp),
            buffer=state.buffer,
            splice=_seconds(state.last_splice),
            accepted=state.accepted,
        )
        with self._lock:
            self._promises.append(promise)
        self.began.set()


def _seconds(stamp: Any) -> float:
    return float(Time.from_msg(stamp).nanoseconds * 1e-9)
