"""NVIDIA's weights for our modules: names, strict loading, a report.

| theirs                                          | ours                                    |
|-------------------------------------------------|-----------------------------------------|
| backbone.model.vision_model.vision_model.*      | Eagle: model.vision_tower.*             |
| backbone.model.mlp1.{0,1,3}.*                   | model.multi_modal_projector.*           |
| backbone.model.language_model.model.*           | model.language_model.*                  |
| backbone.linear.*                               | projection.*                            |
| action_head.model.transformer_blocks.N.*        | SingleStreamHead: trunk.blocks.N.*      |
| action_head.{state,action}_encoder.* and others | action_codec.*                          |

That is GR00T-N1-2B. GR00T-N1.5 writes backbone.eagle_model for backbone.model, and the stand-alone
Eagle2 models nothing; both lack the projection, which then starts untrained.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import nn

from dust_model.config import GROOT_N1_2B, Architecture, ModelConfig, Positions, require
from dust_model.head import Head
from dust_model.hub import find_folder
from dust_model.shards import PATTERNS, ShardedTensors
from dust_model.variants import build_head
from dust_model.weights import (
    LoadReport,
    Shapes,
    build_empty,
    compare_names,
    give_weights,
    shapes_of,
)

if TYPE_CHECKING:
    from dust_model.eagle import Eagle

M = TypeVar("M", bound=nn.Module)

Names = dict[str, str]
"""Our name of a weight -> NVIDIA's."""

ACTION_HEAD = "action_head."

# transformers 4 has the SigLIP tower's weights one level deeper than transformers 5: probed.
_BACKBONE_NAMES = (
    (r"model\.vision_tower\.(?:vision_model\.)?(.+)", r"vision_model.vision_model.\1"),
    (r"model\.multi_modal_projector\.layer_norm\.(.+)", r"mlp1.0.\1"),
    (r"model\.multi_modal_projector\.linear_1\.(.+)", r"mlp1.1.\1"),
    (r"model\.multi_modal_projector\.linear_2\.(.+)", r"mlp1.3.\1"),
    (r"model\.multi_modal_projector\.(.+)", r"mlp1.0.\1"),
    (r"model\.language_model\.(.+)", r"language_model.model.\1"),
)
_PROJECTION = "projection."
_BLOCK = r"trunk\.blocks\.(\d+)\."
_HEAD_NAMES = (
    (r"trunk\.timestep\.(.+)", r"model.timestep_encoder.timestep_embedder.\1"),
    (_BLOCK + r"modulation\.(.+)", r"model.transformer_blocks.\1.norm1.linear.\2"),
    (_BLOCK + r"attention\.to_out\.(.+)", r"model.transformer_blocks.\1.attn1.to_out.0.\2"),
    (_BLOCK + r"attention\.(.+)", r"model.transformer_blocks.\1.attn1.\2"),
    (_BLOCK + r"feedforward\.rise\.(.+)", r"model.transformer_blocks.\1.ff.net.0.proj.\2"),
    (_BLOCK + r"feedforward\.fall\.(.+)", r"model.transformer_blocks.\1.ff.net.2.\2"),
    (r"trunk\.output\.modulation\.(.+)", r"model.proj_out_1.\1"),
    (r"trunk\.output\.projection\.(.+)", r"model.proj_out_2.\1"),
    (r"action_codec\.state_(\d)\.(.+)", r"state_encoder.layer\1.\2"),
    (r"action_codec\.action_(\d)\.(.+)", r"action_encoder.W\1.\2"),
    (r"action_codec\.decode_(\d)\.(.+)", r"action_decoder.layer\1.\2"),
    (r"action_codec\.positions", r"position_embedding.weight"),
)


class Layout(StrEnum):
    """Whose checkpoint it is, as the prefix of its vision-language weights."""

    GROOT_N1 = "backbone.model."
    GROOT_N1_5 = "backbone.eagle_model."
    EAGLE2 = ""


def backbone_name(name: str, layout: Layout = Layout.GROOT_N1) -> str | None:
    """Return NVIDIA's name of a weight of Eagle; None if that layout has no such weight."""
    if name.startswith(_PROJECTION):
        has_projection = layout is Layout.GROOT_N1
        return f"backbone.linear.{name.removeprefix(_PROJECTION)}" if has_projection else None
    return layout + _translate(name, _BACKBONE_NAMES)


def head_name(name: str) -> str:
    """Return NVIDIA's name of a weight of the GR00T-N1 head."""
    return ACTION_HEAD + _translate(name, _HEAD_NAMES)


