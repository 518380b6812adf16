"""Whether the nodes of the graph keep more and more memory, over half an hour of tasks.

python -m dust_eval.bench --only memory --minutes 30
python -m dust_eval.bench --only memory --watch          # beside a dust-eval that runs
"""

import time
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dust_eval.bench_nodes import GraphNodes, Memory, NodeProcess, read_memory
from dust_eval.bench_trend import Trend, fit_trend
from dust_eval.demo import SPECS
from dust_eval.driver import one_driver
from dust_eval.files import write_json
from dust_eval.running_cell import RunningCell, running_cell
from dust_eval.task_client import GraphError
from dust_msgs.action import ExecuteTask

FLAT_SHARE = 0.02
FLAT_MIB = 2.0
"""Growth over the whole measurement that counts as none: less than this share of the start, or
less than so many MiB."""

TASK_SEC = 30.0
"""Longest time of a task. Unit: s."""

COME_SEC = 120.0
"""How long a graph to be watched may take to come up. Unit: s."""

GONE_SEC = 60.0
"""A graph has ended when none of its nodes was there for so long. Unit: s."""

_STEP_SEC = 0.5
_HOUR = 3600.0


@dataclass(slots=True)
class Series:
    """What one process held over time. Times in s from the first look, memory in MiB."""

    times: list[float] = field(default_factory=list)
    resident: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)

    def append(self, time: float, memory: Memory) -> None:
        """Add a sample."""
        self.times.append(time)
        self.resident.append(memory.resident)
        self.own.append(memory.own)

    def until(self, end: int) -> "Series":
        """Return the samples before an index, which may be counted from the end."""
        return Series(self.times[:end], self.resident[:end], self.own[:end])


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one process.

    Attributes:
        node: The process.
        resident: Trend of all its memory after the warm-up, MiB per s; None: too short to tell.
        own: Trend of what is no file's.
    """

    node: NodeProcess
    resident: Trend | None
    own: Trend | None

    @property
    def verdict(self) -> str:
        """`flat`, `grows`, or `too short` to tell."""
        if self.resident is None or self.own is None:
            return "too short"
        return "flat" if is_flat(self.resident) and is_flat(self.own) else "grows"


class Sampler:
    """Looks at the nodes of a graph every now and then.

    Args:
        nodes: Returns the nodes that run now.
        interval: Time between two samples. Unit: s.
        warm_up: What a node takes in its first minutes, it needs: how long that goes. Unit: s.
        read: Returns what a process holds; None: it has ended.
        clock: Tells the time. Unit: s.
    """

    def __init__(
        self,
        nodes: Callable[[], Sequence[NodeProcess]],
        *,
        interval: float,
        warm_up: float,
        read: Callable[[int], Memory | None] = read_memory,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.warm_up = warm_up
        self._nodes = nodes
        self._interval = interval
        self._read = read
        self._clock = clock
        self._begun = self._next = self._met = self._looked = clock()
        self.series: dict[NodeProcess, Series] = {}

    @property
    def seconds(self) -> float:
        """Time since it was made. Unit: s."""
        return self._clock() - self._begun

    @property
    def alone(self) -> float:
        """Time since a node was met. Unit: s."""
        return self._clock() - self._met

    def look(self) -> None:
        """Take a sample of each node, if it is time for one."""
        now = self._clock()
        if now < self._next:
            return
        self._looked, self._next = now, now + self._interval
        for node in self._nodes():
            memory = self._read(node.pid)
            if memory is not None:
                self._met = now
                self.series.setdefault(node, Series()).append(now - self._begun, memory)

    def findings(self) -> list[Finding]:
        """Return what came of each process, in the order in which they were met.

        The last sample of one that has ended does not count: it may have been half gone by then.
        """
        return [self._assess(node, series) for node, series in self.series.items()]

    def _assess(self, node: NodeProcess, series: Series) -> Finding:
        gone = series.times[-1] < self._looked - self._begun
        return assess(node, series.until(-1) if gone else series, warm_up=self.warm_up)


def assess(node: NodeProcess, series: Series, *, warm_up: float) -> Finding:
    """Return what came of a process, from `warm_up` (s) after its first sample on."""
    late = [i for i, time in enumerate(series.times) if time - series.times[0] >= warm_up]
    times = [series.times[i] for i in late]
    resident = fit_trend(times, [series.resident[i] for i in late])
    return Finding(node, resident, fit_trend(times, [series.own[i] for i in late]))


def is_flat(trend: Trend) -> bool:
    """Whether what it rises by over the whole time is as good as nothing."""
    return trend.growth < max(FLAT_SHARE * trend.first, FLAT_MIB)


def run(options: Namespace) -> None:
    """Sample a graph that does tasks, or one that runs already; print a table, write memory.json.

    Ctrl-C ends the measurement; what was seen until then is shown.

    Raises:
        GraphError: The graph did not come up or broke.
        ValueError: There is no graph to watch, or there are several.
    """
    if options.watch:
        sampler = _sampler(options, options.domain)
        _finish(options.out, sampler, Counter(), lambda: watch(sampler))
        return
    words = [*one_driver(options.checkpoint).words, *options.graph]
    with running_cell(words, log=options.out / "memory.log") as cell:
        sampler = _sampler(options, cell.domain_id)
        ends: Counter[str] = Counter()
        seconds = options.warm_up + 60 * options.minutes
        _finish(options.out, sampler, ends, lambda: do_tasks(cell, sampler, ends, seconds=seconds))


def watch(sampler: Sampler, *, pause: Callable[[float], None] = time.sleep) -> None:
    """Sample a graph that somebody else drives, until it has ended.

    Raises:
        ValueError: No graph came up.
    """
    print("watching; Ctrl-C ends that", flush=True)
    while sampler.alone < (GONE_SEC if sampler.series else COME_SEC):
        sampler.look()
        pause(_STEP_SEC)
    if not sampler.series:
        raise ValueError(f"no node of DUST ran within {COME_SEC:g} s: start the graph first")


def do_tasks(cell: RunningCell, sampler: Sampler, ends: Counter[str], *, seconds: float) -> None:
    """Have one task done after the other, and sample the graph meanwhile.

    Args:
        cell: The graph.
        sampler: Looks at its nodes.
        ends: How many tasks ended in which way; counted up.
        seconds: How long; the last task may go on after that.

    Raises:
        GraphError: The graph refused, did not answer or ended.
    """
    client, number = cell.client, 0
    print(f"tasks for {seconds / 60:.1f} min, warm-up included ...", flush=True)
    while sampler.seconds < seconds:
        client.wait_idle()
        instruction = client.reset(SPECS[number % len(SPECS)])
        task = client.start_task(instruction, time_limit_sec=TASK_SEC)
        while (end := client.wait_task(task, timeout_sec=_STEP_SEC)) is None:
            sampler.look()
            if not cell.alive():
                raise GraphError("the graph ended during a task")
        ends["succeeded" if end.succeeded else _code_name(end.result.error_code)] += 1
        number += 1


def table(findings: Sequence[Finding]) -> str:
    """Return a row for each process; figures of PSS, and the slope of what is no file's."""
    head = f"{'node':<26}{'pid':>8}{'start [MiB]':>13}{'end [MiB]':>11}{'slope [MiB/h]':>20}"
    lines = [f"{head}{'heap alone [MiB/h]':>20}{'grown [MiB]':>13}  verdict"]
    for finding in findings:
        start = f"{finding.node.name:<26}{finding.node.pid:>8}"
        if finding.resident is None or finding.own is None:
            lines.append(f"{start}{'':>77}  {finding.verdict}")
            continue
        trend = finding.resident
        cells = (
            f"{trend.first:>13.1f}{trend.last:>11.1f}{_slope(trend):>20}{_slope(finding.own):>20}"
        )
        lines.append(f"{start}{cells}{trend.growth:>13.2f}  {finding.verdict}")
    return "\n".join(lines)


