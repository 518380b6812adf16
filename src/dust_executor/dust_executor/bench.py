"""Program: what the executor costs, at 50 chunks or cycles a second, and what delay it adds.

    core   50 chunks a second, without ROS
    node   50 chunks a second over DDS, 30 cycles (watchdogs, executor_state)
    cycle  50 cycles a second, and as many chunks as a policy sends: 10

python -m dust_executor.bench
python -m dust_executor.bench --only core --seconds 20
"""

import argparse
import math
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray

from dust_executor.chunk import ChunkRules
from dust_executor.core import Executor
from dust_executor.limits import named
from dust_executor.quintic import NS, States, Times
from dust_executor.settings import Settings
from dust_executor.watchdog import JointState

RATE = 50.0
"""Chunks a second."""

NAMES = tuple(f"fr3_joint{index}" for index in range(1, 8))
HOME = np.array([0, -np.pi / 4, 0, -3 * np.pi / 4, 0, np.pi / 2, np.pi / 4])
PERIOD = 1.0 / 15.0
HORIZON = 16

POLICY_RATE = 10.0
"""Chunks a second of a policy that takes 0.1 s for one."""

PARTS = ("core", "node", "cycle")
"""What can be measured."""

SHORTEST, LONGEST = 0.5, 86_400.0
"""Of a measurement: a policy sends five chunks in the shortest one. Unit: s."""

_LAST_DOMAIN = 232  # above it there are no ports
_AGE = 0.1
_DISAGREEMENT = 0.002


@dataclass(frozen=True, slots=True)
class Cost:
    """What one part of the executor costs.

    Attributes:
        name: What was measured.
        share: Processor time in units of one core's.
        median: From a chunk's arrival to its published trajectory, s.
        p99: The same, 99th percentile, s.
    """

    name: str
    share: float
    median: float
    p99: float

    def __str__(self) -> str:
        return (
            f"{self.name:<44}{100 * self.share:>8.1f} %"
            f"{1e3 * self.median:>10.2f}{1e3 * self.p99:>10.2f}"
        )


HEADER = f"{'executor':<44}{'of a core':>10}{'p50 [ms]':>10}{'p99 [ms]':>10}"


def actions_at(seconds: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a chunk [16, 7] that disagrees a little with the one before it, rad.

    Args:
        seconds: When its observation was taken, counted from the start.
        rng: Source of the disagreement.
    """
    times = seconds + PERIOD * np.arange(HORIZON)
    grown = 1.0 - np.exp(-(times[:, None] ** 2))
    wave = 0.25 * grown * np.sin(1.5 * times[:, None] + np.arange(7) / 3)
    return HOME + wave + rng.normal(0.0, _DISAGREEMENT, 7)


def measure_core(seconds: float) -> tuple[Cost, Cost]:
    """Feed the core, without ROS; return its cost by the wall clock and by processor time.

    Args:
        seconds: How long the stream of chunks lasts, in its own time.
    """
    now = 1000 * NS
    published: list[tuple[Times, States]] = []

    def publish(times: Times, states: States) -> None:
        published.append((times, states))

    settings = Settings(named("fr3_rectangular"), ChunkRules(NAMES))
    executor = Executor(settings, clock=lambda: now, publish=publish)
    executor.joints(JointState(now, now, HOME, np.zeros(7), 1.0))
    executor.start_task("bench", "bench")
    walls, works, total = [], [], 0.0
    for sequence, message in enumerate(_messages(seconds, now), start=1):
        now = message.arrival
        began, worked = time.perf_counter(), time.thread_time()
        reason = executor.chunk(message)
        works.append(time.thread_time() - worked)
        walls.append(time.perf_counter() - began)
        assert not reason, reason
        worked = time.thread_time()
        _look_after(executor, now, sequence)
        total += works[-1] + time.thread_time() - worked
    share = total / (len(works) / RATE)
    return (
        Cost("core, wall clock", share, *_percentiles(walls)),
        Cost("core, processor time", share, *_percentiles(works)),
    )


def _look_after(executor: Executor, now: int, sequence: int) -> None:
    # Joint states, watchdogs and executor_state come at 30 Hz, chunks at 50.
    if sequence % 5 < 3:
        assert executor.plan is not None
        position = executor.plan.at(now)[0]
        executor.joints(JointState(now, now, position, np.zeros(7), 1.0))
        executor.tick()
        executor.committed(now, samples=16, period=PERIOD)


def _messages(seconds: float, start: int) -> Iterator[SimpleNamespace]:
    rng = np.random.default_rng(0)
    for index in range(round(seconds * RATE)):
        arrival = start + round((0.3 + index / RATE) * NS)
        stamp = arrival - round(_AGE * NS)
        yield SimpleNamespace(
            arrival=arrival,
            header=SimpleNamespace(stamp=SimpleNamespace(sec=stamp // NS, nanosec=stamp % NS)),
            source="bench",
            task_id="bench",
            sequence=index + 1,
            period=PERIOD,
            joint_names=list(NAMES),
            positions=actions_at(index / RATE, rng).ravel(),
            gripper=np.ones(HORIZON),
            prefix=0,
            conditioning=0,
        )


def _percentiles(values: Sequence[float]) -> tuple[float, float]:
    median, p99 = np.percentile(values, [50, 99])
    return float(median), float(p99)


def run(parts: Sequence[str], *, seconds: float, domain_id: int) -> None:
    """Measure and print.

    Args:
        parts: Of `PARTS`.
        seconds: How long chunks come.
        domain_id: ROS domain in which nobody else runs; only for the node.

    Raises:
        RuntimeError: The node did not come up or did not take the chunks.
    """
    print(HEADER)
    for part in parts:
        costs = measure_core(seconds) if part == "core" else _node(part, seconds, domain_id)
        for cost in costs:
            print(cost, flush=True)


def _node(part: str, seconds: float, domain_id: int) -> Sequence[Cost]:
    # Only these parts need ROS.
    from dust_executor.bench_node import measure_node

    if part == "cycle":
        return measure_node(seconds, domain_id=domain_id, chunk_rate=POLICY_RATE, cycle_rate=RATE)
    return measure_node(seconds, domain_id=domain_id)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not SHORTEST <= value <= LONGEST:
        raise argparse.ArgumentTypeError(
            f"must be a number between {SHORTEST:g} and {LONGEST:g}, got {text}"
        )
    return value


def _domain(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _LAST_DOMAIN):
        raise argparse.ArgumentTypeError(
            f"must be a whole number between 0 and {_LAST_DOMAIN}, got {text}"
        )
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="default: all")
    parser.add_argument("--seconds", type=_seconds, default=20.0, help="how long chunks come")
    parser.add_argument(
        "--domain",
        type=_domain,
        default=os.environ.get("ROS_DOMAIN_ID") or "0",
        help="ROS domain in which nobody else runs; default: ROS_DOMAIN_ID",
    )
    options = parser.parse_args(arguments)
    print(
        f"machine: {platform.machine()}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f} at the start; Python {platform.python_version()}, "
        f"NumPy {np.__version__}"
    )
    try:
        run(options.only, seconds=options.seconds, domain_id=options.domain)
    except (RuntimeError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
