"""The blocks of the head: one stream's half of an MM-DiT block, the DiT block, the output layer.

AdaLN parameters are made by each block's `modulate` from the stream's own timestep (Figure 6). They
may differ from token to token.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dust_model.attention import Attention, KeyValue, QueryKeyValue
from dust_model.config import HeadConfig


class AdaLN(NamedTuple):
    """An adaptive layer norm, and the gate behind what it feeds.

    Each part is [B or 1, N or 1, D], or [D] where all tokens of all samples have the same.

    Attributes:
        shift: added after the gain.
        gain: 1 + scale.
        gate: of the sub-layer's output; None where there is no gate.
    """

    shift: Tensor
    gain: Tensor
    gate: Tensor | None = None

    @classmethod
    def of(cls, shift: Tensor, scale: Tensor, gate: Tensor | None = None) -> AdaLN:
        """Build it from what a `modulation` says."""
        return cls(shift, 1 + scale, gate)


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
        if not self.training:
            return self.fall(raised)
        return F.dropout(self.fall(F.dropout(raised, self._dropout)), self._dropout)


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

    def modulate(self, embedding: Tensor) -> tuple[AdaLN, ...]:
        """Return the AdaLN parameters of each sub-layer for embedded tau [B or 1, N or 1, D]."""
        values = _shared(self.modulation(embedding))
        parts = values.tensor_split(values.shape[-1] // self._width, -1)
        return tuple(map(AdaLN.of, parts[::3], parts[1::3], parts[2::3]))

    def project(
        self, x_BND: Tensor, modulation: tuple[AdaLN, ...], *, asks: bool = True
    ) -> QueryKeyValue:
        """Return what this stream brings to the joint self-attention; queries only if it `asks`."""
        assert self.joint is not None
        normed = _modulate(x_BND, modulation[0])
        query = self.joint.query(normed) if asks else None
        return QueryKeyValue(query, *self.joint.key_value(normed))

    def absorb(
        self, x_BND: Tensor, modulation: tuple[AdaLN, ...], q_BHNE: Tensor | None, both: KeyValue
    ) -> Tensor:
        """Let this stream's queries attend to the keys and values of both streams."""
        assert self.joint is not None
        assert q_BHNE is not None
        return _gated(x_BND, modulation[0], self.joint.attend(q_BHNE, both))

    def advance(
        self,
        x_BND: Tensor,
        modulation: tuple[AdaLN, ...],
        context: KeyValue | None,
        mask: Tensor | None,
    ) -> Tensor:
        """Apply what needs no other stream: cross-attention to `context`, feed-forward."""
        if self.cross is not None and context is not None:
            query = self.cross.query(_modulate(x_BND, modulation[-2]))
            x_BND = _gated(x_BND, modulation[-2], self.cross.attend(query, context, mask))
        return _gated(x_BND, modulation[-1], self.feedforward(_modulate(x_BND, modulation[-1])))


class StreamBlock(nn.Module):
    """GR00T-N1's DiT block: two-chunk AdaLN on the attention only, no gates."""

    def __init__(self, config: HeadConfig, *, cross: bool) -> None:
        super().__init__()
        self.is_cross = cross
        self.attention = Attention(config)
        self.feedforward = FeedForward(config)
        self.modulation = nn.Linear(config.width, 2 * config.width)

    def modulate(self, embedding: Tensor, linear: nn.Linear | None = None) -> AdaLN:
        """Return the AdaLN parameters for embedded tau, by another `linear` than the block's own.

        GR00T-N1 has the scale first here.
        """
        scale, shift = _shared((linear or self.modulation)(embedding)).chunk(2, -1)
        return AdaLN.of(shift, scale)

    def forward(
        self, x_BND: Tensor, modulation: AdaLN, context: KeyValue | None, mask: Tensor | None
    ) -> Tensor:
        """Attend to `context`, or to the stream itself where the block has none."""
        normed = _modulate(x_BND, modulation)
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

    def modulate(self, embedding: Tensor, linear: nn.Linear | None = None) -> AdaLN:
        """Return the AdaLN parameters for embedded tau, by another `linear` than its own."""
        return AdaLN.of(*_shared((linear or self.modulation)(embedding)).chunk(2, -1))

    def forward(self, x_BND: Tensor, modulation: AdaLN) -> Tensor:
        """Project to [B, N, output_width]."""
        return self.projection(_modulate(x_BND, modulation, eps=1e-6))


def _shared(values: Tensor) -> Tensor:
    """Return parameters [1, 1, C] as a vector [C], others [B, N, C] as they are."""
    return values[0, 0] if values.shape[:2] == (1, 1) else values


def _modulate(x_BND: Tensor, modulation: AdaLN, *, eps: float = 1e-5) -> Tensor:
    shift, gain, _ = modulation
    # A vector is what the layer norm takes itself, in one pass over the tokens. Under autocast the
    # parameters may be of another type, which it does not take.
    if gain.ndim == 1 and gain.dtype == x_BND.dtype:
        return F.layer_norm(x_BND, x_BND.shape[-1:], gain, shift, eps)
    return torch.addcmul(shift, F.layer_norm(x_BND, x_BND.shape[-1:], eps=eps), gain)


def _gated(x_BND: Tensor, modulation: AdaLN, change: Tensor) -> Tensor:
    assert modulation.gate is not None
    return torch.addcmul(x_BND, modulation.gate, change)
