"""Program: how smoothly the arm moves under each way to join chunks, at some latencies.

python -m dust_eval.smoothness
python -m dust_eval.smoothness --latencies 0 200 --seconds 60 --seeds 5
python -m dust_eval.smoothness --steps 4            by the real sampler, N_A = 4: see flow_policy
python -m dust_eval.smoothness --steps 4 --checkpoint out/train/default/best --dataset out/dataset

The real executor's core splices what a policy would have sampled; the clock is simulated, so that
the figures are the same on every machine. Any policy can be measured: see joining.Source.
"""

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from dust_eval.bench_arguments import number, whole
from dust_eval.imagined_policy import GaussianPolicy
from dust_eval.joining import PERIOD, SAMPLE, STEPWISE, STRATEGIES, Array, Record, Request, Run, rms

_BASE_LATENCY = 0.1


@dataclass(frozen=True, slots=True)
class Smoothness:
    """Figures of one strategy at one latency.

    Attributes:
        jerk_peak: Largest jerk of any joint, rad/s^3.
        jerk_rms: Root mean square of all joints' jerk, rad/s^3.
        gap: Root mean square of the seams' gaps in position, rad.
        speed_gap: The same in velocity, rad/s.
        tolerated: Lateness of a trajectory that 95 % of the seams would have endured, s.
        error: Root mean square distance of the command from the truth, rad.
        age: Mean age of the observation that is being acted on, s.
        followed: Share of the chunks that were followed.
    """

    jerk_peak: float
    jerk_rms: float
    gap: float
    speed_gap: float
    tolerated: float
    error: float
    age: float
    followed: float


def figures(records: Sequence[Record], truths: Sequence[Array]) -> Smoothness:
    """Return the figures of runs with one strategy at one latency.

    Args:
        records: What came of each run.
        truths: Where the arm should have been at each command of each run [N, J], rad.
    """
    commands = [np.concatenate(record.commands) for record in records]
    jerk = np.concatenate([np.diff(command, n=3, axis=0) * 1e9 for command in commands])
    errors = [command - truth for command, truth in zip(commands, truths, strict=True)]
    # The first seam is that from rest.
    return Smoothness(
        jerk_peak=float(np.abs(jerk).max()),
        jerk_rms=rms(jerk),
        gap=rms(np.concatenate([record.gaps[1:] for record in records])),
        speed_gap=rms(np.concatenate([record.speed_gaps[1:] for record in records])),
        tolerated=_fifth_percentile([record.tolerated[1:] for record in records]),
        error=rms(np.concatenate(errors)),
        age=float(np.mean(np.concatenate([np.concatenate(record.ages) for record in records]))),
        followed=sum(r.accepted for r in records) / max(1, sum(r.chunks for r in records)),
    )


def compare(
    latencies: Sequence[float],
    *,
    seconds: float,
    seeds: int,
    prefix_limit: int = 7,
    steps: int = 0,
    make: Callable[[int], "Imagined"] | None = None,
) -> dict[tuple[str, float], Smoothness]:
    """Compare all strategies with the imagined policy, the same seeds for each.

    Args:
        latencies: Added latencies, s.
        seconds: Length of each run.
        seeds: How many runs each.
        prefix_limit: Longest prefix, actions.
        steps: Denoising steps of the real sampler; 0 samples exactly.
        make: Returns the policy of a seed; None imagines one.

    Returns:
        Figures by strategy and added latency.
    """
    table = {}
    for latency in latencies:
        for strategy in STRATEGIES | STEPWISE if steps else STRATEGIES:
            records, truths = [], []
            for seed in range(seeds):
                policy = make(seed) if make else _policy(seed, seconds=seconds, steps=steps)
                run = Run(
                    policy.chunk,
                    policy.home,
                    strategy=strategy,
                    latency=_BASE_LATENCY + latency,
                    prefix_limit=prefix_limit,
                )
                records.append(run.run(seconds))
                count = sum(len(part) for part in records[-1].commands)
                truths.append(policy.truth(np.linspace(0.0, count * SAMPLE, count, False)))
            table[strategy, latency] = figures(records, truths)
    return table


