"""Program: the protocol's trials through the real graph, a table at the end.

trials --driver expert --protocol config/protocol.yaml --out out/trials
"""

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from dust_eval.cell_client import CellClient, GraphError
from dust_eval.graph import last_lines, running_graph
from dust_eval.runner import run_trial
from dust_eval.table import success_table
from dust_eval.trial import TrialResult, TrialSpec, load_protocol
from dust_start.domain import claimed_domain

READY_SEC = 90.0
"""Longest time until the graph is up; the first start prepares the robot model. Unit: s."""


def run_trials(
    specs: Sequence[TrialSpec],
    client: CellClient,
    *,
    time_limit_sec: float,
    progress: bool = True,
) -> list[TrialResult]:
    """Carry out trials one after the other; a trial that breaks counts as a failure.

    After a stop for cause the executor is rearmed for the next trial, as a person would do.
    """
    results = []
    bar = tqdm(specs, unit="trial", disable=not progress, file=sys.stderr)
    for spec in bar:
        try:
            result = run_trial(client, spec, time_limit_sec=time_limit_sec)
        except GraphError as error:
            result = TrialResult(spec, 0.0, str(error), 0.0, 0, 0, 0, (0.0, 0.0, 0.0, 0.0))
        results.append(result)
        if result.score < 1:
            client.rearm_if_stopped()
            bar.write(f"{spec.name}: {result.score:g} ({result.reason})", file=sys.stderr)
        bar.set_postfix_str(f"{sum(row.score for row in results):g} of {len(results)}")
    return results


def write_results(results: Sequence[TrialResult], path: Path) -> None:
    """Write the results as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [dataclasses.asdict(result) for result in results]
    path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--driver", choices=("expert", "dust"), default="expert")
    parser.add_argument(
        "--protocol", type=Path, required=True, help="YAML of tasks, objects, seeds"
    )
    parser.add_argument("--out", type=Path, default=Path("out/trials"), help="folder for results")
    parser.add_argument("--graph", nargs="*", default=[], help="further arguments of the graph")
    options = parser.parse_args(arguments)
    try:
        protocol = load_protocol(options.protocol)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    log = options.out / "graph.log"
    graph = ["robot:=sim", f"policy:={options.driver}", *options.graph]
    with (
        claimed_domain() as domain_id,
        running_graph(graph, log=log, domain_id=domain_id) as process,
        CellClient(domain_id=domain_id) as client,
    ):
        try:
            client.wait_ready(timeout_sec=READY_SEC, alive=lambda: process.poll() is None)
            results = run_trials(protocol.specs, client, time_limit_sec=protocol.time_limit_sec)
        except GraphError as error:
            print(f"error: {error}; the graph's log ends:\n{last_lines(log)}", file=sys.stderr)
            return 1
    write_results(results, options.out / "results.json")
    print(success_table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
