"""Sines and cosines for positions and for time."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dust_model.config import require

TIME_WIDTH = 256
"""Width of the sinusoidal encoding that feeds the timestep embedding, as in GR00T-N1."""


def buckets(tau: Tensor, count: int) -> Tensor:
    """Return the timestep bucket of each tau in [0, 1]: int64 in 0..count-1, shape of `tau`.

    GR00T-N1 can reach bucket -1 when its Beta distribution gives tau < 0; here it is clamped.
    """
    return (tau.float() * count).long().clamp_(0, count - 1)


def sines(positions: Tensor, width: int) -> Tensor:
    """Encode numbers [...] as [..., width]: sines, then cosines, periods up to 2 pi 1e4."""
    half = width // 2
    exponents = torch.arange(half, dtype=torch.float32, device=positions.device) / half
    angles = positions.float()[..., None] * torch.exp(-math.log(1e4) * exponents)
    return torch.cat((angles.sin(), angles.cos()), -1)


def grid_sines(side: int, width: int) -> Tensor:
    """Encode the cells of a side x side grid, row-major, as [side**2, width]: row, then column."""
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    halves = [sines(axis.flatten(), width // 2) for axis in (rows, columns)]
    return torch.cat(halves, -1)


def square_side(tokens: int) -> int:
    """Return the side of the square grid that `tokens` form."""
    side = math.isqrt(tokens)
    require(side * side == tokens, f"world tokens must form a square, got {tokens}")
    return side


class TimestepEmbedding(nn.Module):
    """tau -> silu(embedding) [..., width], which every AdaLN of a stream starts from."""

    def __init__(self, width: int, *, buckets: int) -> None:
        super().__init__()
        self._buckets = buckets
        self.linear_1 = nn.Linear(TIME_WIDTH, width)
        self.linear_2 = nn.Linear(width, width)

    def forward(self, tau: Tensor) -> Tensor:
        """Embed tau in [0, 1] of any shape [...]."""
        half = TIME_WIDTH // 2
        exponents = torch.arange(half, dtype=torch.float32, device=tau.device) / (half - 1)
        times = buckets(tau, self._buckets).float()[..., None]
        angles = times * torch.exp(-math.log(1e4) * exponents)
        encoding = torch.cat((angles.cos(), angles.sin()), -1).to(self.linear_1.weight.dtype)
        return F.silu(self.linear_2(F.silu(self.linear_1(encoding))))
