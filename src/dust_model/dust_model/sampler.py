"""Asynchronous joint sampling (section 4.3, Equation 5), fast by construction.

What can't have changed is not computed again: keys and values of the features once per
observation, AdaLN parameters once per noise level, each stream up to the first joint attention once
per update of its tokens. In evaluations after which a stream is held, it ends at the last joint
attention. All of it is exact: in float32 the result is the one of a sampler that runs the whole
network every time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from dust_model.head import DualStreamHead, Velocity
from dust_model.schedule import Plan, Step
from dust_model.stream import Condition, Entry

VelocityField = Callable[[Step, Tensor, Tensor], Velocity]
"""(step, actions [B, K, A], embedding [B, O, V]) -> velocities; None where the stride is 0."""

KEPT_LEVELS = 256
"""Noise levels per stream whose AdaLN parameters are kept; covers plans up to N_o = 256."""


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
        v_action, v_vision = velocity(step, actions, embedding)
        if step.action_stride and v_action is not None:
            moved = actions[:, held:] + step.action_stride * v_action[:, held:]
            actions = torch.cat((actions[:, :held], moved), 1) if held else moved
        if step.vision_stride and v_vision is not None:
            embedding = embedding + step.vision_stride * v_vision
    return Noise(actions, embedding)


def draw_noise(head: DualStreamHead, seeds: Sequence[int]) -> Noise:
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

    def __init__(self, head: DualStreamHead) -> None:
        self.head = head
        self._weight = head.action.output.projection.weight
        self._action_condition = lru_cache(KEPT_LEVELS)(self._condition_action)
        self._vision_condition = lru_cache(KEPT_LEVELS)(self._condition_vision)

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
            plan: N_A, N_o and order.
            mask_BT: True where a feature token is real; None when all are.
            prefix_BPA: first actions that are committed already, in the network's scale. They are
                shown to the network clean, with their own tau_A = 1, and come back unchanged.
            slot: embodiment.

        Returns:
            Actions [B, K, A] and embedding [B, O, V], float32, on the head's device.
        """
        actions, embedding = (part.to(self._weight.device) for part in noise)
        held = 0 if prefix_BPA is None else prefix_BPA.shape[1]
        if prefix_BPA is not None:
            prefix = prefix_BPA.to(actions).expand(actions.shape[0], -1, -1)
            actions = torch.cat((prefix, actions[:, held:]), 1)
        field = _FastField(self, features_BTD, state_BS, mask_BT, held=held, slot=slot)
        return integrate(plan, Noise(actions, embedding), field, held=held)

    def cast(self, tensor: Tensor) -> Tensor:
        """Move a tensor to the head's device and dtype."""
        return tensor.to(self._weight.device, self._weight.dtype)

    def action_condition(self, tau: float, *, held: int) -> tuple[Condition, Tensor]:
        """Return AdaLN parameters and clock of the action stream at `tau`, `held` actions clean."""
        condition, clock = self._action_condition(tau)
        if not held:
            return condition, clock
        clean, clean_clock = self._action_condition(1.0)
        tokens = torch.arange(1 + self.head.horizon, device=clock.device)
        # Token 0 is the state, which takes the tau of the actions still to be made.
        is_held = ((tokens >= 1) & (tokens <= held))[None, :, None]
        mixed = Condition(
            tuple(map(_where(is_held), clean.halves, condition.halves)),
            tuple(map(_where(is_held), clean.blocks, condition.blocks)),
            torch.where(is_held, clean.output, condition.output),
        )
        return mixed, torch.where(is_held[:, 1:], clean_clock, clock)

    def vision_condition(self, tau: float) -> Condition:
        """Return the AdaLN parameters of the vision stream at `tau`."""
        return self._vision_condition(tau)

    def _condition_action(self, tau: float) -> tuple[Condition, Tensor]:
        level = torch.full((1, 1), tau, device=self._weight.device)
        return self.head.action.condition(level), self.head.action_codec.clock(level)

    def _condition_vision(self, tau: float) -> Condition:
        return self.head.vision.condition(torch.full((1, 1), tau, device=self._weight.device))


class _FastField:
    """The head as a velocity field for one observation, remembering each stream's entry."""

    def __init__(
        self,
        sampler: Sampler,
        features_BTD: Tensor,
        state_BS: Tensor,
        mask_BT: Tensor | None,
        *,
        held: int,
        slot: int,
    ) -> None:
        self._sampler, self._head = sampler, sampler.head
        self._held, self._slot = held, slot
        mask = None if mask_BT is None else mask_BT.to(features_BTD.device)
        self._contexts = self._head.contexts(features_BTD, mask)
        self._state = self._head.action_codec.encode_state(state_BS, slot)
        self._action: _Memory | None = None
        self._vision: _Memory | None = None

    def __call__(self, step: Step, actions: Tensor, embedding: Tensor) -> Velocity:
        velocity = self._head.evaluate(
            self._enter_action(step.tau_action, actions),
            self._enter_vision(step.tau_vision, embedding),
            slot=self._slot,
            wants_action=step.action_stride > 0,
            wants_vision=step.vision_stride > 0,
        )
        # The Euler state stays in float32 whatever the weights are.
        return Velocity(*(None if part is None else part.float() for part in velocity))

    def _enter_action(self, tau: float, actions: Tensor) -> Entry:
        if self._action is None or not self._action.fits(tau, actions):
            condition, clock = self._sampler.action_condition(tau, held=self._held)
            cast = self._sampler.cast(actions)
            tokens = self._head.action_codec.encode(cast, clock, self._slot)
            entry = self._head.enter_action(self._state, tokens, condition, self._contexts[0])
            self._action = _Memory(tau, actions, entry)
        return self._action.entry

    def _enter_vision(self, tau: float, embedding: Tensor) -> Entry:
        if self._vision is None or not self._vision.fits(tau, embedding):
            condition = self._sampler.vision_condition(tau)
            cast = self._sampler.cast(embedding)
            entry = self._head.enter_vision(cast, condition, self._contexts[1])
            self._vision = _Memory(tau, embedding, entry)
        return self._vision.entry


class _Memory(NamedTuple):
    """A stream's entry and what it was made of."""

    tau: float
    tokens: Tensor
    entry: Entry

    def fits(self, tau: float, tokens: Tensor) -> bool:
        """Whether the entry still holds: `integrate` makes a new tensor whenever it moves one."""
        return self.tokens is tokens and self.tau == tau


def _where(mask: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda held, free: torch.where(mask, held, free)
