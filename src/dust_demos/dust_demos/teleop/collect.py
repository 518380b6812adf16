"""Program: show tasks to the simulated arm by keyboard, and record them (make collect).

Starts cell, executor, teleoperation and recorder, turns this terminal into the joystick, and at the
end says what was recorded. Further words go to the graph, such as viewer:=off.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import rclpy
from rclpy.context import Context
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from dust_demos.recording.facts import EpisodeFacts
from dust_demos.recording.stored_facts import facts_in_yaml
from dust_demos.teleop.keyboard import drive
from dust_demos.teleop.scenes import Scene, parse_scenes
from dust_demos.teleop.terminal import Terminal
from dust_eval.graph import last_lines, running_graph
from dust_node.interrupts import interruptible
from dust_start.domain import claimed_domain

SCENES = """box_to_bowl blue_cube 1000..1014, box_to_plate sponge 1000..1014,
basket_to_bowl teddy_bear 1000..1014, plate_to_basket blue_cup 1000..1014"""
"""What is shown, unless somebody says otherwise: the paper's tasks, 15 times each."""

NODES = ("dust_sim", "dust_executor", "dust_recorder", "dust_teleop")

READY_SEC = 120.0
"""Longest time until the graph is up; the first start prepares the robot model. Unit: s."""


class GraphError(RuntimeError):
    """The graph did not come up, or ended by itself."""


def remaining(scenes: Sequence[Scene], out: Path) -> list[Scene]:
    """Return the scenes of which the folder has no good episode yet."""
    shown = {
        folder.name.split("-", 3)[-1]
        for folder, facts in recorded(out)
        if facts.is_good and facts.outcome == "success"
    }
    return [scene for scene in scenes if scene.name not in shown]


def recorded(out: Path) -> list[tuple[Path, EpisodeFacts]]:
    """Return folder and facts of every episode in a folder, the oldest first."""
    found = []
    for metadata in sorted(out.glob("*/metadata.yaml")):
        facts = facts_in_yaml(metadata)
        if facts is not None:
            found.append((metadata.parent, facts))
    return found


def summary(rows: Sequence[tuple[Path, EpisodeFacts]], out: Path) -> str:
    """Return what was recorded, in lines."""
    lines = []
    for folder, facts in rows:
        count = len(facts.faults)
        faults = f"{count} faults, the first: {facts.faults[0].text}" if count else ""
        seconds = max(0, facts.end_ns - facts.start_ns) * 1e-9
        lines.append(
            f"  {folder.name}  {facts.outcome:<9} {seconds:6.1f} s  {faults or 'no faults'}"
        )
    good = sum(facts.is_good and facts.outcome == "success" for _, facts in rows)
    return "\n".join([*lines, f"{len(rows)} recorded, {good} of them good successes, in {out}"])


def wait_ready(
    context: Context, *, alive: Callable[[], bool], timeout_sec: float = READY_SEC
) -> None:
    """Wait until every node of the graph is there.

    Args:
        context: ROS context in the graph's domain.
        alive: Whether the graph still runs.
        timeout_sec: Longest wait. Unit: s.

    Raises:
        GraphError: Names the nodes that did not come up.
    """
    node = Node("dust_collect", context=context)
    deadline = time.monotonic() + timeout_sec
    try:
        while missing := sorted(set(NODES) - set(node.get_node_names())):
            if not alive():
                raise GraphError("the graph ended at its start")
            if time.monotonic() > deadline:
                raise GraphError(f"did not come up: {', '.join(missing)}")
            time.sleep(0.1)
    finally:
        node.destroy_node()


def run(terminal: Terminal, words: Sequence[str], *, log: Path) -> None:
    """Run the graph and drive until the operator ends it.

    Raises:
        GraphError: The graph did not come up, or ended by itself.
    """
    context = Context()
    with claimed_domain() as domain_id, running_graph(words, log=log, domain_id=domain_id) as graph:
        rclpy.init(
            args=[],
            context=context,
            domain_id=domain_id,
            signal_handler_options=SignalHandlerOptions.NO,
        )
        try:
            print(f"starting the cell in ROS_DOMAIN_ID={domain_id}, log in {log}", flush=True)
            wait_ready(context, alive=lambda: graph.poll() is None)
            if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
                print("no display here: watch the camera topics elsewhere in that domain")
            with terminal:
                drive(terminal, context=context, alive=lambda: graph.poll() is None)
        finally:
            rclpy.try_shutdown(context=context)
        if graph.poll() is not None:
            raise GraphError("the graph ended by itself")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, default=Path("out/teleop"), help="folder for the bags")
    parser.add_argument("--scenes", default=SCENES, help="as in config/teleop.yaml")
    parser.add_argument("--operator", default="", help="your name; else the login name")
    parser.add_argument("words", nargs="*", help="further arguments of the graph, name:=value")
    options = parser.parse_args(arguments)
    out = options.out.resolve()
    try:
        scenes = remaining(parse_scenes(options.scenes), out)
        if not scenes:
            raise ValueError(f"every scene has a good episode in {out}: name others by --scenes")
        terminal = Terminal()
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    words = [
        *("robot:=sim", "teleop:=keyboard", "viewer:=auto", "outcome:=oracle"),
        *(f"record:={out}", f"scenes:={', '.join(scene.text for scene in scenes)}"),
        *(f"operator:={options.operator}", *options.words),
    ]
    before = {folder for folder, _ in recorded(out)}
    log, code = out / "graph.log", 0
    try:
        with interruptible():
            run(terminal, words, log=log)
    except GraphError as error:
        print(f"error: {error}; its log ends:\n{last_lines(log)}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        pass
    print(summary([row for row in recorded(out) if row[0] not in before], out))
    return code


if __name__ == "__main__":
    sys.exit(main())
