"""What is trained in each stage: Eagle, with heads that make its tokens tell what there is."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dust_model.eagle import Eagle
from dust_model.pretraining.answers import (
    AnswerHeads,
    Named,
    Reading,
    answer_losses,
    image_loss,
    name_loss,
)
from dust_model.pretraining.folder import Facts
from dust_model.pretraining.guide import guide_loss, guided_layer
from dust_model.pretraining.packing import Packed, Packer, features_of, patches_of_tokens
from dust_model.pretraining.source import PictureBatch
from dust_model.pretraining.tower import TowerHeads, tower_losses
from dust_model.prompt import Prompter

# Places weigh little beside names: their gradients are large and say nothing as long as it is not
# known what is meant. When it is, they are all that is left.
_THING_WEIGHT = 0.1
_GOAL_WEIGHT = 0.07
_IMAGE_WEIGHT = 0.3


class Stage(StrEnum):
    """What is learned."""

    TOWER = "tower"
    """The vision tower, from its own tokens."""
    LANGUAGE = "language"
    """Everything after it; the tower goes on with a small rate, or not at all."""


class Told(NamedTuple):
    """What a forward pass gives.

    Attributes:
        seen: what the tower's heads read.
        patches: the tower's tokens, [B, V, P, width].
        answers: what the answer heads read from the last tokens, about thing and goal; empty in
            the stage of the tower.
        image: what they read from the image tokens.
        attention: of the guided layer, [B, heads, T, T].
        packed: the prompts.
    """

    seen: dict[str, Tensor]
    patches: Tensor
    answers: dict[str, Reading]
    image: Tensor | None = None
    attention: Tensor | None = None
    packed: Packed | None = None


class PictureLearner(nn.Module):
    """Eagle and the heads of both stages.

    Args:
        eagle: to be trained.
        facts: what the pictures show.
        prompter: makes the prompts.
        stage: what is learned.
        tunes_tower: whether the tower goes on learning in the stage of language.
    """

    merged: Tensor
    """Which patches each image token is made of, [tokens, M]."""

    def __init__(
        self,
        eagle: Eagle,
        facts: Facts,
        prompter: Prompter,
        *,
        stage: Stage,
        tunes_tower: bool = True,
    ) -> None:
        super().__init__()
        config = eagle.config
        views, classes = len(facts.views), len(facts.classes)
        self.eagle, self.stage = eagle, stage
        # Plain attention can be guided; on a CPU its gradient costs a quarter of the fused one's.
        eagle.model.set_attn_implementation("eager")
        self.tower_heads = TowerHeads(
            config.vision_width,
            grid=config.grid,
            views=views,
            classes=classes,
            bodies=len(facts.bodies),
        )
        merged = patches_of_tokens(eagle)
        self.register_buffer("merged", merged, persistent=False)
        self.answer_heads = AnswerHeads(
            config.feature_width,
            views=views,
            classes=classes,
            bodies=len(facts.bodies),
            merged=merged.shape[1],
        )
        self._packer = Packer(
            prompter, image_token_id=config.image_token_id, pad_token_id=config.pad_token_id
        )
        learns_tower = stage is Stage.TOWER or tunes_tower
        eagle.requires_grad_(stage is Stage.LANGUAGE)
        eagle.model.vision_tower.requires_grad_(learns_tower)
        self.tower_heads.requires_grad_(learns_tower)
        self.answer_heads.requires_grad_(stage is Stage.LANGUAGE)

    @property
    def learns_tower(self) -> bool:
        """Whether the tower learns."""
        return next(self.tower_heads.parameters()).requires_grad

    def pack(self, texts: list[list[str]]) -> Packed:
        """Return the packed prompts of instructions, on the learner's device."""
        return self._packer.pack(texts).to(self.eagle.projection.weight.device)

    def forward(self, batch: PictureBatch) -> Told:
        """Look at pictures and, in the stage of language, read the prompts."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.learns_tower):
            flat = self.eagle.model.vision_tower(pixel_values=batch.pixels.flatten(0, 1))
            patches = flat.last_hidden_state.unflatten(0, batch.pixels.shape[:2])
        with torch.autocast(patches.device.type, enabled=False):
            seen = self.tower_heads(patches.float())
        if self.stage is Stage.TOWER:
            return Told(seen, patches, {})
        packed = self.pack(batch.texts)
        features, attentions = features_of(self.eagle, packed, patches)
        features = features.float()
        rows = torch.arange(len(features), device=features.device)[:, None, None]
        with torch.autocast(features.device.type, enabled=False):
            answers = self.answer_heads(features[rows, packed.tails])
            image = self.answer_heads.image_classes(features[:, packed.images])
        attention = attentions[guided_layer(len(attentions))]
        return Told(seen, patches, answers, image, attention, packed)

    def losses(self, told: Told, batch: PictureBatch) -> dict[str, Tensor]:
        """Return the weighted parts of the loss, by name."""
        parts = {f"tower/{k}": v for k, v in tower_losses(told.seen, batch.targets).items()}
        if self.stage is Stage.TOWER:
            return parts
        if not self.learns_tower:
            parts = {}
        bodies = {"thing": (batch.things, _THING_WEIGHT), "goal": (batch.goals, _GOAL_WEIGHT)}
        for name, (numbers, weight) in bodies.items():
            found = answer_losses(told.answers[name], Named.of(batch.targets, numbers))
            parts |= {f"{name}/{key}": weight * value for key, value in found.items()}
            parts[f"{name}/name"] = name_loss(told.answers[name], numbers)
        return parts | self._inner_losses(told, batch)

    def _inner_losses(self, told: Told, batch: PictureBatch) -> dict[str, Tensor]:
        """Return the losses of image tokens and of guided attention."""
        assert told.image is not None
        assert told.attention is not None
        assert told.packed is not None
        targets = batch.targets
        image = image_loss(told.image, targets.fractions, self.merged)
        guide = guide_loss(
            told.attention, told.packed, targets, batch.things, batch.goals, self.merged
        )
        return {"image": _IMAGE_WEIGHT * image, "guide": guide}
