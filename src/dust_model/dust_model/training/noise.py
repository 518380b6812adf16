"""Noise of a training step (section 4.2): one tau per modality, a clean prefix, dropped states.

    x = tau * data + (1 - tau) * noise,    velocity = data - noise,    tau = 1 is data

Shape suffixes as in head.py: B batch, K horizon, A action columns, O world tokens, V their width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import torch
from torch import Tensor

from dust_model.config import require
from dust_model.training.drift import drifted

BETA_SCALE = 0.999
"""s of GR00T-N1's noise levels: tau = (s - x) / s with x ~ Beta(1.5, 1)."""


class TauDistribution(StrEnum):
    """How noise levels are drawn."""

    UNIFORM = "uniform"
    """Uniform in [0, 1) per modality, as in Algorithm 1."""
    BETA = "beta"
    """GR00T-N1's, which prefers noisy levels; the preliminaries name it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseConfig:
    """What is random in a training step.

    Attributes:
        tau: distribution of both noise levels.
        prefix_max: d_max; per sample d ~ U{0..d_max} first actions are clean, as if they were
            committed already (training-time real-time chunking). 0 = never.
        prefix_share: probability that a sample has such a prefix at all; the others are free.
        prefix_drift: deviation by which joints have erred at the end of a prefix, in the scale of
            the network (see dust_model.actions); the target is the way back. 0 = never.
        prefix_back: actions that the way back takes.
        state_drop: probability of hiding the robot's state of a sample.
        action_free: actions are pure noise at tau_A = 0 and get no loss: videos without actions.
    """

    tau: TauDistribution = TauDistribution.UNIFORM
    prefix_max: int = 0
    prefix_share: float = 1.0
    prefix_drift: float = 0.0
    prefix_back: int = 8
    state_drop: float = 0.0
    action_free: bool = False

    def __post_init__(self) -> None:
        require(self.prefix_max >= 0, f"prefix_max must be >= 0, got {self.prefix_max}")
        for name in ("prefix_share", "state_drop"):
            value = getattr(self, name)
            require(0 <= value <= 1, f"{name} must lie in [0, 1], got {value}")
        require(self.prefix_drift >= 0, f"prefix_drift must be >= 0, got {self.prefix_drift}")
        require(self.prefix_back >= 1, f"prefix_back must be >= 1, got {self.prefix_back}")
        require(
            not (self.action_free and self.prefix_max),
            "action_free has no actions to show: set prefix_max=0",
        )


class Draw(NamedTuple):
    """Everything that one step draws, float32 on the device of the batch.

    Attributes:
        action_noise: [B, K, A] from N(0, I).
        vision_noise: [B, O, V] from N(0, I).
        tau_action: [B, 1] in [0, 1].
        tau_vision: [B, 1] in [0, 1]; the same numbers where the noise is joint.
        prefix: how many first actions are clean, int64 [B].
        drift: by how much the last of them errs, [B, A].
        keeps_state: False where the state is hidden, bool [B].
    """

    action_noise: Tensor
    vision_noise: Tensor
    tau_action: Tensor
    tau_vision: Tensor
    prefix: Tensor
    drift: Tensor
    keeps_state: Tensor


def draw(
    config: NoiseConfig,
    seeds: Sequence[int],
    *,
    action_shape: tuple[int, int],
    world_shape: tuple[int, int],
    joints: int | None = None,
    joint: bool = False,
    device: str | torch.device = "cpu",
) -> Draw:
    """Draw what a step needs, each sample from its own seed.

    Args:
        config: distributions.
        seeds: one per sample of the batch.
        action_shape: (K, A).
        world_shape: (O, V).
        joints: how many first columns may drift; None: all. A gripper is open or closed.
        joint: one tau for both modalities, as the ablations without decoupling have it.
        device: where the numbers are drawn; CPU and CUDA draw different ones.
    """
    generator = torch.Generator(device)
    rows = []
    for seed in seeds:
        generator.manual_seed(seed)
        chances = torch.rand(4, generator=generator, device=device)
        action = torch.randn(action_shape, generator=generator, device=device)
        vision = torch.randn(world_shape, generator=generator, device=device)
        has_prefix = torch.rand((), generator=generator, device=device) < config.prefix_share
        drift = torch.randn(action_shape[1], generator=generator, device=device)
        rows.append((chances, action, vision, has_prefix, drift))
    chances_B4, action_noise, vision_noise, has_prefix_B, drift = map(
        torch.stack, zip(*rows, strict=True)
    )
    if joints is not None:
        drift[:, joints:] = 0.0
    prefix = (chances_B4[:, 2] * (config.prefix_max + 1)).long().clamp_(max=config.prefix_max)
    tau_action = _tau(config.tau, chances_B4[:, :1])
    tau_vision = tau_action if joint else _tau(config.tau, chances_B4[:, 1:2])
    if config.action_free:
        tau_action = torch.zeros_like(tau_action)
    return Draw(
        action_noise,
        vision_noise,
        tau_action,
        tau_vision,
        prefix=prefix * has_prefix_B,
        drift=config.prefix_drift * drift,
        keeps_state=chances_B4[:, 3] >= config.state_drop,
    )


def _tau(kind: TauDistribution, chance: Tensor) -> Tensor:
    """Turn uniform numbers in [0, 1) into noise levels by the inverse distribution function."""
    if kind is TauDistribution.UNIFORM:
        return chance
    # P(Beta(1.5, 1) < x) = x ** 1.5. GR00T-N1 lets tau fall below 0 with p = 0.15 %: clamped here.
    return ((BETA_SCALE - chance ** (2 / 3)) / BETA_SCALE).clamp_(min=0)


class Noisy(NamedTuple):
    """What the network sees and what it shall say.

    Attributes:
        actions: noisy actions, [B, K, A].
        embedding: noisy future embedding, [B, O, V].
        tau_action: [B, 1], or per token [B, 1 + K], the state's first.
        tau_vision: [B, 1].
        action_velocity: data minus noise, [B, K, A].
        vision_velocity: data minus noise, [B, O, V].
        learned: True where the actions get a loss, bool [B, K, A].
    """

    actions: Tensor
    embedding: Tensor
    tau_action: Tensor
    tau_vision: Tensor
    action_velocity: Tensor
    vision_velocity: Tensor
    learned: Tensor


def add_noise(
    config: NoiseConfig, drawn: Draw, actions: Tensor, action_mask: Tensor, embedding: Tensor
) -> Noisy:
    """Noise both modalities.

    An action that was not demonstrated (mask False) enters as if it were 0, so nothing of it
    reaches the network. An action of which no column was demonstrated is pure noise with its own
    tau_A = 0: the network is not told where an episode ends.

    Args:
        config: as for `draw`.
        drawn: random numbers of the step.
        actions: in the network's scale, [B, K, A].
        action_mask: True where an action was demonstrated, bool [B, K, A].
        embedding: future embedding in the network's scale, [B, O, V].
    """
    known = torch.zeros_like(action_mask) if config.action_free else action_mask
    aim = actions
    if config.prefix_drift:
        aim = drifted(actions, drawn.drift, drawn.prefix, back=config.prefix_back)
    clean = torch.where(known, aim, 0)
    tokens = torch.arange(actions.shape[1], device=actions.device)
    given = (tokens < drawn.prefix[:, None]) & known.any(-1)  # [B, K]
    tau_BK = torch.where(known.any(-1), drawn.tau_action, 0).masked_fill(given, 1.0)
    per_token = bool((tau_BK != drawn.tau_action).any())
    tau_BK1, tau_vision = tau_BK[..., None], drawn.tau_vision[..., None]
    return Noisy(
        actions=tau_BK1 * clean + (1 - tau_BK1) * drawn.action_noise,
        embedding=tau_vision * embedding + (1 - tau_vision) * drawn.vision_noise,
        # The state takes the tau of the actions still to be made, as in the sampler.
        tau_action=torch.cat((drawn.tau_action, tau_BK), 1) if per_token else drawn.tau_action,
        tau_vision=drawn.tau_vision,
        action_velocity=clean - drawn.action_noise,
        vision_velocity=embedding - drawn.vision_noise,
        learned=known & ~given[..., None],
    )
