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


def integrate(plan: Plan, noise: Noise, velocity: VelocityField, *, held: int = 0) -> Noise:
    """Follow the velocity field from noise to data by Equation 5.

    Args:
        plan: when which stream moves, and how far.
        noise: both streams at tau = 0; the first `held` actions are data already.
        velocity: the network, evaluated `plan.evaluations` times.
        held: how many first actions stay as they are.
    """
    actions, embedding = noise
    for step in plan:
        v_action, v_vision, _ = velocity(step, actions, embedding)
        if step.action_stride and v_action is not None:
            moved = actions[:, held:] + step.action_stride * v_action[:, held:]
            actions = torch.cat((actions[:, :held], moved), 1) if held else moved
        if step.vision_stride and v_vision is not None:
            embedding = embedding + step.vision_stride * v_vision
    return Noise(actions, embedding)


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
    """

    def __init__(self, head: Head) -> None:
        self.head = head
        self._levels = NoiseLevels(head)

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
            slot: embodiment.

        Returns:
            Actions [B, K, A] and embedding [B, O, V], float32, on the head's device. A head that
            predicts no vision leaves the embedding at its noise.
        """
        device = self.head.weight.device
        actions, embedding = (part.to(device) for part in noise)
        prefix = actions[:, :0]
        if prefix_BPA is not None:
            prefix = prefix_BPA.to(actions).expand(actions.shape[0], -1, -1)
        held = prefix.shape[1]
        inpaints = held > 0 and self.head.config.prefix is Prefix.INPAINT
        mask = None if mask_BT is None else mask_BT.to(device)
        observation = Observation(features_BTD, mask, state_BS, 0 if inpaints else held, slot)
        field = build_field(self.head, self._levels, observation)
        if inpaints:
            field = _inpainting(field, prefix - actions[:, :held])
            end = integrate(plan, Noise(actions, embedding), field)
            return Noise(torch.cat((prefix, end.action[:, held:]), 1), end.vision)
        actions = torch.cat((prefix, actions[:, held:]), 1)
        return integrate(plan, Noise(actions, embedding), field, held=held)

    def cast(self, tensor: Tensor) -> Tensor:
        """Move a tensor to the head's device and dtype."""
        return tensor.to(self.head.weight.device, self.head.weight.dtype)


def _inpainting(field: VelocityField, known_BPA: Tensor) -> VelocityField:
    """Return `field` with the known velocity of the first actions, data minus noise, put in.

    On a straight path, Euler steps keep them at tau * data + (1 - tau) * noise all the way.
    """

    def with_known(step: Step, actions: Tensor, embedding: Tensor) -> Velocity:
        velocity = field(step, actions, embedding)
        if velocity.action is None:
            return velocity
        rest = velocity.action[:, known_BPA.shape[1] :]
        return velocity._replace(action=torch.cat((known_BPA, rest), 1))

    return with_known