class Imagined(Protocol):
    """A policy whose best commands are known."""

    home: Array

    def chunk(self, request: Request) -> Array:
        """Sample a chunk [horizon, 7], rad."""

    def truth(self, times: Array) -> Array:
        """Return where the arm should be at times [N] (s); [N, 7], rad."""


def _policy(seed: int, *, seconds: float, steps: int) -> GaussianPolicy:
    if not steps:
        return GaussianPolicy(seed, seconds=seconds, period=PERIOD)
    # Imported here: torch takes seconds that the exact policy can spare.
    from dust_eval.flow_policy import FlowPolicy

    return FlowPolicy(seed, seconds=seconds, period=PERIOD, steps=steps)


def text(table: dict[tuple[str, float], Smoothness]) -> str:
    """Return the comparison as a table."""
    lines = [
        f"{'latency':>8}  {'strategy':<13}{'jerk peak':>10}{'jerk rms':>10}{'seam':>8}{'seam':>9}"
        f"{'late ok':>9}{'error':>8}{'age':>7}{'followed':>10}",
        f"{'[ms]':>8}  {'':<13}{'[rad/s^3]':>10}{'[rad/s^3]':>10}{'[mrad]':>8}{'[mrad/s]':>9}"
        f"{'[ms]':>9}{'[mrad]':>8}{'[ms]':>7}{'[%]':>10}",
    ]
    for (strategy, latency), found in table.items():
        lines.append(
            f"{1e3 * latency:>8.0f}  {strategy:<13}{found.jerk_peak:>10.0f}{found.jerk_rms:>10.1f}"
            f"{1e3 * found.gap:>8.2f}{1e3 * found.speed_gap:>9.1f}"
            f"{1e3 * found.tolerated:>9.0f}{1e3 * found.error:>8.1f}{1e3 * found.age:>7.0f}"
            f"{100 * found.followed:>10.0f}"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument(
        "--latencies", nargs="+", type=float, default=[0.0, 100.0, 200.0, 400.0], help="added, ms"
    )
    parser.add_argument(
        "--seconds", type=number(1.0, 3600.0), default=30.0, help="length of each run"
    )
    parser.add_argument("--seeds", type=whole(1, 1000), default=3, help="runs of each kind")
    parser.add_argument(
        "--prefix-limit", type=whole(1, 64), default=7, help="longest prefix, actions"
    )
    parser.add_argument(
        "--steps", type=int, default=0, help="denoising steps of the real sampler; 0: exact"
    )
    parser.add_argument("--checkpoint", type=Path, help="a real policy; needs --steps")
    parser.add_argument("--dataset", type=Path, help="demonstrations that it is shown")
    options = parser.parse_args(arguments)
    if not all(0.0 <= latency <= 800.0 for latency in options.latencies):
        print("error: --latencies must be 0 to 800 ms", file=sys.stderr)
        return 2
    if not 0 <= options.steps <= 64:
        print("error: --steps must be 0 to 64", file=sys.stderr)
        return 2
    make = None
    if options.checkpoint or options.dataset:
        if not (options.checkpoint and options.dataset and options.steps):
            print("error: a real policy needs --checkpoint, --dataset and --steps", file=sys.stderr)
            return 2
        # Imported here: torch takes seconds that the exact policy can spare.
        from dust_eval.replayed_policy import Replay

        try:
            make = Replay(options.checkpoint, options.dataset, steps=options.steps).policy
        except ValueError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
    latencies = [latency / 1e3 for latency in options.latencies]
    table = compare(
        latencies,
        seconds=options.seconds,
        seeds=options.seeds,
        prefix_limit=options.prefix_limit,
        steps=options.steps,
        make=make,
    )
    print(text(table))
    return 0


def _fifth_percentile(parts: Sequence[Sequence[float]]) -> float:
    values = np.concatenate(parts)
    return float(np.percentile(values, 5)) if len(values) else math.nan


if __name__ == "__main__":
    sys.exit(main())
