"""Multi-head attention with its projections apart, so that keys and values can be kept.

Shape suffixes: B batch, N query tokens, T context tokens, D width, H heads, E width of a head.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from dust_model.config import HeadConfig


class KeyValue(NamedTuple):
    """Keys and values of a sequence, each [B, H, T, E]."""

    keys: Tensor
    values: Tensor


class QueryKeyValue(NamedTuple):
    """Queries, keys and values of one sequence, each [B, H, N, E]; it may ask nothing."""

    queries: Tensor | None
    keys: Tensor
    values: Tensor


class Attention(nn.Module):
    """Projections of one attention layer: biases everywhere, no norm on queries or keys."""

    def __init__(self, config: HeadConfig) -> None:
        super().__init__()
        width = config.width
        self._head_dim = config.head_dim
        self._dropout = config.dropout
        self.to_q = nn.Linear(width, width)
        self.to_k = nn.Linear(width, width)
        self.to_v = nn.Linear(width, width)
        self.to_out = nn.Linear(width, width)

    def key_value(self, x_BTD: Tensor) -> KeyValue:
        """Project a sequence to keys and values."""
        return KeyValue(self._split(self.to_k(x_BTD)), self._split(self.to_v(x_BTD)))

    def query(self, x_BND: Tensor) -> Tensor:
        """Project a sequence to queries [B, H, N, E]."""
        return self._split(self.to_q(x_BND))

    def attend(self, q_BHNE: Tensor, context: KeyValue, mask: Tensor | None = None) -> Tensor:
        """Attend and project back.

        Args:
            q_BHNE: queries.
            context: keys and values; a batch of 1 serves every query of the batch.
            mask: True where a context token may be seen, bool [B or 1, 1, 1, T].

        Returns:
            [B, N, D], after dropout.
        """
        batch = q_BHNE.shape[0]
        k_BHTE, v_BHTE = (part.expand(batch, -1, -1, -1) for part in context)
        mixed = F.scaled_dot_product_attention(q_BHNE, k_BHTE, v_BHTE, attn_mask=mask)
        out_BND = self.to_out(mixed.transpose(1, 2).flatten(2))
        return F.dropout(out_BND, self._dropout) if self.training else out_BND

    def _split(self, x_BND: Tensor) -> Tensor:
        return x_BND.view(*x_BND.shape[:2], -1, self._head_dim).transpose(1, 2)


@contextmanager
def plain_attention() -> Iterator[None]:
    """Attend by two matrix products and a softmax, all in the number format of the queries."""
    before = torch.backends.cuda.fp16_bf16_reduction_math_sdp_allowed()
    torch.backends.cuda.allow_fp16_bf16_reduction_math_sdp(True)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.cuda.allow_fp16_bf16_reduction_math_sdp(before)
