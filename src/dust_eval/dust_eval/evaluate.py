"""`dust-eval`: the paper's protocol, one driver or several, in the cell or on a robot.

dust-eval --checkpoint expert --out out/expert
dust-eval --checkpoint dust=out/dust/best --checkpoint n1=out/n1/best --out out/compare
dust-eval --checkpoint a=CKPT,vision_steps=4 --checkpoint b=CKPT,vision_steps=64 --out out/steps
dust-eval --checkpoint CKPT --out out/lab --robot fr3 --record
dust-eval --checkpoint CKPT --out out/quick --robot bare      the same cell without a graph, fast

Several drivers take turns, and nobody is told who drives until all is done. Ctrl-C leaves what was
done; --resume goes on with it, and tries again what broke.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from dust_eval.bare.evaluation import BareEvaluation
from dust_eval.bare.settings import BareSettings
from dust_eval.driver import parse_drivers, require_unchanged
from dust_eval.evaluation import Evaluation
from dust_eval.person import LeaveError, Person
from dust_eval.protocol import Protocol, load_protocol
from dust_eval.report import write_report
from dust_eval.run_folder import Plan, RunFolder, wording_of
from dust_eval.schedule import blind_labels
from dust_eval.table import text_report
from dust_eval.task_client import GraphError
from dust_node.interrupts import interruptible
from dust_start import index
from dust_start.arguments import split
from dust_start.environment import workspace_environment
from dust_start.errors import StartError
from dust_start.graph import Graph

BARE = "bare"
"""Kind of robot: the cell without a graph."""

_BLOCK = 6  # one object of one task: enough for the time that a change of drivers takes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0, 1 a broken graph, 2 a mistake, 130 interrupted."""
    options = _parser().parse_args(arguments)
    try:
        folder, protocol = _resume(options) if options.resume else _begin(options)
    except (ValueError, OSError) as error:
        print(f"dust-eval: {error}", file=sys.stderr)
        return 2
    for note in _notes(folder, protocol):
        print(f"note: {note}", file=sys.stderr)
    code = _evaluate(options, folder, protocol)
    summary = write_report(folder, unblind=options.unblind)
    if summary is not None:
        print(f"{text_report(summary)}\n\n{folder.root}: results.json, table.md, plots, trials")
    return code


def _notes(folder: RunFolder, protocol: Protocol) -> Iterator[str]:
    """Say what is no mistake, but may not be meant."""
    if protocol.trained_on:
        yield (
            f"seeds {_listed(protocol.trained_on)} are not kept for evaluation; training may "
            "have seen these scenes"
        )
    if folder.plan.protocol is None and folder.plan.judge == "person":
        yield (
            f"{folder.root} does not hold its instructions and start pose: they are taken from "
            "--protocol, or else from the paper's protocol"
        )


