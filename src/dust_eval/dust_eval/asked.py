"""What the command line of `dust-eval` asks for: a new evaluation, or to go on with one.

Whatever can be known to be wrong is told before a folder is made or a node started. Of an option
that is not given `argparse` has None or nothing: so it is known what a user has said beside
--resume, and that is never passed over.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator, Sequence

from dust_eval.bare.settings import BareSettings
from dust_eval.driver import Driver, parse_drivers, require_unchanged
from dust_eval.graph import LAUNCHER, program_path
from dust_eval.graph_check import OWN, require_effect, require_free, require_graph
from dust_eval.protocol import Protocol, load_protocol
from dust_eval.run_folder import Plan, RunFolder, wording_of
from dust_eval.schedule import blind_labels
from dust_sim.fr3 import HOME
from dust_sim.placement import place
from dust_start import index
from dust_start.environment import workspace_environment

SIM, BARE, FR3 = "sim", "bare", "fr3"
"""Kinds of robot: the cell with a graph, the cell without one, an arm."""

BLOCK = 6
"""Trials of a driver in a row: one object of one task, for the time that a change takes."""

_START_TOLERANCE = 1e-3  # rad, of a protocol's start pose

_OWN = {
    **OWN,
    "robot": "--robot",
    "use_sim_time": "--real-time-factor",
    "real_time_factor": "--real-time-factor",
    "record": "--record",
}


def begin(options: argparse.Namespace) -> tuple[RunFolder, Protocol]:
    """Make the folder of an evaluation; return it with its protocol.

    Raises:
        ValueError: Something is wrong with what is asked for; nothing has been made.
        OSError: The folder can't be written, or ROS 2's launcher is missing.
    """
    protocol = _load(options).only(
        tasks=options.tasks, objects=options.objects, seeds=options.seeds
    )
    plan = _plan(options, protocol)
    _require_sense(options, plan)
    _require_new(plan)
    _require_drivable(plan)
    return RunFolder.create(options.out, plan), protocol


def resume(options: argparse.Namespace) -> tuple[RunFolder, Protocol]:
    """Open an evaluation that is to be gone on with; return it with the protocol it began with.

    Raises:
        ValueError: There is none, it can't go on, or it was begun with something else than what
            is given.
        OSError: As of `begin`.
    """
    folder = RunFolder.open(options.out)
    plan, kept = folder.plan, folder.plan.protocol
    given = kept if kept is not None and options.protocol is None else _load(options)
    if options.protocol is not None:
        folder.require_same(plan.under(given))
    _require_begun_so(options, folder)
    _require_sense(options, plan)
    require_unchanged(plan.drivers)
    protocol = kept if kept is not None else _stand_in(folder, given)
    if folder.remaining():
        _require_drivable(plan)
    return folder, protocol


def _load(options: argparse.Namespace) -> Protocol:
    path = options.protocol
    if path is None:
        share = index.share_of("dust_bringup", workspace_environment())
        if share is None:
            raise ValueError("dust_bringup is not installed: name a file with --protocol")
        path = share / "config" / "protocol.yaml"
    return load_protocol(path)


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


def _plan(options: argparse.Namespace, protocol: Protocol) -> Plan:
    drivers = parse_drivers(options.checkpoint)
    robot = options.robot or SIM
    judge = options.judge or ("person" if robot == FR3 else "oracle")
    factor = 1.0 if options.real_time_factor is None else options.real_time_factor
    if not 0.05 <= factor <= 50:
        raise ValueError(f"--real-time-factor {factor:g}: must lie between 0.05 and 50")
    if robot == FR3 and (judge != "person" or factor != 1 or any(d.is_expert for d in drivers)):
        raise ValueError(
            f"--robot {robot}: a person judges, in real time, and the expert can't drive"
        )
    if robot == BARE and (judge == "person" or factor != 1):
        named = "--judge person" if judge == "person" else "--real-time-factor"
        raise ValueError(f"{named} takes a graph: not with --robot {BARE}")
    block = options.block if options.block is not None else (1 if robot == FR3 else BLOCK)
    seed = options.seed or 0
    if block < 1:
        raise ValueError(f"--block {block}: must be at least 1")
    if seed < 0:
        raise ValueError(f"--seed {seed}: must be at least 0")
    return Plan(
        drivers=drivers,
        labels=tuple(blind_labels(len(drivers), seed=seed)),
        specs=protocol.specs,
        time_limit_sec=protocol.time_limit_sec,
        block=block,
        seed=seed,
        robot=robot,
        judge=judge,
        real_time_factor=factor,
        graph=tuple(options.graph),
        wording=wording_of(protocol.specs, protocol.instructions),
        start_pose=protocol.start_pose,
    )


def _require_sense(options: argparse.Namespace, plan: Plan) -> None:
    """Raise ValueError if something is asked for that this kind of robot does not have."""
    if plan.robot == BARE and options.record:
        raise ValueError(f"--record takes a graph: not with --robot {BARE}")
    if options.workers is None:
        return
    if plan.robot != BARE:
        raise ValueError(f"--workers {options.workers}: only --robot {BARE} has some; leave it out")
    if options.workers < 0:
        raise ValueError(f"--workers {options.workers}: must be at least 0")


def _require_drivable(plan: Plan) -> None:
    """Raise ValueError if one of the drivers can't drive: now, not in an hour."""
    for driver in plan.drivers:
        given = [*plan.graph, *driver.arguments]
        if plan.robot == BARE:
            BareSettings.from_words([*driver.seat, *given])
        else:
            require_graph([*_ours(plan, driver), *given])
    if plan.robot == FR3:
        program_path(LAUNCHER)


