"""`dust-check`: is a checkpoint fit for the robot, as far as demonstrations can tell?

dust-check out/run/best demos                       print what is found
dust-check out/run/best demos --held-out 0.05       only on episodes that dust-train kept apart
dust-check out/run/best demos --out out/check --card    write check.json, and into the model card
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dust_eval.card import CARD, with_section
from dust_eval.files import write_json, write_text
from dust_eval.offline.checks import CheckReport, run_checks
from dust_eval.offline.evidence import gather
from dust_eval.offline.finding import Verdict
from dust_eval.offline.moments import choose_moments

if TYPE_CHECKING:
    from dust_model.data.lerobot import LeRobotDataset


class RecordedNumbers:
    """States and actions of a LeRobot dataset; see dust_eval.offline.moments.Numbers."""

    def __init__(self, dataset: LeRobotDataset) -> None:
        self._episodes = dataset.recording.episodes

    def states(self, episode: int) -> NDArray[np.float64]:
        """Return the states of an episode [L, S]."""
        return self._episodes[episode].state.astype(np.float64)

    def actions(self, episode: int) -> NDArray[np.float64]:
        """Return the actions of an episode [L, A]."""
        return self._episodes[episode].action.astype(np.float64)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0, 1 if a check is bad, 2 for a mistake."""
    options = _parser().parse_args(arguments)
    try:
        report = _check(options)
        _write(options, report)
    except (ValueError, OSError) as error:
        print(f"dust-check: {error}", file=sys.stderr)
        return 2
    print(report.text())
    return 1 if report.verdict is Verdict.BAD else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "dust-check", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("checkpoint", type=Path, help="folder of the checkpoint")
    add("dataset", type=Path, help="folder of a LeRobot dataset, v2.1 or v3.0")
    add("--out", type=Path, help="folder for check.json and check.md")
    add("--card", action="store_true", help=f"put the result into the checkpoint's {CARD}")
    add("--moments", type=_number(4), default=64, help="moments of each kind (64)")
    add("--draws", type=_number(1), default=2, help="chunks drawn for each moment (2)")
    add("--shift", type=_number(1), default=4, help="periods between two chunks (4)")
    add("--action-steps", type=_number(1), default=4, help="denoising steps N_A (4)")
    add("--vision-steps", type=_number(0), default=4, help="denoising steps N_o (4)")
    add("--held-out", type=float, metavar="SHARE", help="only the episodes kept from training")
    add("--split-seed", type=int, default=0, help="seed of the training that kept them")
    add("--seed", type=int, default=0, help="decides which moments are looked at")
    add("--device", default="cpu", help="cpu or cuda")
    return parser


def _check(options: argparse.Namespace) -> CheckReport:
    # Imported here: torch takes seconds that --help can spare.
    from tqdm import tqdm

    from dust_eval.offline.checkpoint_predictor import CheckpointPredictor
    from dust_model.checkpoint import Checkpoint
    from dust_model.data.faults import OnFault
    from dust_model.data.lerobot import LeRobotDataset

    checkpoint = Checkpoint.load(options.checkpoint)
    robot = checkpoint.robot
    if options.shift >= robot.horizon:
        raise ValueError(f"--shift {options.shift}: a chunk has {robot.horizon} actions only")
    dataset = LeRobotDataset.open(options.dataset, robot, on_fault=OnFault.SKIP, future=False)
    for fault in dataset.left_out:
        print(f"dust-check: {fault}", file=sys.stderr)
    if options.held_out is not None:
        _, dataset = dataset.split(options.held_out, seed=options.split_seed)
    moments = choose_moments(
        dataset,
        RecordedNumbers(dataset),
        horizon=robot.horizon,
        stride=dataset.window.stride,
        count=options.moments,
        shift=options.shift,
        seed=options.seed,
    )
    predictor = CheckpointPredictor(
        checkpoint,
        action_steps=options.action_steps,
        vision_steps=options.vision_steps,
        device=options.device,
    )
    evidence = gather(
        predictor,
        moments,
        period=robot.period,
        joint_names=robot.joint_names,
        draws=options.draws,
    )

    def bar(checks: Sequence[Any]) -> Any:
        return tqdm(checks, unit="check", file=sys.stderr, disable=not sys.stderr.isatty())

    return CheckReport(
        checkpoint=str(options.checkpoint),
        dataset=str(options.dataset),
        settings={
            "moments": len(moments.spread),
            "starts": len(moments.starts),
            "gripper_changes": len(moments.grips),
            "draws": options.draws,
            "action_steps": options.action_steps,
            "vision_steps": options.vision_steps,
        },
        findings=run_checks(evidence, wrap=bar),
    )


def _write(options: argparse.Namespace, report: CheckReport) -> None:
    if options.out is not None:
        write_json(options.out / "check.json", report.to_values())
        write_text(options.out / "check.md", report.markdown())
    if options.card:
        path = options.checkpoint / CARD
        card = path.read_text(encoding="utf-8") if path.is_file() else ""
        write_text(path, with_section(card, report.markdown()))


def _number(low: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        value = int(text)
        if value < low:
            raise argparse.ArgumentTypeError(f"{text}: must be at least {low}")
        return value

    return parse


if __name__ == "__main__":
    sys.exit(main())
