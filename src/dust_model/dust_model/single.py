"""One DiT over one sequence: GR00T-N1's head, FLARE's, and the paper's ablations of two streams.

    groot_n1        [state, a0 .. a15]
    flare           [state, a0 .. a15, f0 .. f63]    f: learned, aligned with the future halfway
    dit_joint       [state, a0 .. a15, o0 .. o63]    o: noisy future embedding
    dit_decoupled   the same; the tokens o have a timestep embedding and AdaLN of their own

Blocks of even index look at the vision-language features, blocks of odd index at the sequence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from dust_model.blocks import AdaLN
from dust_model.codecs import ActionCodec, VisionCodec
from dust_model.config import Architecture, HeadConfig, ModelConfig
from dust_model.encodings import TimestepEmbedding
from dust_model.head import Head, Velocity
from dust_model.stream import Condition, Context, Stream


class SingleStreamHead(Head):
    """State, actions and, where the architecture has them, vision or future tokens in one DiT.

    `forward` is the whole network. The sampler calls its parts: the conditions once per noise
    level, `context` once per observation, `evaluate` for the rest.
    """

    def __init__(self, config: ModelConfig, *, horizon: int) -> None:
        super().__init__(config, horizon=horizon)
        head, (tokens, width) = config.head, self.world_shape
        self.trunk = Stream(head)
        self.action_codec = ActionCodec(head, horizon=horizon)
        self.vision_codec = self.vision_time = self.future = None
        if self.predicts_vision:
            self.vision_codec = VisionCodec(head, world_tokens=tokens, vision_width=width)
        if head.architecture is Architecture.DIT_DECOUPLED:
            self.vision_time = SecondTime(head)
        if head.architecture is Architecture.FLARE:
            self.future = FutureTokens(head, world_tokens=tokens, vision_width=width)

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
        """Predict the velocities, and for FLARE what is aligned; see `Head.forward`."""
        state = self.action_codec.encode_state(state_BS, slot)
        actions = self.action_codec.encode(actions_BKA, self.action_codec.clock(tau_action), slot)
        vision = None
        if self.predicts_vision:
            assert tau_vision is not None
            vision = self.condition_vision(tau_vision)
        elif self.future is not None:
            vision = self.condition_vision(tau_action[:, :1])
        return self.evaluate(
            self.sequence(state, actions, embedding_BOV),
            self.condition(self.condition_action(tau_action), vision),
            self.context(features_BTD, mask_BT),
            slot=slot,
            wants_aligned=self.future is not None,
        )

    def condition_action(self, tau: Tensor) -> Condition:
        """Return the AdaLN parameters of state and actions at tau."""
        return self.trunk.condition(cast(TimestepEmbedding, self.trunk.timestep)(tau))

    def condition_vision(self, tau: Tensor) -> Condition:
        """Return the AdaLN parameters of the tokens behind the actions at tau."""
        if self.vision_time is None:
            return self.condition_action(tau)
        return self.vision_time(tau, self.trunk)

    def condition(self, action: Condition, vision: Condition | None) -> Condition:
        """Return the AdaLN parameters of the sequence, token by token where they differ."""
        if vision is None:
            return action
        tokens = (1 + self.horizon, self.world_shape[0])
        pairs = zip(action.blocks, vision.blocks, strict=True)
        blocks = tuple(_per_token(pair, tokens) for pair in pairs)
        return Condition((), blocks, _per_token((action.output, vision.output), tokens))

    def context(self, features_BTD: Tensor, mask_BT: Tensor | None) -> Context:
        """Return what the features mean to the DiT."""
        return self.trunk.context(features_BTD, mask_BT if self.config.mask_padding else None)

    def sequence(
        self, state_B1D: Tensor, actions_BKD: Tensor, embedding_BOV: Tensor | None
    ) -> Tensor:
        """Return the tokens [B, 1 + K (+ O), D]."""
        batch = actions_BKD.shape[0]
        tokens = [state_B1D.expand(batch, -1, -1), actions_BKD]
        if self.vision_codec is not None:
            assert embedding_BOV is not None
            tokens.append(self.vision_codec.encode(embedding_BOV))
        if self.future is not None:
            tokens.append(self.future.tokens.to(actions_BKD.dtype).expand(batch, -1, -1))
        return torch.cat(tokens, 1)

    def evaluate(
        self,
        tokens_BND: Tensor,
        condition: Condition,
        context: Context,
        *,
        slot: int | Tensor = 0,
        wants_action: bool = True,
        wants_vision: bool = True,
        wants_aligned: bool = False,
    ) -> Velocity:
        """Run the DiT and decode what is wanted."""
        half = self.config.alignment_block
        hidden = self.trunk.walk(tokens_BND, condition, context, range(half))
        out = self.trunk.finish(hidden, condition, context, start=half)
        behind = slice(1 + self.horizon, None)
        v_vision = aligned = None
        if wants_vision and self.vision_codec is not None:
            v_vision = self.vision_codec.decode(out[:, behind])
        if wants_aligned and self.future is not None:
            aligned = self.future.align(hidden[:, behind])
        v_action = self.action_codec.decode(out, slot) if wants_action else None
        return Velocity(v_action, v_vision, aligned)


class SecondTime(nn.Module):
    """Timestep embedding and AdaLN of the vision tokens in a DiT that is otherwise shared."""

    def __init__(self, config: HeadConfig) -> None:
        super().__init__()
        width = config.width
        self.timestep = TimestepEmbedding(width, buckets=config.timestep_buckets)
        blocks = [nn.Linear(width, 2 * width) for _ in range(config.blocks)]
        self.blocks = cast(Sequence[nn.Linear], nn.ModuleList(blocks))
        self.output = nn.Linear(width, 2 * width)

    def forward(self, tau: Tensor, trunk: Stream) -> Condition:
        """Return the AdaLN parameters of tau for the blocks of `trunk`."""
        embedding = self.timestep(tau)
        pairs = zip(trunk.blocks, self.blocks, strict=True)
        blocks = tuple(block.modulate(embedding, linear) for block, linear in pairs)
        return Condition((), blocks, trunk.output.modulate(embedding, self.output))


class FutureTokens(nn.Module):
    """FLARE's learned tokens and the MLP that aligns their features with the future embedding.

    The MLP is REPA's: Linear, SiLU, Linear, SiLU, Linear (appendix A.2).
    """

    def __init__(self, config: HeadConfig, *, world_tokens: int, vision_width: int) -> None:
        super().__init__()
        inner = config.alignment_width
        self.tokens = nn.Parameter(torch.empty(world_tokens, config.width))
        nn.init.normal_(self.tokens, std=0.02)
        self.align = nn.Sequential(
            nn.Linear(config.width, inner),
            nn.SiLU(),
            nn.Linear(inner, inner),
            nn.SiLU(),
            nn.Linear(inner, vision_width),
        )


def _per_token(pair: tuple[AdaLN, AdaLN], tokens: tuple[int, int]) -> AdaLN:
    """Return the parameters of one modality's tokens, then those of the other's."""
    action, vision = pair
    shift = _joined((action.shift, vision.shift), tokens)
    return AdaLN(shift, _joined((action.gain, vision.gain), tokens))


def _joined(pair: tuple[Tensor, Tensor], tokens: tuple[int, int]) -> Tensor:
    batch = max(part.shape[0] if part.ndim == 3 else 1 for part in pair)
    sized = [part.expand(batch, n, -1) for part, n in zip(pair, tokens, strict=True)]
    return torch.cat(sized, 1)
