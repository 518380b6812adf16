"""Encoders and decoders of the two streams (appendix A.2).

Actions: GR00T-N1's, with weights per embodiment. Vision: a 3-layer SiLU MLP with a 2-D sinusoidal
encoding, and a 2-layer ReLU MLP back.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dust_model.config import HeadConfig, Positions, require
from dust_model.encodings import buckets, grid_sines, sines, square_side


class EmbodimentLinear(nn.Module):
    """A Linear with one weight per embodiment slot."""

    def __init__(self, slots: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.W = nn.Parameter(torch.empty(slots, inputs, outputs))
        self.b = nn.Parameter(torch.empty(slots, outputs))
        nn.init.normal_(self.W, std=0.02)
        nn.init.zeros_(self.b)

    def forward(self, x_BNI: Tensor, slot: int | Tensor = 0) -> Tensor:
        """Apply the weights of `slot`: one for all samples, or one per sample, int64 [B]."""
        if isinstance(slot, int):
            return x_BNI @ self.W[slot] + self.b[slot]
        return torch.baddbmm(self.b[slot][:, None], x_BNI, self.W[slot])


class ActionCodec(nn.Module):
    """State and noisy actions -> tokens; tokens -> velocity of the actions.

    The stream holds one token for the state and one per action, in this order.
    """

    def __init__(self, config: HeadConfig, *, horizon: int) -> None:
        super().__init__()
        slots, width, inner = config.embodiments, config.width, config.output_width
        self._horizon = horizon
        self._width = width
        self._buckets = config.timestep_buckets
        self.state_1 = EmbodimentLinear(slots, config.state_dim, inner)
        self.state_2 = EmbodimentLinear(slots, inner, width)
        self.action_1 = EmbodimentLinear(slots, config.action_dim, width)
        self.action_2 = EmbodimentLinear(slots, 2 * width, width)
        self.action_3 = EmbodimentLinear(slots, width, width)
        self.decode_1 = EmbodimentLinear(slots, inner, inner)
        self.decode_2 = EmbodimentLinear(slots, inner, config.action_dim)
        self.learned = config.action_positions is Positions.LEARNED
        if self.learned:
            require(
                horizon <= config.learned_positions,
                f"horizon={horizon} needs as many learned_positions, got "
                f"{config.learned_positions}",
            )
            self.positions = nn.Parameter(torch.empty(config.learned_positions, width))
            nn.init.normal_(self.positions, std=0.02)
        else:
            fixed = sines(torch.arange(horizon), width)
            self.register_buffer("positions", fixed, persistent=False)

    def clock(self, tau: Tensor) -> Tensor:
        """Encode tau [B or 1, 1 + horizon or 1] for the action tokens: [..., width]."""
        of_actions = tau[:, 1:] if tau.shape[1] > 1 else tau
        return sines(buckets(of_actions, self._buckets), self._width).to(self.action_1.W.dtype)

    def encode_state(self, state_BS: Tensor, slot: int | Tensor = 0) -> Tensor:
        """Encode the robot's state as the stream's first token, [B, 1, width]."""
        return self.state_2(F.relu(self.state_1(state_BS[:, None], slot)), slot)

    def encode(self, actions_BKA: Tensor, clock: Tensor, slot: int | Tensor = 0) -> Tensor:
        """Encode noisy actions as tokens [B, horizon, width]."""
        x_BKD = self.action_1(actions_BKA, slot)
        x_BKD = torch.cat((x_BKD, clock.expand_as(x_BKD)), -1)
        x_BKD = self.action_3(F.silu(self.action_2(x_BKD, slot)), slot)
        return x_BKD + self.positions[: self._horizon].to(x_BKD.dtype)

    def decode(self, x_BNO: Tensor, slot: int | Tensor = 0) -> Tensor:
        """Decode the output of state and actions to velocities [B, horizon, action_dim]."""
        of_actions = x_BNO[:, 1 : 1 + self._horizon]
        return self.decode_2(F.relu(self.decode_1(of_actions, slot)), slot)


class VisionCodec(nn.Module):
    """Noisy future embedding -> tokens; tokens -> its velocity."""

    def __init__(self, config: HeadConfig, *, world_tokens: int, vision_width: int) -> None:
        super().__init__()
        width, inner = config.width, config.output_width
        self.encode_1 = nn.Linear(vision_width, width)
        self.encode_2 = nn.Linear(width, width)
        self.encode_3 = nn.Linear(width, width)
        self.decode_1 = nn.Linear(inner, inner)
        self.decode_2 = nn.Linear(inner, vision_width)
        positions = grid_sines(square_side(world_tokens), width)
        self.register_buffer("positions", positions, persistent=False)

    def encode(self, embedding_BOV: Tensor) -> Tensor:
        """Encode the noisy embedding as tokens [B, world_tokens, width]."""
        x_BOD = F.silu(self.encode_2(F.silu(self.encode_1(embedding_BOV))))
        return self.encode_3(x_BOD) + self.positions.to(x_BOD.dtype)

    def decode(self, x_BOO: Tensor) -> Tensor:
        """Decode the stream's output to velocities [B, world_tokens, vision_width]."""
        return self.decode_2(F.relu(self.decode_1(x_BOO)))
