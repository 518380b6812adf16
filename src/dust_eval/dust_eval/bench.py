"""Program: the running graph's speed on this machine, with its spread.

python -m dust_eval.bench --runs 3 --seconds 60
"""

import argparse
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from dust_eval.cell_client import GraphError
from dust_eval.demo import make_checkpoint, run_policy
from dust_eval.probe import GraphReport
from dust_start.domain import claimed_domain

PACKAGES = ("ros-rclpy", "numpy", "torch", "transformers", "mujoco", "ruckig")

ROWS = (
    ("chunks per second", "chunk_rate", 1.0),
    ("observation to command, median [ms]", "latency_p50", 1e3),
    ("observation to command, p95 [ms]", "latency_p95", 1e3),
    ("real-time factor, least", "real_time_factor", 1.0),
    ("images sent", "frames_published", 1.0),
    ("images lost", "frames_lost", 1.0),
    ("chunks rejected", "rejected", 1.0),
)


def machine_lines() -> list[str]:
    """Return processor, cores and versions as lines of text."""
    names = [
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    versions = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    return [
        f"machine: {names[0] if names else platform.machine()}, {os.cpu_count()} cores",
        f"versions: Python {platform.python_version()}, {versions}",
    ]


def table(reports: Sequence[GraphReport]) -> str:
    """Return the figures of several runs: least, median, greatest."""
    lines = [f"{'figure':<38}{'least':>10}{'median':>10}{'greatest':>10}"]
    for name, field, scale in ROWS:
        values = sorted(float(getattr(report, field)) * scale for report in reports)
        cells = (values[0], statistics.median(values), values[-1])
        lines.append(f"{name:<38}" + "".join(f"{value:>10.4g}" for value in cells))
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=3, help="how often the graph is started")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of each measurement")
    parser.add_argument("--out", type=Path, default=Path("out/bench"), help="folder for logs")
    options = parser.parse_args(arguments)
    print("\n".join(machine_lines()), flush=True)
    checkpoint = make_checkpoint(options.out.parent / "checkpoints" / "tiny-untrained")
    reports = []
    for run in range(options.runs):
        print(f"run {run + 1} of {options.runs}, {options.seconds:g} s ...", flush=True)
        try:
            with claimed_domain() as domain_id:
                report = run_policy(
                    options.out, checkpoint, seconds=options.seconds, domain_id=domain_id
                )
        except GraphError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        reports.append(report)
    print(table(reports))
    return 0


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "from the system"


if __name__ == "__main__":
    sys.exit(main())