def _evaluate(options: argparse.Namespace, folder: RunFolder, protocol: Protocol) -> int:
    evaluation = _make_evaluation(options, folder, protocol)
    try:
        with interruptible(), evaluation:
            try:
                evaluation.run()
            except GraphError as error:
                print(f"dust-eval: {error}\n{evaluation.log()}", file=sys.stderr)
                return 1
        left = len(folder.remaining())
        if left:
            print(f"dust-eval: {left} trials broke; --resume tries them again", file=sys.stderr)
        return 1 if left else 0
    except FileNotFoundError as error:
        print(f"dust-eval: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, LeaveError):
        left = len(folder.remaining())
        print(f"\ndust-eval: stopped, {left} trials left; --resume goes on", file=sys.stderr)
        return 130


def _make_evaluation(
    options: argparse.Namespace, folder: RunFolder, protocol: Protocol
) -> Evaluation | BareEvaluation:
    if folder.plan.robot == BARE:
        return BareEvaluation(folder, workers=options.workers)
    person = Person() if folder.plan.judge == "person" else None
    return Evaluation(
        folder, protocol, person=person, recording=options.record, filming=options.film
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "dust-eval",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--checkpoint",
        action="append",
        default=[],
        metavar="[NAME=]FOLDER[,ARGUMENT=VALUE...]",
        help="who drives: a checkpoint, or expert; further arguments of the graph after commas, "
        "such as vision_steps=64; once for each driver",
    )
    add("--out", type=Path, required=True, help="folder for the results")
    add("--resume", action="store_true", help="go on with what is in --out")
    add(
        "--protocol",
        type=Path,
        help="default: the paper's, config/protocol.yaml; with --resume the one it began with",
    )
    add("--tasks", nargs="+", default=[], metavar="TASK", help="only these tasks")
    add("--objects", nargs="+", default=[], metavar="OBJECT", help="only these objects")
    add("--seeds", nargs="+", type=int, default=[], metavar="N", help="only these configurations")
    add(
        "--robot",
        choices=("sim", BARE, "fr3"),
        default="sim",
        help="bare: the simulated cell, executor and policy in one process without ROS's graph, as "
        "fast as the processor allows (latency=SECONDS is an argument then); fr3: a person judges",
    )
    add("--judge", choices=("oracle", "person"), help="who says what came of a trial")
    add("--block", type=int, help=f"trials before the next driver's turn (sim {_BLOCK}, fr3 1)")
    add("--seed", type=int, default=0, help="decides the order of the drivers")
    add(
        "--real-time-factor", type=float, default=1.0, metavar="R", help="cell's time per wall time"
    )
    add("--workers", type=int, default=0, help="bare: processes (default: one for each core)")
    add("--record", action="store_true", help="record a bag of every trial")
    add("--no-film", dest="film", action="store_false", help="keep no film strips")
    add("--unblind", action="store_true", help="name the drivers although trials are left")
    add("--graph", nargs="+", default=[], metavar="NAME:=VALUE", help="arguments of the graph")
    return parser


def _begin(options: argparse.Namespace) -> tuple[RunFolder, Protocol]:
    """Make the folder of an evaluation; return it with its protocol."""
    protocol = _chosen(options, _load(options))
    return RunFolder.create(options.out, _plan(options, protocol)), protocol


def _resume(options: argparse.Namespace) -> tuple[RunFolder, Protocol]:
    """Open an evaluation that is to be gone on with; return it with the protocol it began with."""
    folder = RunFolder.open(options.out)
    kept = folder.plan.protocol
    given = kept if kept is not None and options.protocol is None else _load(options)
    if options.checkpoint:
        folder.require_same(_plan(options, _chosen(options, given)))
    else:
        require_unchanged(folder.plan.drivers)
        if options.protocol is not None:
            folder.require_same(folder.plan.under(given))
    return folder, kept if kept is not None else _stand_in(folder, given)


def _stand_in(folder: RunFolder, protocol: Protocol) -> Protocol:
    """Return what a folder goes on with that was begun when none of its protocol was kept."""
    specs = folder.plan.specs
    unknown = next((spec.task for spec in specs if spec.task not in protocol.instructions), None)
    if unknown is not None:
        raise ValueError(
            f"{folder.root} does not hold its instructions, and the protocol has none for "
            f"{unknown}: name the file that it was begun with by --protocol"
        )
    return dataclasses.replace(protocol, specs=specs)


def _load(options: argparse.Namespace) -> Protocol:
    path = options.protocol
    if path is None:
        share = index.share_of("dust_bringup", workspace_environment())
        if share is None:
            raise ValueError("dust_bringup is not installed: name a file with --protocol")
        path = share / "config" / "protocol.yaml"
    return load_protocol(path)


def _chosen(options: argparse.Namespace, protocol: Protocol) -> Protocol:
    return protocol.only(tasks=options.tasks, objects=options.objects, seeds=options.seeds)


def _plan(options: argparse.Namespace, protocol: Protocol) -> Plan:
    drivers = parse_drivers(options.checkpoint)
    on_robot = options.robot == "fr3"
    judge = options.judge or ("person" if on_robot else "oracle")
    factor = options.real_time_factor
    if not 0.05 <= factor <= 50:
        raise ValueError(f"--real-time-factor {factor:g}: must lie between 0.05 and 50")
    if on_robot and (judge != "person" or factor != 1 or any(d.is_expert for d in drivers)):
        raise ValueError(
            f"--robot {options.robot}: a person judges, in real time, and the expert can't drive"
        )
    for driver in drivers:
        _check_words(options, driver.words)
    if options.robot == BARE:
        _check_bare(options)
    block = options.block if options.block is not None else (1 if on_robot else _BLOCK)
    if block < 1:
        raise ValueError(f"--block {block}: must be at least 1")
    return Plan(
        drivers=drivers,
        labels=tuple(blind_labels(len(drivers), seed=options.seed)),
        specs=protocol.specs,
        time_limit_sec=protocol.time_limit_sec,
        block=block,
        seed=options.seed,
        robot=options.robot,
        judge=judge,
        real_time_factor=factor,
        graph=tuple(options.graph),
        wording=wording_of(protocol.specs, protocol.instructions),
        start_pose=protocol.start_pose,
    )


def _check_words(options: argparse.Namespace, words: Sequence[str]) -> None:
    """Raise ValueError if a driver's arguments are wrong: now, not in an hour."""
    if options.robot == BARE:
        BareSettings.from_words([*words, *options.graph])
        return
    given = [f"robot:={options.robot}", *words, *options.graph]
    try:
        graph = Graph.load(workspace_environment())
        graph.values(split(given, graph.arguments))
    except StartError as error:
        raise ValueError(str(error)) from None


def _check_bare(options: argparse.Namespace) -> None:
    """Raise ValueError if something is asked for that takes a graph."""
    asked = {
        "--record": options.record,
        "--judge person": options.judge == "person",
        "--real-time-factor": options.real_time_factor != 1,
    }
    named = [name for name, given in asked.items() if given]
    if named:
        raise ValueError(f"{named[0]} takes a graph: not with --robot {BARE}")
    if options.workers < 0:
        raise ValueError(f"--workers {options.workers}: must be at least 0")


def _listed(values: Sequence[int]) -> str:
    shown = ", ".join(str(value) for value in values[:5])
    return shown if len(values) <= 5 else f"{shown}, ..."


if __name__ == "__main__":
    sys.exit(main())
