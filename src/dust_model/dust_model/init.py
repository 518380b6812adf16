"""`dust-init`: write an untrained checkpoint, to start training from or to try the graph with.

    dust-init OUT --size tiny --seed 0
    dust-init OUT --size tiny --architecture flare
    dust-init OUT --size n1 --nvidia nvidia/GR00T-N1-2B TOKENIZER

The last one takes the vision-language part from NVIDIA's weights; only the head is untrained.

Its statistics cover the FR3's home pose +-0.1 rad and the whole gripper range, so whatever the
untrained head says stays there.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from tokenizers import Tokenizer

from dust_model.checkpoint import DTYPES, Checkpoint, require_free
from dust_model.config import SIZES, Architecture, ModelConfig
from dust_model.nvidia import NvidiaWeights
from dust_model.robot import RobotSpec
from dust_model.statistics import ChannelStatistics, ColumnStatistics, Scaling, Statistics
from dust_model.tokenizer import build_tokenizer, read_tokenizer
from dust_model.variants import build_head

if TYPE_CHECKING:
    from dust_model.eagle import Eagle

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


class Pretrained(NamedTuple):
    """A trained vision-language part to begin with.

    Attributes:
        weights: NVIDIA's GR00T-N1-2B, a folder or a name on the hub.
        tokenizer: what belongs to its Eagle-2, a file or a folder, see `read_tokenizer`.
    """

    weights: str | Path
    tokenizer: Path


def write_untrained(
    path: str | Path,
    config: ModelConfig,
    *,
    seed: int = 0,
    dtype: str = "bfloat16",
    language: Pretrained | None = None,
) -> Checkpoint:
    """Write an untrained checkpoint of the FR3; the same seed always gives the same weights.

    Args:
        path: folder to write.
        config: sizes and choices.
        seed: of the weights.
        dtype: type of the stored weights.
        language: vision-language part to take; None makes that untrained too.

    Raises:
        ValueError: `path` exists already, or `language` can't be read or does not fit `config`.
    """
    require_free(Path(path).expanduser())
    robot = RobotSpec()
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        eagle, tokenizer = _language_part(config, language)
        head = build_head(config, horizon=robot.horizon)
    return Checkpoint.save(
        path,
        eagle=eagle,
        head=head,
        tokenizer=tokenizer,
        robot=robot,
        statistics=home_statistics(config.vision_language.vision_width),
        dtype=dtype,
    )


def _language_part(config: ModelConfig, language: Pretrained | None) -> tuple[Eagle, Tokenizer]:
    if language is not None:
        tokenizer = read_tokenizer(language.tokenizer)
        return NvidiaWeights.open(language.weights, config).backbone(), tokenizer
    # Imported here: it brings in transformers, seconds that --help and a refusal can spare.
    from dust_model.eagle import Eagle

    return Eagle(config.vision_language), build_tokenizer(config.vision_language)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser("dust-init", description="Write an untrained checkpoint.")
    parser.add_argument("out", type=Path, help="folder to write; must not exist")
    parser.add_argument("--size", choices=SIZES, default="tiny", help="default: %(default)s")
    parser.add_argument(
        "--architecture", choices=list(Architecture), default="dust", help="default: %(default)s"
    )
    parser.add_argument(
        "--nvidia",
        nargs=2,
        metavar=("WEIGHTS", "TOKENIZER"),
        help="take the vision-language part from GR00T-N1-2B, a folder or a name on the hub, "
        "and the tokenizer of its Eagle-2: a tokenizer.json, or the folder eagle2_hg_model",
    )
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument(
        "--dtype", choices=DTYPES, default="bfloat16", help="of stored weights; %(default)s"
    )
    options = parser.parse_args(arguments)
    try:
        checkpoint = write_untrained(
            options.out,
            SIZES[options.size].variant(Architecture(options.architecture)),
            seed=options.seed,
            dtype=options.dtype,
            language=Pretrained(options.nvidia[0], Path(options.nvidia[1]))
            if options.nvidia
            else None,
        )
    except (ValueError, OSError) as error:
        print(f"dust-init: {error}", file=sys.stderr)
        return 2
    print(f"{checkpoint.folder}: untrained {options.size} model, {checkpoint.fingerprint}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
