"""Node `dust_rehearse`: plays a recorded bag through perception, policy and executor."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from tqdm import tqdm

from dust_node.errors import UserError
from dust_node.interrupts import interruptible
from dust_node.parameters import declare
from dust_node.params_file import check_params_files
from dust_view.rehearsal import report
from dust_view.rehearsal.parameters import PARAMETERS
from dust_view.rehearsal.player import Player, SilenceError
from dust_view.rehearsal.recording import Recording
from dust_view.rehearsal.rehearsal import Choices, Rehearsal, settle_instruction
from dust_view.rehearsal.score import Score, score
from dust_view.trajectory import NS

FAILED, MISTAKE, INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Rehearse, print the table, write the report.

    Returns:
        Exit code: 0; 1 when the rehearsal failed (limits, seams, a stop, nothing accepted); 2 after
        a mistake or when a node does not answer; 130 after Ctrl-C.
    """
    words = list(sys.argv if arguments is None else arguments)
    try:
        with interruptible():
            check_params_files(words)
            return _main(words)
    except (UserError, SilenceError, ValueError, OSError) as error:
        print(f"error: {_one_line(error)}", file=sys.stderr, flush=True)
        return MISTAKE
    except (KeyboardInterrupt, ExternalShutdownException):
        return INTERRUPTED
    finally:
        rclpy.try_shutdown()


def _main(words: list[str]) -> int:
    rclpy.init(args=words, signal_handler_options=SignalHandlerOptions.NO)
    node = Node("dust_rehearse")
    executor = SingleThreadedExecutor()
    try:
        values: Mapping[str, Any] = declare(node, PARAMETERS)
        executor.add_node(node)
        with _open(values) as recording:
            return _rehearse(node, executor, recording, values)
    finally:
        executor.shutdown()
        node.destroy_node()


def _open(values: Mapping[str, Any]) -> Recording:
    if not values["bag"]:
        raise UserError("parameter 'bag' is empty: give a recorded episode, bag:=FOLDER")
    if len(values["views"]) != len(values["image_topics"]):
        raise UserError("parameters 'views' and 'image_topics' must have as many entries")
    return Recording.open(
        Path(values["bag"]),
        image_topics=dict(zip(values["views"], values["image_topics"], strict=True)),
        joint_names=values["joint_names"],
        start=values["start"],
        duration=values["duration"],
    )


def _rehearse(
    node: Node, executor: SingleThreadedExecutor, recording: Recording, values: Mapping[str, Any]
) -> int:
    choices = Choices(
        instruction=settle_instruction(values["instruction"], recording),
        joint_names=tuple(values["joint_names"]),
        latency_ns=round(values["latency"] * NS),
        startup=values["startup"],
        patience=values["patience"],
    )
    topics = dict(zip(values["views"], values["image_topics"], strict=True))
    player = Player(node, executor, image_topics=topics)
    try:
        rehearsal = Rehearsal(player, recording, choices)
        node.get_logger().info(f"rehearsing '{choices.instruction}': {len(recording.sets)} sets")
        with tqdm(total=len(recording.sets), unit="set", disable=not sys.stderr.isatty()) as bar:
            rehearsal.run(progress=bar.update)
    finally:
        player.close()
    found = score(rehearsal.arm, rehearsal.notes, recording.commands)
    _tell(found, rehearsal, values, choices)
    return FAILED if found.problems else 0


def _tell(found: Score, rehearsal: Rehearsal, values: Mapping[str, Any], choices: Choices) -> None:
    print(report.table(found), flush=True)
    if not values["out"]:
        return
    setting = {
        "bag": str(Path(values["bag"]).resolve().name),
        "instruction": choices.instruction,
        "latency_s": values["latency"],
        "start_s": values["start"],
        "duration_s": values["duration"],
    }
    folder = Path(values["out"])
    report.save(folder, report.to_dict(found, setting), rehearsal.arm)
    print(f"report: {folder / report.JSON_NAME}", flush=True)


def _one_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())
