"""The running graph's speed on this machine, with its spread."""

import statistics
from argparse import Namespace
from collections.abc import Sequence

from dust_eval.driver import one_driver
from dust_eval.policy_run import run_policy
from dust_eval.probe import GraphReport

ROWS = (
    ("chunks per second", "chunk_rate", 1.0),
    ("observation to command, median [ms]", "latency_p50", 1e3),
    ("observation to command, p95 [ms]", "latency_p95", 1e3),
    ("real-time factor, least", "real_time_factor", 1.0),
    ("images sent", "frames_published", 1.0),
    ("images lost", "frames_lost", 1.0),
    ("chunks rejected", "rejected", 1.0),
)


def table(reports: Sequence[GraphReport]) -> str:
    """Return the figures of several runs: least, median, greatest."""
    lines = [f"{'figure':<38}{'least':>10}{'median':>10}{'greatest':>10}"]
    for name, field, scale in ROWS:
        values = sorted(float(getattr(report, field)) * scale for report in reports)
        cells = (values[0], statistics.median(values), values[-1])
        lines.append(f"{name:<38}" + "".join(f"{value:>10.4g}" for value in cells))
    return "\n".join(lines)


def run(options: Namespace) -> None:
    """Start the graph with the shipped policy some times and print what was measured.

    Raises:
        GraphError: It did not come up or broke.
        ValueError: No checkpoint is installed.
    """
    driver = one_driver("")
    reports = []
    for number in range(1, options.runs + 1):
        print(f"run {number} of {options.runs}, {options.seconds:g} s ...", flush=True)
        reports.append(run_policy(options.out, driver, seconds=options.seconds))
    print(table(reports))
