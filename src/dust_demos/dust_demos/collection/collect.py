"""`dust-collect`: demonstrations of the scripted expert in the simulated cell, as bags.

    dust-collect out/demos --per-task 60 --distractors 0.5 --variation 1 --perturbation 0.5

Every demonstration goes through the graph that a policy goes through too (expert, executor,
trajectory controller, cameras) and through the recorder. OUT gets a bag per demonstration,
collection.jsonl with a line for each, and collection.json with the summary. Failures stay, marked
as such. The same settings give the same scenes, looks and detours. Ctrl-C ends it, `--resume` goes
on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from dust_demos.collection.bags import Bags
from dust_demos.collection.cell_graph import graph_arguments, told_by
from dust_demos.collection.collector import Collector
from dust_demos.collection.journal import BROKEN, Journal, summary_lines
from dust_demos.collection.plan import plan
from dust_demos.collection.settings import CollectionSettings
from dust_eval.cell_client import CellClient
from dust_eval.graph import running_graph
from dust_eval.task_client import GraphError
from dust_eval.trial import TrialSpec
from dust_node.interrupts import interruptible
from dust_start.domain import claimed_domain

READY_SEC = 120.0
"""Longest time until the graph is up; the first start prepares the robot model. Unit: s."""

STARTS = 3
"""How often the graph may end without a demonstration in between."""

BROKEN_IN_A_ROW = 4
"""How many demonstrations in a row may break before it is given up."""


def collect(journal: Journal, specs: Sequence[TrialSpec], *, domain_id: int) -> None:
    """Take the demonstrations that the journal does not have yet.

    A graph that ends is started again.

    Raises:
        GraphError: It ends again and again, or demonstrations break one after the other.
    """
    starts = 0
    bar = tqdm(total=len(specs), unit="demo", file=sys.stderr, smoothing=0.1)
    with bar:
        while missing := [spec for spec in specs if spec.name not in journal.names]:
            before = len(journal.rows)
            bar.n = len(specs) - len(missing)
            try:
                _collect_with_one_graph(journal, missing, bar, domain_id=domain_id)
            except _GraphEndedError as error:
                starts = 1 if len(journal.rows) > before else starts + 1
                if starts >= STARTS:
                    raise GraphError(str(error)) from error
                bar.write(f"starting the graph again: {error}", file=sys.stderr)


class _GraphEndedError(GraphError):
    """The graph has ended by itself."""


def _collect_with_one_graph(
    journal: Journal, specs: Sequence[TrialSpec], bar: tqdm, *, domain_id: int
) -> None:
    log = journal.out / "graph.log"
    settings = journal.settings
    arguments = graph_arguments(settings, journal.out)
    with (
        running_graph(arguments, log=log, domain_id=domain_id) as process,
        CellClient(domain_id=domain_id, use_sim_time=True) as client,
    ):

        def alive() -> bool:
            return process.poll() is None

        bags = Bags(journal.out, alive=alive)
        was_ready = False
        try:
            client.wait_ready(timeout_sec=READY_SEC, alive=alive)
            was_ready = True
            collector = Collector(client, bags, time_limit_sec=settings.time_limit, alive=alive)
            _take_all(collector, journal, specs, bar)
        except GraphError as error:
            # One that does not even come up will not do so the next time.
            kind = _GraphEndedError if was_ready and not alive() else GraphError
            raise kind(f"{error}{told_by(log)}") from error


def _take_all(
    collector: Collector, journal: Journal, specs: Sequence[TrialSpec], bar: tqdm
) -> None:
    broken = 0
    for spec in specs:
        row = collector.take(spec)
        journal.add(row)
        if not row.is_good:
            said = "; ".join((row.reason, *row.faults))
            bar.write(f"{row.name}: {row.outcome} ({said})", file=sys.stderr)
        good = sum(each.is_good for each in journal.rows)
        bar.set_postfix_str(f"{good} of {len(journal.rows)} good", refresh=False)
        bar.update()
        broken = broken + 1 if row.outcome == BROKEN else 0
        if broken == BROKEN_IN_A_ROW:
            raise GraphError(f"{broken} demonstrations in a row broke; the last one: {row.reason}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0, 1 for a graph that broke, 2 for a mistake."""
    options = _parser().parse_args(arguments)
    overrides = {name: value for name, value in vars(options).items() if name not in _OWN}
    try:
        settings = CollectionSettings.load(options.config, overrides)
        journal = Journal(options.out, settings, resume=options.resume)
    except (OSError, ValueError) as error:
        print(f"dust-collect: {error}", file=sys.stderr)
        return 2
    try:
        with interruptible(), claimed_domain() as domain_id:
            collect(journal, plan(settings), domain_id=domain_id)
    except GraphError as error:
        print(f"dust-collect: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("dust-collect: ended; --resume goes on", file=sys.stderr)
        return 130
    finally:
        print("\n".join(summary_lines(journal.summarise())))
    return 0


_OWN = ("out", "config", "resume")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "dust-collect", description="Collect demonstrations of the scripted expert in the cell."
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="folder for the bags")
    parser.add_argument("--config", type=Path, help="YAML file, such as collect_demos.yaml")
    parser.add_argument("--resume", action="store_true", help="go on with what OUT holds")
    parser.add_argument("--tasks", nargs="+", help="tasks (default: all)")
    parser.add_argument("--objects", nargs="+", help="objects (default: all)")
    for name, kind, text in (
        ("per-task", int, "demonstrations of each task (60)"),
        ("seed-from", int, "seed of each task's first one (1000)"),
        ("distractors", float, "share with further objects in the scene (0.5)"),
        ("variation", float, "of light, colours and cameras, 0 to 1 (1)"),
        ("perturbation", float, "of the expert's way, 0 to 1 (0.5)"),
        ("start-spread", float, "share that starts near home instead of there (0.5)"),
        ("start-astray", float, "share that starts beside the object, as if missed (0)"),
        ("time-limit", float, "longest time of one, s of the cell's clock (60)"),
        ("real-time-factor", float, "the cell's time per wall time (1)"),
    ):
        parser.add_argument(f"--{name}", type=kind, help=text, metavar="N")
    return parser


if __name__ == "__main__":
    sys.exit(main())
