"""Heads as velocity fields for one observation: what can't have changed is not computed again."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, cast

from torch import Tensor

from dust_model.head import DualStreamHead, Head, Velocity
from dust_model.levels import NoiseLevels
from dust_model.schedule import Step
from dust_model.single import SingleStreamHead
from dust_model.stream import Entry

VelocityField = Callable[[Step, Tensor, Tensor], Velocity]
"""(step, actions [B, K, A], embedding [B, O, V]) -> velocities; None where the stride is 0."""


class Observation(NamedTuple):
    """What a chunk is sampled for.

    Attributes:
        features: vision-language features [B or 1, T, D].
        mask: True where a feature token is real, bool [B or 1, T]; None when all are.
        state: robot state in the network's scale, padded, [B or 1, S].
        clean: True where an action is committed already and has tau_A = 1, bool [K, 1]; None where
            none is.
        slot: embodiment.
    """

    features: Tensor
    mask: Tensor | None
    state: Tensor
    clean: Tensor | None
    slot: int


def build_field(head: Head, levels: NoiseLevels, observation: Observation) -> VelocityField:
    """Return the velocity field of `head` for an observation."""
    kind = DualField if isinstance(head, DualStreamHead) else SingleField
    return kind(head, levels, observation)


class _Field:
    """What both kinds share: the observation, and the state's token."""

    def __init__(self, head: Head, levels: NoiseLevels, observation: Observation) -> None:
        self._levels = levels
        self._clean, self._slot = observation.clean, observation.slot
        self._codec = head.action_codec
        self._weight = head.weight
        self._state = self._codec.encode_state(observation.state, self._slot)

    def _cast(self, tensor: Tensor) -> Tensor:
        return tensor.to(self._weight.device, self._weight.dtype)


class DualField(_Field):
    """Two streams: each keeps its way up to the first joint attention until it is moved.

    A stream that is held after an evaluation ends at the last joint attention.
    """

    def __init__(self, head: Head, levels: NoiseLevels, observation: Observation) -> None:
        super().__init__(head, levels, observation)
        self._head = cast(DualStreamHead, head)
        self._contexts = self._head.contexts(observation.features, observation.mask)
        self._action: _Memory | None = None
        self._vision: _Memory | None = None

    def __call__(self, step: Step, actions: Tensor, embedding: Tensor) -> Velocity:
        """Evaluate the network at the plan's noise levels."""
        velocity = self._head.evaluate(
            self._enter_action(step.tau_action, actions),
            self._enter_vision(step.tau_vision, embedding),
            slot=self._slot,
            wants_action=step.action_stride > 0,
            wants_vision=step.vision_stride > 0,
        )
        return _in_float32(velocity)

    def _enter_action(self, tau: float, actions: Tensor) -> Entry:
        if self._action is None or not self._action.fits(tau, actions):
            condition, clock = self._levels.action(tau, clean=self._clean)
            tokens = self._codec.encode(self._cast(actions), clock, self._slot)
            entry = self._head.enter_action(self._state, tokens, condition, self._contexts[0])
            self._action = _Memory(tau, actions, entry)
        return self._action.entry

    def _enter_vision(self, tau: float, embedding: Tensor) -> Entry:
        if self._vision is None or not self._vision.fits(tau, embedding):
            condition = self._levels.vision(tau)
            entry = self._head.enter_vision(self._cast(embedding), condition, self._contexts[1])
            self._vision = _Memory(tau, embedding, entry)
        return self._vision.entry


class SingleField(_Field):
    """One stream: every token may change with every other, only the decoders can be spared."""

    def __init__(self, head: Head, levels: NoiseLevels, observation: Observation) -> None:
        super().__init__(head, levels, observation)
        self._head = cast(SingleStreamHead, head)
        self._context = self._head.context(observation.features, observation.mask)
        self._predicts_vision = head.predicts_vision
        self._has_second = head.predicts_vision or self._head.future is not None

    def __call__(self, step: Step, actions: Tensor, embedding: Tensor) -> Velocity:
        """Evaluate the network at the plan's noise levels."""
        condition, clock = self._levels.action(step.tau_action, clean=self._clean)
        tau_second = step.tau_vision if self._predicts_vision else step.tau_action
        second = self._levels.vision(tau_second) if self._has_second else None
        tokens = self._codec.encode(self._cast(actions), clock, self._slot)
        velocity = self._head.evaluate(
            self._head.sequence(self._state, tokens, self._cast(embedding)),
            self._head.condition(condition, second),
            self._context,
            slot=self._slot,
            wants_action=step.action_stride > 0,
            wants_vision=step.vision_stride > 0,
        )
        return _in_float32(velocity)


class _Memory(NamedTuple):
    """A stream's entry and what it was made of."""

    tau: float
    tokens: Tensor
    entry: Entry

    def fits(self, tau: float, tokens: Tensor) -> bool:
        """Whether the entry still holds: `integrate` makes a new tensor whenever it moves one."""
        return self.tokens is tokens and self.tau == tau


def _in_float32(velocity: Velocity) -> Velocity:
    """Keep the Euler state in float32 whatever the weights are."""
    return Velocity(*(None if part is None else part.float() for part in velocity))
