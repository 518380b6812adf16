"""The blocks of the head: one stream's half of an MM-DiT block, the DiT block, the output layer.

AdaLN parameters arrive as one tensor per block, [B or 1, N or 1, chunks * D], made from the
stream's own timestep by the block's `modulation` (Figure 6). They may differ from token to token.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dust_model.attention import Attention, KeyValue, QueryKeyValue
from dust_model.config import HeadConfig


class FeedForward(nn.Module):
    """Linear, GELU (tanh), Linear."""

    def __init__(self, config: HeadConfig) -> None:
        super().__init__()
        self._dropout = config.dropout
        self.rise = nn.Linear(config.width, config.width * config.feedforward)
        self.fall = nn.Linear(config.width * config.feedforward, config.width)

    def forward(self, x_BND: Tensor) -> Tensor:
        """Apply to each token."""
        raised = F.gelu(self.rise(x_BND), approximate="tanh")
        raised = F.dropout(raised, self._dropout, self.training)
        return F.dropout(self.fall(raised), self._dropout, self.training)


class DualHalf(nn.Module):
    """One stream's half of an MM-DiT block: adaLN-Zero with shift, scale and gate per sub-layer.

    Sub-layers in order: joint self-attention and cross-attention, as the block has them, then the
    feed-forward. The halves of the two streams share nothing but the attention itself.
    """

    def __init__(self, config: HeadConfig, *, joint: bool, cross: bool) -> None:
        super().__init__()
        self._width = config.width
        self.joint = Attention(config) if joint else None
        self.cross = Attention(config) if cross else None
        self.feedforward = FeedForward(config)
        self.modulation = nn.Linear(config.width, 3 * (1 + joint + cross) * config.width)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def project(self, x_BND: Tensor, modulation: Tensor, *, asks: bool = True) -> QueryKeyValue:
        """Return what this stream brings to the joint self-attention; queries only if it `asks`."""
        assert self.joint is not None
        shift, scale = modulation.tensor_split(self._chunks(modulation), -1)[:2]
        normed = _modulate(x_BND, shift, scale)
        query = self.joint.query(normed) if asks else None
        return QueryKeyValue(query, *self.joint.key_value(normed))

    def absorb(
        self, x_BND: Tensor, modulation: Tensor, q_BHNE: Tensor | None, both: KeyValue
    ) -> Tensor:
        """Let this stream's queries attend to the keys and values of both streams."""
        assert self.joint is not None
        assert q_BHNE is not None
        gate = modulation.tensor_split(self._chunks(modulation), -1)[2]
        return torch.addcmul(x_BND, gate, self.joint.attend(q_BHNE, both))

    def advance(
        self, x_BND: Tensor, modulation: Tensor, context: KeyValue | None, mask: Tensor | None
    ) -> Tensor:
        """Apply what needs no other stream: cross-attention to `context`, feed-forward."""
        parts = modulation.tensor_split(self._chunks(modulation), -1)
        if self.cross is not None and context is not None:
            shift, scale, gate = parts[-6:-3]
            query = self.cross.query(_modulate(x_BND, shift, scale))
            x_BND = torch.addcmul(x_BND, gate, self.cross.attend(query, context, mask))
        shift, scale, gate = parts[-3:]
        return torch.addcmul(x_BND, gate, self.feedforward(_modulate(x_BND, shift, scale)))

    def _chunks(self, modulation: Tensor) -> int:
        return modulation.shape[-1] // self._width


class StreamBlock(nn.Module):
    """GR00T-N1's DiT block: two-chunk AdaLN on the attention only, no gates."""

    def __init__(self, config: HeadConfig, *, cross: bool) -> None:
        super().__init__()
        self.is_cross = cross
        self.attention = Attention(config)
        self.feedforward = FeedForward(config)
        self.modulation = nn.Linear(config.width, 2 * config.width)

    def forward(
        self, x_BND: Tensor, modulation: Tensor, context: KeyValue | None, mask: Tensor | None
    ) -> Tensor:
        """Attend to `context`, or to the stream itself where the block has none."""
        scale, shift = modulation.chunk(2, -1)
        normed = _modulate(x_BND, shift, scale)
        seen = context if context is not None else self.attention.key_value(normed)
        visible = mask if context is not None else None
        x_BND = x_BND + self.attention.attend(self.attention.query(normed), seen, visible)
        return x_BND + self.feedforward(F.layer_norm(x_BND, x_BND.shape[-1:]))


class StreamOutput(nn.Module):
    """GR00T-N1's last layer: AdaLN (shift first), then Linear to the decoder's width."""

    def __init__(self, config: HeadConfig) -> None:
        super().__init__()
        self.modulation = nn.Linear(config.width, 2 * config.width)
        self.projection = nn.Linear(config.width, config.output_width)

    def forward(self, x_BND: Tensor, modulation: Tensor) -> Tensor:
        """Project to [B, N, output_width]."""
        shift, scale = modulation.chunk(2, -1)
        return self.projection(_modulate(x_BND, shift, scale, eps=1e-6))


def _modulate(x_BND: Tensor, shift: Tensor, scale: Tensor, *, eps: float = 1e-5) -> Tensor:
    normed = F.layer_norm(x_BND, x_BND.shape[-1:], eps=eps)
    return torch.addcmul(shift, normed, 1 + scale)
