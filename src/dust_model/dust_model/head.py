"""What all diffusion heads have in common, and DUST's (section 4.1, Figure 2): two streams.

Shape suffixes: B batch, K horizon, A action columns, S state columns, O world tokens, V width of a
vision token, T feature tokens, D width of the head, N tokens of a stream (1 + K or O).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from dust_model.attention import KeyValue
from dust_model.codecs import ActionCodec, VisionCodec
from dust_model.config import ModelConfig
from dust_model.encodings import TimestepEmbedding
from dust_model.stream import Condition, Context, Entry, Stream


class Velocity(NamedTuple):
    """Velocity of each modality, data minus noise; None where nobody asked or the head has none.

    Attributes:
        action: [B, K, A].
        vision: [B, O, V].
        aligned: what FLARE's alignment MLP makes of the features halfway, [B, O, V]; training
            turns it towards the future embedding. None for every other head and when sampling.
    """

    action: Tensor | None
    vision: Tensor | None
    aligned: Tensor | None = None


class Head(nn.Module, ABC):
    """A diffusion head: noisy tokens, state and features in, velocities out.

    Attributes:
        config: sizes and choices.
        horizon: actions in a chunk, K.
        world_shape: shape of the future embedding, (O, V).
        action_codec: encoder and decoder of state and actions.
    """

    action_codec: ActionCodec

    def __init__(self, config: ModelConfig, *, horizon: int) -> None:
        super().__init__()
        language = config.vision_language
        self.config = config.head
        self.horizon = horizon
        self.world_shape = (language.world_tokens, language.vision_width)

    @property
    def predicts_vision(self) -> bool:
        """Whether it has a velocity for the future embedding."""
        return self.config.architecture.predicts_vision

    @property
    def weight(self) -> Tensor:
        """One of the weights, which tells device and type of all."""
        return self.action_codec.state_1.W

    @abstractmethod
    def forward(
        self,
        actions_BKA: Tensor,
        embedding_BOV: Tensor | None,
        state_BS: Tensor,
        features_BTD: Tensor,
        *,
        tau_action: Tensor,
        tau_vision: Tensor | None,
        mask_BT: Tensor | None = None,
        slot: int | Tensor = 0,
    ) -> Velocity:
        """Predict the velocities V_A and V_o (section 4.2).

        Args:
            actions_BKA: noisy actions in the network's scale, padded to action_dim columns.
            embedding_BOV: noisy future embedding in the network's scale. A head that predicts no
                vision takes no notice of it and of tau_vision.
            state_BS: robot state in the network's scale, padded to state_dim columns.
            features_BTD: vision-language features.
            tau_action: noise level in [0, 1]: [B or 1, 1] for all, or [B or 1, 1 + K] per token,
                the state's first.
            tau_vision: noise level in [0, 1], [B or 1, 1] or [B or 1, O].
            mask_BT: True where a feature token is real.
            slot: embodiment, one for all samples or int64 [B].
        """

    @abstractmethod
    def condition_action(self, tau: Tensor) -> Condition:
        """Return the AdaLN parameters of the action tokens at tau, [B or 1, 1 + K or 1]."""

    @abstractmethod
    def condition_vision(self, tau: Tensor) -> Condition:
        """Return the AdaLN parameters of the vision tokens at tau, [B or 1, O or 1]."""


class DualStreamHead(Head):
    """MM-DiT blocks over both streams, then DiT blocks per stream.

    `forward` is the whole network, for training and as the reference. The sampler calls its parts:
    `condition` once per noise level, `context` once per observation, an entry per stream whenever
    its tokens changed, and `evaluate` for the rest.
    """

    def __init__(self, config: ModelConfig, *, horizon: int) -> None:
        super().__init__(config, horizon=horizon)
        tokens, width = self.world_shape
        self.action = Stream(config.head)
        self.vision = Stream(config.head, owns_time=not config.head.architecture.joint_noise)
        self.action_codec = ActionCodec(config.head, horizon=horizon)
        self.vision_codec = VisionCodec(config.head, world_tokens=tokens, vision_width=width)

    def forward(
        self,
        actions_BKA: Tensor,
        embedding_BOV: Tensor | None,
        state_BS: Tensor,
        features_BTD: Tensor,
        *,
        tau_action: Tensor,
        tau_vision: Tensor | None,
        mask_BT: Tensor | None = None,
        slot: int | Tensor = 0,
    ) -> Velocity:
        """Predict the velocities V_A and V_o; see `Head.forward`."""
        assert embedding_BOV is not None
        assert tau_vision is not None
        state = self.action_codec.encode_state(state_BS, slot)
        clock = self.action_codec.clock(tau_action)
        action_context, vision_context = self.contexts(features_BTD, mask_BT)
        action = self.enter_action(
            state,
            self.action_codec.encode(actions_BKA, clock, slot),
            self.condition_action(tau_action),
            action_context,
        )
        vision = self.enter_vision(embedding_BOV, self.condition_vision(tau_vision), vision_context)
        return self.evaluate(action, vision, slot=slot)

    def condition_action(self, tau: Tensor) -> Condition:
        """Return the AdaLN parameters of the action stream at tau."""
        return self.action.condition(cast(TimestepEmbedding, self.action.timestep)(tau))

    def condition_vision(self, tau: Tensor) -> Condition:
        """Return the AdaLN parameters of the vision stream at tau."""
        timestep = self.vision.timestep or self.action.timestep
        return self.vision.condition(cast(TimestepEmbedding, timestep)(tau))

    def contexts(self, features_BTD: Tensor, mask_BT: Tensor | None) -> tuple[Context, Context]:
        """Return what the features mean to the action stream and to the vision stream."""
        mask = mask_BT if self.config.mask_padding else None
        return self.action.context(features_BTD, mask), self.vision.context(features_BTD, mask)

    def enter_action(
        self, state_B1D: Tensor, tokens_BKD: Tensor, condition: Condition, context: Context
    ) -> Entry:
        """Run the action stream up to the first joint attention."""
        state = state_B1D.expand(tokens_BKD.shape[0], -1, -1)
        return self.action.enter(torch.cat((state, tokens_BKD), 1), condition, context)

    def enter_vision(self, embedding_BOV: Tensor, condition: Condition, context: Context) -> Entry:
        """Run the vision stream up to the first joint attention."""
        return self.vision.enter(self.vision_codec.encode(embedding_BOV), condition, context)

    def evaluate(
        self,
        action: Entry,
        vision: Entry,
        *,
        slot: int | Tensor = 0,
        wants_action: bool = True,
        wants_vision: bool = True,
    ) -> Velocity:
        """Run from the first joint attention to the velocities that are wanted.

        A stream that is not wanted ends as soon as it can't change the other one any more: after
        it gave its keys and values to the last joint attention.
        """
        action_BND, vision_BND = self._join(action, vision, wants_action, wants_vision)
        v_action = v_vision = None
        if action_BND is not None:
            out = self.action.finish(action_BND, action.condition, action.context)
            v_action = self.action_codec.decode(out, slot)
        if vision_BND is not None:
            out = self.vision.finish(vision_BND, vision.condition, vision.context)
            v_vision = self.vision_codec.decode(out)
        return Velocity(v_action, v_vision)

    def _join(
        self, action: Entry, vision: Entry, wants_action: bool, wants_vision: bool
    ) -> tuple[Tensor | None, Tensor | None]:
        """Run the dual blocks from the first joint attention on."""
        lanes = [
            _Lane(self.action, action, wanted=wants_action),
            _Lane(self.vision, vision, wanted=wants_vision),
        ]
        joint = self.config.joint_blocks
        for index in range(joint[0], self.config.dual_blocks):
            walking = [lane for lane in lanes if lane.wanted or index < joint[-1]]
            if index in joint:
                both = _concatenate([lane.project(index, lane in walking) for lane in lanes])
                for lane in walking:
                    lane.absorb(index, both)
            for lane in walking:
                lane.advance(index)
        ends = [lane.hidden if lane.wanted else None for lane in lanes]
        return ends[0], ends[1]


class _Lane:
    """A stream on its way through the dual blocks."""

    def __init__(self, stream: Stream, entry: Entry, *, wanted: bool) -> None:
        self.hidden = entry.hidden
        self.wanted = wanted
        self._stream = stream
        self._entry = entry
        self._projected = entry.projected

    def project(self, index: int, asks: bool) -> KeyValue:
        """Bring this stream's keys and values to joint attention `index`."""
        if self.hidden is not self._entry.hidden:
            half, modulation = self._stream.halves[index], self._entry.condition.halves[index]
            self._projected = half.project(self.hidden, modulation, asks=asks)
        return KeyValue(self._projected.keys, self._projected.values)

    def absorb(self, index: int, both: KeyValue) -> None:
        """Attend to the keys and values of both streams."""
        self.hidden = self._stream.halves[index].absorb(
            self.hidden, self._entry.condition.halves[index], self._projected.queries, both
        )

    def advance(self, index: int) -> None:
        """Run the rest of dual half `index`."""
        self.hidden = self._stream.advance(
            index, self.hidden, self._entry.condition, self._entry.context
        )


def _concatenate(parts: list[KeyValue]) -> KeyValue:
    batch = max(part.keys.shape[0] for part in parts)
    keys, values = (
        torch.cat([tensor.expand(batch, -1, -1, -1) for tensor in tensors], dim=2)
        for tensors in zip(*parts, strict=True)
    )
    return KeyValue(keys, values)
