"""Asynchronous joint sampling (section 4.3, Equation 5), fast by construction.

What can't have changed is not computed again: keys and values of the features once per
observation, AdaLN parameters once per noise level, each stream up to the first joint attention once
per update of its tokens. In evaluations after which a stream is held, it ends at the last joint
attention. All of it is exact: in float32 the result is the one of a sampler that runs the whole
network every time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from dust_model.config import Prefix
from dust_model.fields import Observation, VelocityField, build_field
from dust_model.head import Head, Velocity
from dust_model.levels import NoiseLevels
from dust_model.schedule import Plan, Step


class Noise(NamedTuple):
    """Where sampling starts, both float32 from N(0, I).

    Attributes:
        action: [B, K, A].
        vision: [B, O, V].
    """

    action: Tensor
    vision: Tensor


def integrate(
    plan: Plan, noise: Noise, velocity: VelocityField, *, held: Tensor | None = None
) -> Noise:
    """Follow the velocity field from noise to data by Equation 5.

    Args:
        plan: when which stream moves, and how far.
        noise: both streams at tau = 0; actions that are `held` are data already.
        velocity: the network, evaluated `plan.evaluations` times.
        held: True where an action stays as it is, bool [K, 1]; None where all move.
    """
    actions, embedding = noise
    for step in plan:
        v_action, v_vision, _ = velocity(step, actions, embedding)
        if step.action_stride and v_action is not None:
            moved = actions + step.action_stride * v_action
            actions = moved if held is None else torch.where(held, actions, moved)
        if step.vision_stride and v_vision is not None:
            embedding = embedding + step.vision_stride * v_vision
    return Noise(actions, embedding)


class Inputs(NamedTuple):
    """All that a chunk depends on besides the weights and the plan, on the head's device.

    Attributes:
        features: vision-language features [B or 1, T, D].
        mask: True where a feature token is real, bool [B or 1, T]; None when all are.
        state: robot state in the network's scale, padded, [B or 1, S].
        actions: noise, float32 [B, K, A].
        embedding: noise, float32 [B, O, V].
        prefix: committed actions in the network's scale, [B or 1, K, A], the rest without meaning;
            None when none is committed.
        held: True where an action is committed, bool [K, 1]; None when none is.
        strength: share of its velocity that each action moves with, [K, 1]; None when all of it.
    """

    features: Tensor
    mask: Tensor | None
    state: Tensor
    actions: Tensor
    embedding: Tensor
    prefix: Tensor | None = None
    held: Tensor | None = None
    strength: Tensor | None = None


def draw_noise(head: Head, seeds: Sequence[int]) -> Noise:
    """Draw the noise of each seed on the CPU, so that every device starts from the same."""
    action_shape = (head.horizon, head.config.action_dim)
    samples = []
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        action = torch.randn(action_shape, generator=generator)
        samples.append((action, torch.randn(head.world_shape, generator=generator)))
    actions, embeddings = zip(*samples, strict=True)
    return Noise(torch.stack(actions), torch.stack(embeddings))


class Sampler:
    """Draws action chunks and future embeddings, in the network's scale.

    The head must be in eval mode, and its weights must not change while the sampler lives.

    Args:
        head: the network.
        levels: noise levels of the head that are known already; None begins with none.
    """

    def __init__(self, head: Head, *, levels: NoiseLevels | None = None) -> None:
        self.head = head
        self._levels = levels or NoiseLevels(head)

    @torch.inference_mode()
    def prepare(self, plan: Plan) -> None:
        """Work out what a plan's noise levels mean, which else the first chunk does."""
        self._levels.prepare(plan)

    @torch.inference_mode()
    def sample(
        self,
        features_BTD: Tensor,
        state_BS: Tensor,
        noise: Noise,
        plan: Plan,
        *,
        mask_BT: Tensor | None = None,
        prefix_BPA: Tensor | None = None,
        strength_K1: Tensor | None = None,
        slot: int = 0,
    ) -> Noise:
        """Sample a batch of candidates.

        Args:
            features_BTD: vision-language features; a batch of 1 serves all candidates.
            state_BS: robot state in the network's scale, padded; a batch of 1 serves all.
            noise: where each candidate starts.
            plan: N_A, N_o and order; it must fit the head, see `fitting_plan`.
            mask_BT: True where a feature token is real; None when all are.
            prefix_BPA: first actions that are committed already, in the network's scale. They are
                shown to the network as HeadConfig.prefix says, and come back unchanged.
            strength_K1: share of its velocity that each action moves with; None when all of it.
            slot: embodiment.

        Returns:
            Actions [B, K, A] and embedding [B, O, V], float32, on the head's device. A head that
            predicts no vision leaves the embedding at its noise, a plan without future on its way.
        """
        device = self.head.weight.device
        actions, embedding = (part.to(device) for part in noise)
        mask = None if mask_BT is None else mask_BT.to(device)
        inputs = Inputs(features_BTD, mask, state_BS, actions, embedding)
        if strength_K1 is not None:
            inputs = inputs._replace(strength=strength_K1.to(device))
        if prefix_BPA is not None and prefix_BPA.shape[1]:
            length, horizon = prefix_BPA.shape[1], actions.shape[1]
            inputs = inputs._replace(
                prefix=F.pad(prefix_BPA.to(actions), (0, 0, 0, horizon - length)),
                held=(torch.arange(horizon) < length)[:, None].to(device),
            )
        return self.run(inputs, plan, slot=slot)

    def run(self, inputs: Inputs, plan: Plan, *, slot: int = 0) -> Noise:
        """Do what `sample` does with inputs that lie ready; shapes depend on shapes alone."""
        held, inpaints = inputs.held, self.head.config.prefix is Prefix.INPAINT
        clean = None if inpaints else held
        observation = Observation(inputs.features, inputs.mask, inputs.state, clean, slot)
        field = build_field(self.head, self._levels, observation)
        if inputs.strength is not None:
            field = with_strength(field, inputs.strength)
        actions, embedding = inputs.actions, inputs.embedding
        if held is None or inputs.prefix is None:
            return integrate(plan, Noise(actions, embedding), field)
        if not inpaints:
            actions = torch.where(held, inputs.prefix, actions)
            return integrate(plan, Noise(actions, embedding), field, held=held)
        known = with_known(field, inputs.prefix - actions, held)
        end = integrate(plan, Noise(actions, embedding), known)
        return Noise(torch.where(held, inputs.prefix, end.action), end.vision)

    def cast(self, tensor: Tensor) -> Tensor:
        """Move a tensor to the head's device and dtype."""
        return tensor.to(self.head.weight.device, self.head.weight.dtype)


def with_known(field: VelocityField, known_BKA: Tensor, held_K1: Tensor) -> VelocityField:
    """Return `field` with the known velocity of the held actions, data minus noise, put in.

    On a straight path, Euler steps keep them at tau * data + (1 - tau) * noise all the way.
    """

    def known(step: Step, actions: Tensor, embedding: Tensor) -> Velocity:
        velocity = field(step, actions, embedding)
        if velocity.action is None:
            return velocity
        return velocity._replace(action=torch.where(held_K1, known_BKA, velocity.action))

    return known


def with_strength(field: VelocityField, strength_K1: Tensor) -> VelocityField:
    """Return `field` with the velocity of the actions scaled."""

    def scaled(step: Step, actions: Tensor, embedding: Tensor) -> Velocity:
        velocity = field(step, actions, embedding)
        if velocity.action is None:
            return velocity
        return velocity._replace(action=strength_K1 * velocity.action)

    return scaled
