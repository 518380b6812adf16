"""`dust-calibrate-surprise`: from bags of good runs to the threshold of surprise.

    dust-calibrate-surprise out/trials/bags/* --checkpoint out/train/best -o surprise.json
    ... dust_policy: surprise.calibration:=surprise.json surprise.action:=pause

The bags hold the topic `surprise`, which the policy publishes whatever surprise.action is. Runs
that went wrong must not be among them. Each number of denoising steps gets a threshold of its own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dust_policy.calibration import Thresholds, calibrate

TYPE = "dust_msgs/msg/Surprise"

Scores = list[tuple[int, float]]
"""Vision steps and score of each comparison."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0, or 2 for a mistake."""
    options = _parser().parse_args(arguments)
    try:
        scores = read_scores(options.bags)
        thresholds = calibrate(
            scores,
            quantile=options.quantile,
            margin=options.margin,
            checkpoint=_fingerprint(options.checkpoint),
        )
        thresholds.save(options.output)
    except (ValueError, OSError) as error:
        print(f"dust-calibrate-surprise: {error}", file=sys.stderr)
        return 2
    _print(scores, thresholds, options.output)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "dust-calibrate-surprise", description="Set the threshold of surprise by good runs."
    )
    parser.add_argument(
        "bags", nargs="+", type=Path, help="rosbag2 folders of good runs, or folders of such"
    )
    parser.add_argument(
        "--checkpoint", help="folder of the checkpoint that ran; else the file fits any"
    )
    parser.add_argument(
        "--quantile",
        type=_between(0.5, 1.0),
        default=0.995,
        help="share of the scores that stays below, before the margin (0.5 to 1; 0.995)",
    )
    parser.add_argument(
        "--margin",
        type=_between(1.0, 10.0),
        default=1.1,
        help="factor on top (1 to 10; 1.1)",
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("surprise.json"))
    return parser


def _between(low: float, high: float) -> Callable[[str], float]:
    """Return what parses a number between two others."""

    def number(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is not between {low:g} and {high:g}")
        return value

    return number


def read_scores(paths: Sequence[Path]) -> Scores:
    """Return the scores of bags.

    Raises:
        ValueError: A path is no bag, or none of the bags holds scores.
    """
    scores = [score for path in paths for bag in _bags(path) for score in _read(bag)]
    if not scores:
        raise ValueError(
            "the bags hold no scores: record the topic surprise, of a policy with vision_steps "
            "above 0"
        )
    return scores


def _bags(path: Path) -> list[Path]:
    """Return a bag, or the bags in a folder."""
    if (path / "metadata.yaml").is_file():
        return [path]
    found = sorted(file.parent for file in path.glob("*/metadata.yaml"))
    if not found:
        raise ValueError(f"{path} is no rosbag2 folder and holds none: metadata.yaml is missing")
    return found


def _read(bag: Path) -> Iterator[tuple[int, float]]:
    try:
        from rosbags.highlevel import AnyReader, AnyReaderError
        from rosbags.rosbag2 import ReaderError
    except ImportError:
        raise ValueError("bags need the package rosbags: pip install rosbags") from None
    try:
        with AnyReader([bag]) as reader:
            connections = [link for link in reader.connections if link.msgtype == TYPE]
            # Without a topic to choose, it would give all messages.
            for link, _, data in reader.messages(connections) if connections else ():
                message: Any = reader.deserialize(data, link.msgtype)
                if np.isfinite(message.score):
                    yield int(message.vision_steps), float(message.score)
    except (AnyReaderError, ReaderError) as error:
        raise ValueError(f"{bag} can't be read: {error}") from None


def _fingerprint(checkpoint: str | None) -> str:
    if checkpoint is None:
        return ""
    # Imported here: torch takes seconds that a mistake in the bags can spare.
    from dust_model.checkpoint import Checkpoint

    return Checkpoint.load(checkpoint).fingerprint


def _print(scores: Scores, thresholds: Thresholds, output: Path) -> None:
    print(f"{'N_o':>5} {'scores':>7} {'median':>8} {'largest':>8} {'threshold':>10}")
    for steps in sorted({steps for steps, _ in scores}):
        values = [score for other, score in scores if other == steps]
        threshold = thresholds.by_steps.get(steps)
        shown = "too few" if threshold is None else f"{threshold:.4f}"
        print(
            f"{steps:>5} {len(values):>7} {np.median(values):>8.4f} {max(values):>8.4f} {shown:>10}"
        )
    print(f"wrote {output}: give it to dust_policy as surprise.calibration")


if __name__ == "__main__":
    sys.exit(main())
