"""Whether a checkpoint can drive with its settings, told before anything is started or written."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from dust_model.checkpoint import BACKBONE, HEAD, TOKENIZER, Checkpoint
from dust_model.config import ModelConfig
from dust_model.devices import usable
from dust_model.schedule import fitting_plan
from dust_model.shards import ShardedTensors
from dust_model.tokenizer import read_tokenizer
from dust_model.variants import build_head
from dust_model.weights import Shapes, build_empty, compare_names, shapes_of
from dust_perception.settings import Settings as PerceptionSettings
from dust_policy.settings import Settings as PolicySettings


def require_fit(
    perception: Mapping[str, Any], policy: Mapping[str, Any], *, cameras: Collection[str] = ()
) -> None:
    """Raise ValueError, one line, unless a policy can be made of these; weights are not read.

    Of the weights the names, shapes and lengths are compared with what the networks need: that
    takes no memory, however large they are.

    Args:
        perception: Parameters of dust_perception.
        policy: Parameters of dust_policy.
        cameras: Views that there are where no topics bring them; empty: those of the topics.
    """
    eyes = PerceptionSettings.from_values(perception)
    settings = PolicySettings.from_values(policy)
    for device in (eyes.device, settings.device):
        usable(device)
    checkpoint = Checkpoint.load(eyes.checkpoint)
    _require_views(checkpoint, eyes, cameras)
    _require_robot(checkpoint, settings)
    fitting_plan(checkpoint.config.head, settings.action_steps, settings.vision_steps)
    read_tokenizer(checkpoint.folder / TOKENIZER)
    for name, needed in _needed_shapes(checkpoint.config, checkpoint.robot.horizon).items():
        _require_weights(checkpoint.folder / name, needed)


def _require_views(
    checkpoint: Checkpoint, eyes: PerceptionSettings, cameras: Collection[str]
) -> None:
    views = checkpoint.robot.views
    if not cameras:
        eyes.topic_by_view(views)
        return
    missing = [view for view in views if view not in cameras]
    if missing:
        raise ValueError(
            f"{checkpoint.folder} sees by '{missing[0]}', but there are {', '.join(cameras)} only: "
            "give another checkpoint"
        )


def _require_robot(checkpoint: Checkpoint, settings: PolicySettings) -> None:
    try:
        checkpoint.require_robot(settings.robot(checkpoint.robot))
    except ValueError as error:
        raise ValueError(f"{error}: give another checkpoint") from None


def _require_weights(path: Path, needed: Shapes) -> None:
    try:
        found = ShardedTensors(path).shapes
    except ValueError as error:
        raise ValueError(f"{error}: copy the checkpoint anew") from None
    report = compare_names(needed, found)
    if not report.fits:
        raise ValueError(f"{path} does not fit its config.json: {report}")


@lru_cache(maxsize=4)  # a sweep over settings asks for the same ones again and again
def _needed_shapes(config: ModelConfig, horizon: int) -> dict[str, Shapes]:
    """Return the shapes of the networks' weights by the file that holds them."""
    # Imported here: it brings in transformers, seconds of start-up that others can spare.
    from dust_model.eagle import empty_eagle

    with torch.device("meta"):  # has shapes, but no memory
        eagle = build_empty(lambda: empty_eagle(config.vision_language))
        head = build_empty(lambda: build_head(config, horizon=horizon))
    return {BACKBONE: shapes_of(eagle.state_dict()), HEAD: shapes_of(head.state_dict())}
