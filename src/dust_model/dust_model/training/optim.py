"""Optimizer and learning rate of appendix A.2."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn

from dust_model.config import require

BIASES = ("bias", "b")
"""Last parts of the names of biases; `b` is that of a Linear with one weight per embodiment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerConfig:
    """AdamW, cosine schedule, gradient clipping; defaults are the paper's.

    Attributes:
        learning_rate: peak, reached at the end of the warm-up.
        warmup: share of all steps in which the rate rises from 0.
        final_rate: share of the peak at the last step.
        beta1, beta2, epsilon: of AdamW.
        weight_decay: on everything but biases and norms.
        clip: largest norm of the gradient; 0 = not clipped.
    """

    learning_rate: float = 1e-4
    warmup: float = 0.05
    final_rate: float = 0.0
    beta1: float = 0.95
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 1e-5
    clip: float = 1.0

    def __post_init__(self) -> None:
        for name in ("learning_rate", "epsilon"):
            value = getattr(self, name)
            require(value > 0, f"{name} must be above 0, got {value}")
        for name in ("weight_decay", "clip"):
            value = getattr(self, name)
            require(value >= 0, f"{name} must be >= 0, got {value}")
        for name in ("warmup", "final_rate", "beta1", "beta2"):
            value = getattr(self, name)
            require(0 <= value < 1, f"{name} must lie in [0, 1), got {value}")


def rate_at(config: OptimizerConfig, step: int, *, steps: int) -> float:
    """Return the learning rate of update `step`, 0 <= step < steps."""
    rise = max(1, round(config.warmup * steps))
    if step < rise:
        return config.learning_rate * (step + 1) / rise
    done = (step - rise) / max(1, steps - rise)
    cosine = (1 + math.cos(math.pi * done)) / 2
    return config.learning_rate * (config.final_rate + (1 - config.final_rate) * cosine)


def decays(module: nn.Module) -> dict[str, bool]:
    """Return for each trained parameter whether weight decay applies to it."""
    norms = {
        id(weight)
        for part in module.modules()
        if "Norm" in type(part).__name__
        for weight in part.parameters(recurse=False)
    }
    return {
        name: name.rpartition(".")[2] not in BIASES and id(weight) not in norms
        for name, weight in module.named_parameters()
        if weight.requires_grad
    }


def build_optimizer(module: nn.Module, config: OptimizerConfig) -> torch.optim.AdamW:
    """Build AdamW over the trained parameters of `module`."""
    weights, decayed = dict(module.named_parameters()), decays(module)
    groups = [
        {
            "params": [weights[name] for name, value in decayed.items() if value is decays_too],
            "weight_decay": config.weight_decay if decays_too else 0.0,
        }
        for decays_too in (True, False)
    ]
    return torch.optim.AdamW(
        groups,
        lr=config.learning_rate,
        betas=(config.beta1, config.beta2),
        eps=config.epsilon,
        fused=True,
    )


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of every group."""
    for group in optimizer.param_groups:
        group["lr"] = rate
