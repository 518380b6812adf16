"""Guided attention: where the language model's last tokens look for what is named.

Reading places from features alone, a language model first learns what is likely and stays there for
long: it has to find out which words matter, what they look like and where that is, all at once. So
some heads of one late layer are told where to look, one head for each view and role::

    head            0              1             2             3
    looks for   thing, view 0  thing, view 1  goal, view 0  goal, view 1

Queries are the prompt's last tokens, keys the image tokens. What these heads bring back, and all
others do, is left to the model.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dust_model.pretraining.packing import Packed
from dust_model.pretraining.targets import Targets
from dust_model.pretraining.tower import mean_where

_LEAST = 1e-6


def guided_layer(layers: int) -> int:
    """Return which of the language model's layers is guided: the last but one, if there is one."""
    return max(0, layers - 2)


def guide_loss(
    attention: Tensor,
    packed: Packed,
    targets: Targets,
    things: Tensor,
    goals: Tensor,
    shown: Tensor,
) -> Tensor:
    """Return how far attention lies from what is named: a cross-entropy, in nats.

    Args:
        attention: of the guided layer, [B, heads, T, T], each row sums to 1.
        packed: the prompts.
        targets: the truth.
        things: bodies to take, [B, K].
        goals: bodies to bring them to, [B, K].
        shown: which patches each image token is made of, [tokens, M].
    """
    views = targets.fractions.shape[1]
    pairs = [(bodies, view) for bodies in (things, goals) for view in range(views)]
    count = targets.present.shape[1]
    shares = targets.fractions[..., -count:][:, :, shown].mean(3)  # [B, V, tokens, N]
    rows = torch.arange(len(things), device=things.device)[:, None]
    parts = []
    for head, (bodies, view) in zip(range(attention.shape[1]), pairs, strict=False):
        wanted = shares[rows, view, :, bodies]  # [B, K, tokens]
        total = wanted.sum(-1)
        keys = packed.images.unflatten(0, (views, -1))[view]
        looks = attention[rows[..., None], head, packed.tails][
            ..., keys
        ].float()  # [B, K, L, tokens]
        spread = (wanted / total.clamp(min=_LEAST)[..., None])[:, :, None]
        found = -(spread * looks.clamp(min=_LEAST).log()).sum(-1).mean(2)
        parts.append(mean_where(found, total > 0))
    return torch.stack(parts).mean()
