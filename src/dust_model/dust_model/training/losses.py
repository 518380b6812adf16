"""Losses of a training step: flow matching per modality (Equations 3 and 4), FLARE's alignment.

Sums are divided by counts over all processes and micro-batches of the step. So however a batch is
spread, its loss and its gradient are those of one process that sees all of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from dust_model.config import require
from dust_model.training.noise import Noisy


@dataclass(frozen=True, slots=True, kw_only=True)
class LossConfig:
    """Weights of the terms beside the action loss.

    Attributes:
        world: lambda_WM of Equation 4, for heads that predict the future embedding.
        alignment: weight of FLARE's term, for heads that align with it; 0.2 in its paper.
    """

    world: float = 1.0
    alignment: float = 0.2

    def __post_init__(self) -> None:
        for name in ("world", "alignment"):
            value = getattr(self, name)
            require(value >= 0, f"{name} must be >= 0, got {value}")


class Counts(NamedTuple):
    """What the sums of a step are divided by, each float32 [].

    Attributes:
        action: action numbers with a loss.
        world: numbers of the future embeddings.
        tokens: tokens of the future embeddings.
    """

    action: Tensor
    world: Tensor
    tokens: Tensor

    @classmethod
    def of(cls, noisy: Noisy) -> Counts:
        """Count one micro-batch."""
        action = noisy.learned.sum().float()
        samples, tokens, width = noisy.embedding.shape
        return cls(
            action,
            action.new_tensor(samples * tokens * width),
            action.new_tensor(samples * tokens),
        )


class Losses(NamedTuple):
    """Shares of one micro-batch in the losses of a step, each []; None for what the head lacks.

    Attributes:
        action: mean squared error of the action velocity.
        world: mean squared error of the vision velocity.
        alignment: 1 - cosine similarity of aligned features and future embedding.
    """

    action: Tensor | None
    world: Tensor | None
    alignment: Tensor | None

    def total(self, config: LossConfig) -> Tensor:
        """Return the sum of the terms by their weights (Equation 4)."""
        weights = (1.0, config.world, config.alignment)
        weighted = [w * part for w, part in zip(weights, self, strict=True) if part is not None]
        require(bool(weighted), "nothing to learn: an action-only head, trained without actions")
        return torch.stack(weighted).sum()


def action_loss(velocity: Tensor, noisy: Noisy, count: Tensor) -> Tensor:
    """Return the action loss over the numbers that were demonstrated and are not given."""
    # Chosen before squaring, not multiplied by a mask: 0 * inf of an unlearned column would be nan.
    error = torch.where(noisy.learned, velocity.float() - noisy.action_velocity, 0)
    return error.square().sum() / count.clamp(min=1)


def world_loss(velocity: Tensor, noisy: Noisy, count: Tensor) -> Tensor:
    """Return the world model's loss."""
    return (velocity.float() - noisy.vision_velocity).square().sum() / count.clamp(min=1)


def alignment_loss(aligned: Tensor, embedding: Tensor, count: Tensor) -> Tensor:
    """Return FLARE's loss between features [B, O, V] and the clean future embedding."""
    similarity = F.cosine_similarity(aligned.float(), embedding, dim=-1)
    return (1 - similarity).sum() / count.clamp(min=1)
