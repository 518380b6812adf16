"""`dust-init`: write an untrained checkpoint, to start training from or to try the graph with.

    dust-init OUT --size tiny --seed 0

Its statistics cover the FR3's home pose +-0.1 rad and the whole gripper range, so whatever the
untrained head says stays there.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from dust_model.checkpoint import DTYPES, Checkpoint, require_free
from dust_model.config import SIZES, ModelConfig
from dust_model.head import DualStreamHead
from dust_model.robot import RobotSpec
from dust_model.statistics import ChannelStatistics, ColumnStatistics, Scaling, Statistics
from dust_model.tokenizer import build_tokenizer

HOME = (0.0, -math.pi / 4, 0.0, -3 * math.pi / 4, 0.0, math.pi / 2, math.pi / 4)
"""The FR3's home pose in rad."""

REACH = 0.1
"""How far the statistics of an untrained checkpoint reach to each side of home, in rad."""


def home_statistics(vision_width: int) -> Statistics:
    """Return statistics of home +-REACH and a gripper from 0 to 1; embeddings N(0, 1)."""
    low = (*(angle - REACH for angle in HOME), 0.0)
    high = (*(angle + REACH for angle in HOME), 1.0)
    columns = ColumnStatistics(
        scaling=(Scaling.MIN_MAX,) * len(low),
        mean=(*HOME, 0.5),
        # The deviation of a uniform distribution over the range.
        std=tuple((h - b) / math.sqrt(12) for b, h in zip(low, high, strict=True)),
        min=low,
        max=high,
        q01=low,
        q99=high,
    )
    channels = ChannelStatistics(mean=(0.0,) * vision_width, std=(1.0,) * vision_width)
    return Statistics(state=columns, action=columns, embedding=channels)


def write_untrained(
    path: str | Path, config: ModelConfig, *, seed: int = 0, dtype: str = "bfloat16"
) -> Checkpoint:
    """Write an untrained checkpoint of the FR3; the same seed always gives the same weights.

    Raises:
        ValueError: `path` exists already.
    """
    require_free(Path(path).expanduser())
    # Imported here: it brings in transformers, seconds that --help and a refusal can spare.
    from dust_model.eagle import Eagle

    robot = RobotSpec()
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        eagle = Eagle(config.vision_language)
        head = DualStreamHead(config, horizon=robot.horizon)
    return Checkpoint.save(
        path,
        eagle=eagle,
        head=head,
        tokenizer=build_tokenizer(config.vision_language),
        robot=robot,
        statistics=home_statistics(config.vision_language.vision_width),
        dtype=dtype,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser("dust-init", description="Write an untrained checkpoint.")
    parser.add_argument("out", type=Path, help="folder to write; must not exist")
    parser.add_argument("--size", choices=SIZES, default="tiny", help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument(
        "--dtype", choices=DTYPES, default="bfloat16", help="of stored weights; %(default)s"
    )
    options = parser.parse_args(arguments)
    try:
        checkpoint = write_untrained(
            options.out, SIZES[options.size], seed=options.seed, dtype=options.dtype
        )
    except (ValueError, OSError) as error:
        print(f"dust-init: {error}", file=sys.stderr)
        return 2
    print(f"{checkpoint.folder}: untrained {options.size} model, {checkpoint.fingerprint}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
