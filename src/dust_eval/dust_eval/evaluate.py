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
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from dust_eval.asked import BARE, BLOCK, FR3, SIM, begin, resume
from dust_eval.bare.evaluation import BareEvaluation
from dust_eval.bench_arguments import out_folder
from dust_eval.evaluation import Evaluation
from dust_eval.person import LeaveError, Person
from dust_eval.protocol import Protocol
from dust_eval.report import write_report
from dust_eval.run_folder import RunFolder, claimed
from dust_eval.table import text_report
from dust_eval.task_client import GraphError
from dust_node.interrupts import interruptible


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0, 1 a broken graph, 2 a mistake, 130 interrupted."""
    options = _parser().parse_args(arguments)
    with ExitStack() as stack:
        try:
            folder, protocol = _open(options, stack)
        except (ValueError, OSError) as error:
            print(f"dust-eval: {error}", file=sys.stderr)
            return 2
        for note in _notes(folder, protocol):
            print(f"note: {note}", file=sys.stderr)
        code = _evaluate(options, folder, protocol)
        return _report(folder, unblind=options.unblind) or code


def _open(options: argparse.Namespace, stack: ExitStack) -> tuple[RunFolder, Protocol]:
    """Return the evaluation, which is this program's alone while the stack is open."""
    if options.resume:
        stack.enter_context(claimed(options.out))
        return resume(options)
    folder, protocol = begin(options)
    stack.enter_context(claimed(options.out))
    return folder, protocol


def _report(folder: RunFolder, *, unblind: bool) -> int:
    """Write and show the report; return the exit code."""
    try:
        summary = write_report(folder, unblind=unblind)
    except OSError as error:
        print(f"dust-eval: the report can't be written: {error}", file=sys.stderr)
        return 1
    if summary is not None:
        print(f"{text_report(summary)}\n\n{folder.root}: results.json, table.md, plots, trials")
    return 0


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
    except OSError as error:
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
        return BareEvaluation(folder, workers=options.workers or 0)
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
    add("--out", type=out_folder, required=True, help="folder for the results")
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
        choices=(SIM, BARE, FR3),
        help="sim (default): the simulated cell in a graph; bare: cell, executor and policy in one "
        "process without ROS's graph, as fast as the processor allows (latency=SECONDS is an "
        "argument then); fr3: a person judges",
    )
    add("--judge", choices=("oracle", "person"), help="who says what came of a trial")
    add("--block", type=int, help=f"trials before the next driver's turn (default: {BLOCK}, fr3 1)")
    add("--seed", type=int, help="decides the order of the drivers")
    add(
        "--real-time-factor", type=float, metavar="R", help="cell's time per wall time (default: 1)"
    )
    add("--workers", type=int, help="bare: processes (default: one for each core)")
    add("--record", action="store_true", help="record a bag of every trial")
    add("--no-film", dest="film", action="store_false", help="keep no film strips")
    add("--unblind", action="store_true", help="name the drivers although trials are left")
    add("--graph", nargs="+", default=[], metavar="NAME:=VALUE", help="arguments of the graph")
    return parser


def _listed(values: Sequence[int]) -> str:
    shown = ", ".join(str(value) for value in values[:5])
    return shown if len(values) <= 5 else f"{shown}, ..."


if __name__ == "__main__":
    sys.exit(main())