def _require_new(plan: Plan) -> None:
    """Raise ValueError if something in a new plan would be passed over, or can't be done.

    One that was begun already goes on as it was begun.
    """
    for driver in plan.drivers:
        given = [*plan.graph, *driver.arguments]
        require_free(given, _OWN)
        if plan.robot != BARE:
            require_effect(_ours(plan, driver), given)
    if plan.robot != FR3:
        _require_cell(plan)


def _ours(plan: Plan, driver: Driver) -> list[str]:
    """Return the arguments of the graph that follow from who drives what."""
    # On a robot only the half that drives is started by us.
    half = ["machine:=gpu"] if plan.robot == FR3 else []
    return [f"robot:={plan.robot}", *half, *driver.seat]


def _require_cell(plan: Plan) -> None:
    """Raise ValueError unless the simulated cell can set up every trial and tells it likewise."""
    protocol = plan.protocol
    for spec in plan.specs:
        try:
            placed = place(spec.task, spec.object_name, spec.seed, distractors=spec.distractors)
        except ValueError as error:
            raise ValueError(f"the simulated cell has no trial {spec.name}: {error}") from None
        if protocol is not None and protocol.instruction(spec) != placed.instruction:
            raise ValueError(
                f"the simulated cell tells the arm '{placed.instruction}', not "
                f"'{protocol.instruction(spec)}': take its words into the protocol"
            )
    pairs = zip(plan.start_pose, HOME, strict=False)
    if any(abs(asked - is_at) > _START_TOLERANCE for asked, is_at in pairs):
        pose = ", ".join(f"{angle:.7g}" for angle in HOME)
        raise ValueError(f"the simulated arm's start_pose is [{pose}]: take it into the protocol")


def _require_begun_so(options: argparse.Namespace, folder: RunFolder) -> None:
    """Raise ValueError, naming both, if the evaluation was begun with something else."""
    for option, begun, given in _given(options, folder.plan):
        if begun == given:
            continue
        if len(begun) == len(given):
            pairs = zip(begun, given, strict=True)
            begun, given = ([text] for text in next(pair for pair in pairs if pair[0] != pair[1]))
        raise ValueError(
            f"{folder.root} was begun with {option} {' '.join(begun) or '(none)'}, not "
            f"{' '.join(given)}: leave {option} out, or give another --out"
        )


def _given(
    options: argparse.Namespace, plan: Plan
) -> Iterator[tuple[str, Sequence[str], Sequence[str]]]:
    """Yield each option that is given, what the plan has for it, and what is given."""
    if options.checkpoint:
        drivers = parse_drivers(options.checkpoint)
        yield "--checkpoint", [str(d) for d in plan.drivers], [str(d) for d in drivers]
    for option, asked, has in (
        ("--tasks", options.tasks, [spec.task for spec in plan.specs]),
        ("--objects", options.objects, [spec.object_name for spec in plan.specs]),
        ("--seeds", options.seeds, [str(spec.seed) for spec in plan.specs]),
    ):
        if asked:
            begun, given = list(dict.fromkeys(has)), [str(value) for value in asked]
            # In which order they are named does not matter.
            yield option, begun, sorted(given, key=lambda text: _place(begun, text))
    for option, value, mine in (
        ("--robot", options.robot, plan.robot),
        ("--judge", options.judge, plan.judge),
        ("--block", options.block, plan.block),
        ("--seed", options.seed, plan.seed),
        ("--real-time-factor", options.real_time_factor, plan.real_time_factor),
    ):
        if value is not None:
            yield option, [f"{mine}"], [f"{value}"]
    if options.graph:
        yield "--graph", plan.graph, tuple(options.graph)


def _place(known: Sequence[str], text: str) -> int:
    return known.index(text) if text in known else len(known)
