"""Updates of a training run whose features lie on the disk already, for timing them."""

from collections.abc import Callable

import torch

from dust_model.config import ModelConfig, VisionLanguageConfig
from dust_model.data.collate import Batch
from dust_model.eagle import Eagle
from dust_model.head import Head
from dust_model.training.assembly import build_accelerator
from dust_model.training.config import DataConfig, TrainConfig
from dust_model.training.learner import Example, Learner
from dust_model.training.optim import build_optimizer
from dust_model.training.step import Stepper
from dust_model.variants import build_head

TOKENS = 80
"""Feature tokens of a sample."""


def training_step(model: ModelConfig, *, batch: int, device: str) -> Callable[[], dict[str, float]]:
    """Return what does one more update of head and projection, with noise as in training."""
    torch.manual_seed(0)
    config = TrainConfig(checkpoint="-", output="-", data=DataConfig(datasets=("-",)), batch=batch)
    head = build_head(model)
    learner = Learner(head, Eagle(model.vision_language)).to(device)
    example = _example(head, model.vision_language, batch, device)
    stepper = Stepper(
        config,
        build_accelerator(config),
        learner,
        build_optimizer(learner, config.optimizer),
        lambda _: example,
        joints=model.head.action_dim - 1,
    )
    empty = _empty(batch)
    updates = iter(range(config.steps))
    return lambda: stepper.update(next(updates), empty)


def _example(head: Head, language: VisionLanguageConfig, batch: int, device: str) -> Example:
    actions = (batch, head.horizon, head.config.action_dim)
    return Example(
        hidden=torch.randn(batch, TOKENS, language.text_width, device=device),
        mask=torch.ones(batch, TOKENS, dtype=torch.bool, device=device),
        state=torch.randn(batch, head.config.state_dim, device=device),
        actions=torch.randn(actions, device=device),
        action_mask=torch.ones(actions, dtype=torch.bool, device=device),
        embedding=torch.randn(batch, *head.world_shape, device=device),
        slot=torch.zeros(batch, dtype=torch.int64, device=device),
    )


def _empty(batch: int) -> Batch:
    """Return a batch of nothing, whose example is at hand."""
    nothing = torch.zeros(batch, 1)
    return Batch(
        views_pixels=nothing,
        instructions=[""] * batch,
        state=nothing,
        actions=nothing,
        action_mask=nothing > 0,
        future_pixels=None,
        embodiment=torch.zeros(batch, dtype=torch.int64),
        keys=[""] * batch,
    )