def to_values(sampler: Sampler, findings: Sequence[Finding], ends: Counter[str]) -> dict[str, Any]:
    """Return everything that was measured, for JSON: memory in MiB, times in s, slopes in MiB/h."""
    return {
        "warm_up": sampler.warm_up,
        "tasks": dict(ends),
        "nodes": [
            {
                "name": finding.node.name,
                "pid": finding.node.pid,
                "verdict": finding.verdict,
                "resident": _trend_values(finding.resident),
                "own": _trend_values(finding.own),
                "samples": {
                    "times": [round(t, 1) for t in sampler.series[finding.node].times],
                    "resident": [round(v, 3) for v in sampler.series[finding.node].resident],
                    "own": [round(v, 3) for v in sampler.series[finding.node].own],
                },
            }
            for finding in findings
        ],
    }


def _sampler(options: Namespace, domain: int | None) -> Sampler:
    return Sampler(GraphNodes(domain), interval=options.interval, warm_up=options.warm_up)


def _finish(out: Path, sampler: Sampler, ends: Counter[str], work: Callable[[], None]) -> None:
    """Do the work; however it ends, tell what was seen."""
    try:
        work()
    finally:
        findings = sampler.findings()
        if findings:
            done = ", ".join(f"{count} {name}" for name, count in ends.most_common())
            print(f"{sampler.seconds / 60:.1f} min; tasks: {done or 'not ours'}")
            print(table(findings), flush=True)
            write_json(out / "memory.json", to_values(sampler, findings, ends))


def _slope(trend: Trend) -> str:
    return f"{trend.slope * _HOUR:+.2f} +- {trend.margin * _HOUR:.2f}"


def _trend_values(trend: Trend | None) -> dict[str, float] | None:
    if trend is None:
        return None
    return {
        "start": trend.first,
        "end": trend.last,
        "slope": trend.slope * _HOUR,
        "margin": trend.margin * _HOUR,
        "growth": trend.growth,
    }


def _code_name(code: int) -> str:
    """Return the name of an error code of execute_task, in small letters."""
    names = ("TIMEOUT", "CANCELED", "NO_FEATURES", "EXECUTOR_STOPPED", "MODEL_FAILED", "SURPRISED")
    known = {getattr(ExecuteTask.Result, name): name.lower() for name in names}
    return known.get(code, f"error {code}")