@dataclass(frozen=True, slots=True)
class NvidiaWeights:
    """The weights of a GR00T or Eagle2 model or a fine-tune of it, loaded part by part.

    Attributes:
        tensors: where they lie.
        config: sizes of both parts; those of GR00T-N1-2B unless told otherwise.
    """

    tensors: ShardedTensors
    config: ModelConfig = GROOT_N1_2B

    @classmethod
    def open(
        cls,
        name_or_path: str | Path,
        config: ModelConfig = GROOT_N1_2B,
        *,
        revision: str | None = None,
    ) -> NvidiaWeights:
        """Open a folder, a safetensors file or a repository of the hub; nothing is loaded yet.

        Raises:
            ValueError: there is no such thing, or it can't be read.
        """
        folder = find_folder(name_or_path, files=PATTERNS, revision=revision)
        require(folder.exists(), f"there are no weights at {folder}")
        return cls(ShardedTensors(folder), config)

    @property
    def layout(self) -> Layout:
        """Whose checkpoint it is, by its names."""
        groot = (Layout.GROOT_N1, Layout.GROOT_N1_5)
        found = (one for one in groot if any(name.startswith(one) for name in self.tensors.shapes))
        return next(found, Layout.EAGLE2)

    def backbone(self, *, device: str = "cpu", dtype: torch.dtype = torch.float32) -> Eagle:
        """Load the vision-language model and its projection into the head.

        Raises:
            ValueError: a weight is missing, left over or of another shape; all are counted.
        """
        self._require_fit(self.report_backbone())
        eagle = build_empty(self._empty_eagle)
        # What NVIDIA has no weights for starts untrained.
        eagle.projection.reset_parameters()
        return self._fill(eagle, self._backbone_names(eagle), device, dtype)

    def head(
        self, *, horizon: int = 16, device: str = "cpu", dtype: torch.dtype = torch.float32
    ) -> Head:
        """Load the action head.

        Raises:
            ValueError: as `backbone`, or the configuration is not that of a GR00T-N1 head.
        """
        self._require_fit(self.report_head(horizon=horizon))
        head = build_empty(lambda: self._empty_head(horizon))
        return self._fill(head, _head_names(head), device, dtype)

    def report_backbone(self) -> LoadReport:
        """Return what is missing or left over for the vision-language part, by NVIDIA's names.

        What the truncated model has dropped, such as later layers, is not left over.
        """
        with torch.device("meta"):
            eagle = self._empty_eagle()
        unused = self._unused_names()
        found = {
            name: shape
            for name, shape in self.tensors.shapes.items()
            if not name.startswith(ACTION_HEAD) and not unused.fullmatch(name)
        }
        return _compare(eagle, self._backbone_names(eagle), found)

    def report_head(self, *, horizon: int = 16) -> LoadReport:
        """Return what is missing or left over for the action head, by NVIDIA's names."""
        with torch.device("meta"):
            head = self._empty_head(horizon)
        found = {n: s for n, s in self.tensors.shapes.items() if not n.startswith("backbone.")}
        return _compare(head, _head_names(head), found)

    def _empty_eagle(self) -> Eagle:
        # Imported here: it brings in transformers, which the head does without.
        from dust_model.eagle import empty_eagle

        return empty_eagle(self.config.vision_language)

    def _empty_head(self, horizon: int) -> Head:
        head = self.config.head
        require(
            head.architecture is Architecture.GROOT_N1
            and head.action_positions is Positions.LEARNED,
            "NVIDIA's action head needs architecture=groot_n1 and action_positions=learned, got "
            f"{head.architecture} and {head.action_positions}",
        )
        return build_head(self.config, horizon=horizon)

    def _backbone_names(self, eagle: Eagle) -> Names:
        layout = self.layout
        pairs = ((name, backbone_name(name, layout)) for name in eagle.state_dict())
        return {ours: theirs for ours, theirs in pairs if theirs is not None}

    def _unused_names(self) -> re.Pattern[str]:
        """Return the names in GR00T-N1.5 and Eagle2 that no feature of a kept layer needs."""
        if self.layout is Layout.GROOT_N1:
            return re.compile(r"(?!)")  # it holds what it uses, no more
        kept = "|".join(str(index) for index in range(self.config.vision_language.text_layers))
        dropped = rf"language_model\.model\.layers\.(?!(?:{kept})\.)\d+\..+"
        others = r"language_model\.lm_head\.weight|vision_model\.vision_model\.head\..+"
        return re.compile(rf"{re.escape(self.layout)}(?:{dropped}|{others})")

    def _require_fit(self, report: LoadReport) -> None:
        require(report.fits, f"{self.tensors.path} does not fit the configuration: {report}")

    def _fill(self, module: M, names: Names, device: str, dtype: torch.dtype) -> M:
        stored = self.tensors.read(names.values())
        state = module.state_dict() | {ours: stored[theirs] for ours, theirs in names.items()}
        return give_weights(module, state, device=device, dtype=dtype)


def _head_names(head: Head) -> Names:
    return {name: head_name(name) for name in head.state_dict()}


def _compare(module: nn.Module, names: Names, found: Shapes) -> LoadReport:
    shapes = shapes_of(module.state_dict())
    return compare_names({theirs: shapes[ours] for ours, theirs in names.items()}, found)


def _translate(name: str, pairs: Iterable[tuple[str, str]]) -> str:
    for pattern, theirs in pairs:
        match = re.fullmatch(pattern, name)
        if match:
            return match.expand(theirs)
    raise ValueError(f"NVIDIA's checkpoints have no name for {name}")
