"""What is trained: the head, and as much of the vision-language model as is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from dust_model.config import HeadConfig
from dust_model.training.losses import Counts, Losses, action_loss, alignment_loss, world_loss
from dust_model.training.noise import Draw, NoiseConfig, Noisy, add_noise

if TYPE_CHECKING:
    from dust_model.eagle import Eagle


class BackboneTraining(StrEnum):
    """How much of the vision-language model is trained along with the head."""

    NONE = "none"
    """Nothing."""
    PROJECTION = "projection"
    """The Linear into the head's width, as GR00T-N1 has it when its model is frozen."""
    LANGUAGE = "language"
    """All but the vision tower, whose tokens are what the world model learns to predict."""
    ALL = "all"
    """Everything; only for heads that learn nothing from the future embedding."""

    @property
    def runs_in_learner(self) -> bool:
        """Whether the gradient goes through the model, so that its features can't be kept."""
        return self in (BackboneTraining.LANGUAGE, BackboneTraining.ALL)


class Prompted(NamedTuple):
    """Input of the vision-language model, for training it.

    Attributes:
        ids: prompts, int64 [B, T].
        pixels: [B, V, 3, S, S].
    """

    ids: Tensor
    pixels: Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Example:
    """B samples as the learner takes them, in the network's scale, on its device.

    Attributes:
        hidden: what the vision-language model says before its projection, [B, T, width]; without
            such a model, the features; None where the model is trained.
        prompted: input of the vision-language model where it is trained.
        mask: True where a token is real, bool [B, T].
        state: [B, S], padded to the head's columns.
        actions: [B, K, A], padded likewise.
        action_mask: True where an action was demonstrated, bool [B, K, A].
        embedding: future embedding [B, O, V]; zeros where the head needs none.
        slot: embodiment, int64 [B].
    """

    hidden: Tensor | None
    prompted: Prompted | None = None
    mask: Tensor
    state: Tensor
    actions: Tensor
    action_mask: Tensor
    embedding: Tensor
    slot: Tensor


class Learner(nn.Module):
    """The head and, where there is one, the vision-language model that feeds it."""

    def __init__(
        self,
        head: nn.Module,
        eagle: Eagle | None = None,
        *,
        trains: BackboneTraining = BackboneTraining.PROJECTION,
    ) -> None:
        super().__init__()
        self.head = head.requires_grad_(True)
        self.eagle = eagle
        if eagle is not None:
            eagle.requires_grad_(trains.runs_in_learner)
            eagle.model.vision_tower.requires_grad_(trains is BackboneTraining.ALL)
            eagle.projection.requires_grad_(trains is not BackboneTraining.NONE)

    def forward(self, example: Example, noisy: Noisy, keeps_state: Tensor) -> Any:
        """Return the head's output: velocities, for FLARE with the aligned features."""
        config: HeadConfig = self.head.config  # type: ignore[assignment]
        return self.head(
            noisy.actions,
            noisy.embedding,
            torch.where(keeps_state[:, None], example.state, 0),
            self._features(example),
            tau_action=noisy.tau_action,
            tau_vision=noisy.tau_vision,
            mask_BT=example.mask,
            slot=example.slot if config.embodiments > 1 else 0,
        )

    def _features(self, example: Example) -> Tensor:
        if self.eagle is None:
            assert example.hidden is not None
            return example.hidden
        if example.hidden is not None:
            weight = self.eagle.projection.weight
            return self.eagle.projection(example.hidden.to(weight.dtype))
        assert example.prompted is not None
        return self.eagle(*example.prompted, example.mask).features


def noisy_of(config: NoiseConfig, example: Example, drawn: Draw) -> Noisy:
    """Noise an example."""
    return add_noise(config, drawn, example.actions, example.action_mask, example.embedding)


def losses_of(
    output: Any, example: Example, noisy: Noisy, counts: Counts, *, action_free: bool = False
) -> Losses:
    """Return this micro-batch's shares in the losses of the step.

    Args:
        output: what the learner said.
        example: the samples.
        noisy: their noise.
        counts: over all micro-batches and processes of the step.
        action_free: leave the actions out, so that no gradient reaches their decoder.
    """
    aligned = getattr(output, "aligned", None)
    vision = output.vision
    return Losses(
        None if action_free else action_loss(output.action, noisy, counts.action),
        None if vision is None else world_loss(vision, noisy, counts.world),
        None if aligned is None else alignment_loss(aligned, example.embedding, counts.tokens),
    )
