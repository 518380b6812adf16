"""Optimizer and learning rate of appendix A.2, and Muon, with which small models learn faster."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import torch
from torch import nn

from dust_model.config import require

BIASES = ("bias", "b")
"""Last parts of the names of biases; `b` is that of a Linear with one weight per embodiment."""


class OptimizerKind(StrEnum):
    """How a gradient becomes an update."""

    ADAMW = "adamw"
    """AdamW on everything, as in the paper."""
    MUON = "muon"
    """Muon on the matrices inside of layers, AdamW on the rest; at the same learning rate its
    updates are as large as AdamW's usually are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerConfig:
    """Optimizer, cosine schedule, gradient clipping; defaults are the paper's.

    Attributes:
        kind: of the optimizer.
        learning_rate: peak, reached at the end of the warm-up.
        warmup: share of all steps in which the rate rises from 0.
        final_rate: share of the peak at the last step.
        beta1, beta2, epsilon: of AdamW.
        momentum: of Muon.
        weight_decay: on everything but biases and norms.
        clip: largest norm of the gradient; 0 = not clipped.
    """

    kind: OptimizerKind = OptimizerKind.ADAMW
    learning_rate: float = 1e-4
    warmup: float = 0.05
    final_rate: float = 0.0
    beta1: float = 0.95
    beta2: float = 0.999
    epsilon: float = 1e-8
    momentum: float = 0.95
    weight_decay: float = 1e-5
    clip: float = 1.0

    def __post_init__(self) -> None:
        for name in ("learning_rate", "epsilon"):
            value = getattr(self, name)
            require(value > 0, f"{name} must be above 0, got {value}")
        for name in ("weight_decay", "clip"):
            value = getattr(self, name)
            require(value >= 0, f"{name} must be >= 0, got {value}")
        for name in ("warmup", "final_rate", "beta1", "beta2", "momentum"):
            value = getattr(self, name)
            require(0 <= value < 1, f"{name} must lie in [0, 1), got {value}")
        require(
            self.kind is not OptimizerKind.MUON or hasattr(torch.optim, "Muon"),
            f"optimizer.kind=muon needs torch 2.9 or newer, this is {torch.__version__}",
        )


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


def inner_matrices(module: nn.Module) -> frozenset[str]:
    """Return the names of the trained weights that are matrices inside of layers.

    These are the weights of the Linears in lists of like layers; not embeddings, not what leads
    into the first layer or out of the last one, and not weights of several embodiments in a tensor.
    """
    return frozenset(
        f"{name}.weight"
        for name, part in module.named_modules()
        if isinstance(part, nn.Linear)
        and part.weight.requires_grad
        and any(step.isdigit() for step in name.split("."))
    )


class JoinedOptimizers(torch.optim.Optimizer):
    """Several optimizers, each with weights of its own, as one.

    Args:
        parts: the optimizers, before their first step.
    """

    def __init__(self, parts: Sequence[torch.optim.Optimizer]) -> None:
        super().__init__([group for part in parts for group in part.param_groups], {})
        self._parts = parts

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Let every optimizer do a step.

        Raises:
            ValueError: there is a closure; the parts would each call it.
        """
        if closure is not None:
            raise ValueError("several optimizers can't share a closure")
        first = 0
        for part in self._parts:
            # Linked anew each time: a restored state brings groups and moments of its own.
            last = first + len(part.param_groups)
            part.param_groups, part.state = self.param_groups[first:last], self.state
            part.step()
            first = last


def build_optimizer(
    module: nn.Module,
    config: OptimizerConfig,
    *,
    share: Callable[[str], float] = lambda name: 1.0,
) -> torch.optim.Optimizer:
    """Build the optimizer of the trained parameters of `module`.

    Args:
        module: with the parameters.
        config: of the optimizer.
        share: tells of a parameter's name at what share of the learning rate it learns.
    """
    weights = dict(module.named_parameters())
    inner = inner_matrices(module) if config.kind is OptimizerKind.MUON else frozenset()
    groups: dict[tuple[bool, bool, float], dict[str, Any]] = {}
    for name, decays_too in decays(module).items():
        key = (name in inner, not decays_too, share(name))
        group = {
            "params": [],
            "weight_decay": config.weight_decay if decays_too else 0.0,
            "share": key[2],
        }
        groups.setdefault(key, group)["params"].append(weights[name])
    parts: list[torch.optim.Optimizer] = []
    matrices, rest = ([groups[key] for key in sorted(groups) if key[0] is k] for k in (True, False))
    if matrices:
        parts.append(
            torch.optim.Muon(
                matrices,
                lr=config.learning_rate,
                momentum=config.momentum,
                adjust_lr_fn="match_rms_adamw",
            )
        )
    if rest:
        parts.append(
            torch.optim.AdamW(
                rest,
                lr=config.learning_rate,
                betas=(config.beta1, config.beta2),
                eps=config.epsilon,
                fused=True,
            )
        )
    return parts[0] if len(parts) == 1 else JoinedOptimizers(parts)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of every group to its share of `rate`."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["share"]
