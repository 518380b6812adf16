"""What the features must tell about the named object and its target: linear readings, thrown away.

They are read from each of the prompt's last tokens, and through nothing but one matrix, so that a
centimetre becomes a large, straight change of the very features that a policy is given. Sines and
cosines of positions over short lengths are read too: they make small steps large.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dust_model.pretraining.targets import Targets
from dust_model.pretraining.tower import PLACE_SCALE, mean_where, soft_l1

WAVES = (0.45, 0.15)
"""Lengths whose sines and cosines are read, m."""

_METRE_SCALE = 0.03
_WAVE_SCALE = 0.5
_GRASP_SCALE = 0.3
_NEAR = 0.08

Reading = dict[str, Tensor]


class Named(NamedTuple):
    """The truth about the bodies that B x K instructions name, leading axes [B, K].

    Attributes:
        place: [B, K, V, 2], see Targets.
        visible: [B, K, V].
        seen: [B, K, V].
        position, in_hand: m, [B, K, 3].
        known: [B, K].
        grasp: [B, K, 2, 2].
        graspable: [B, K].
        held: [B, K], bool.
    """

    place: Tensor
    visible: Tensor
    seen: Tensor
    position: Tensor
    in_hand: Tensor
    known: Tensor
    grasp: Tensor
    graspable: Tensor
    held: Tensor

    @classmethod
    def of(cls, targets: Targets, bodies: Tensor) -> Named:
        """Pick bodies [B, K] out of the targets."""
        rows = torch.arange(len(bodies), device=bodies.device)[:, None]
        names = cls._fields[:-1]
        parts = {name: getattr(targets, name)[rows, bodies] for name in names}
        return cls(**parts, held=targets.held[:, None] == bodies)


class AnswerHeads(nn.Module):
    """Linear readings of features.

    Args:
        width: of the features.
        views: V.
        classes: C.
        bodies: N.
        merged: patches that one image token is made of.
    """

    def __init__(self, width: int, *, views: int, classes: int, bodies: int, merged: int) -> None:
        super().__init__()
        waves = 2 * 3 * len(WAVES)
        self._sizes = {
            "place": 2 * views,
            "seen": views,
            "position": 3,
            "in_hand": 3,
            "position_waves": waves,
            "in_hand_waves": waves,
            "grasp": 4,
            "held": 1,
            "name": bodies,
        }
        self.thing = nn.Linear(width, sum(self._sizes.values()))
        self.goal = nn.Linear(width, sum(self._sizes.values()))
        self.image = nn.Linear(width, merged * classes)
        self._merged = merged

    def forward(self, tails: Tensor) -> dict[str, Reading]:
        """Read the last tokens [..., width], float32, about `thing` and `goal`."""
        return {
            "thing": self._split(self.thing(tails)),
            "goal": self._split(self.goal(tails)),
        }

    def image_classes(self, tokens: Tensor) -> Tensor:
        """Read the classes of image tokens' patches: [B, T, width] -> logits [B, T, M, C]."""
        return self.image(tokens).unflatten(-1, (self._merged, -1))

    def _split(self, values: Tensor) -> Reading:
        parts = values.split(list(self._sizes.values()), dim=-1)
        reading = dict(zip(self._sizes, parts, strict=True))
        reading["place"] = 0.5 + 0.5 * reading["place"].unflatten(-1, (-1, 2))
        reading["grasp"] = reading["grasp"].unflatten(-1, (2, 2))
        reading["position"] = reading["position"] * 0.2 + reading["position"].new_tensor(CENTRE)
        reading["in_hand"] = reading["in_hand"] * 0.2
        return reading


CENTRE = (0.5, 0.0, 0.05)
"""Middle of what there is to take, in the base frame, m."""


def answer_losses(reading: Reading, named: Named) -> dict[str, Tensor]:
    """Return the parts of the loss of a reading [B, K, L, ...] of L tokens about bodies [B, K]."""
    away = named.in_hand.norm(dim=-1, keepdim=True)
    # What is close to the hand is about to be taken: there the millimetres count.
    closeness = (_NEAR + 0.1) / (_NEAR + away)
    known = named.known
    circle = (reading["grasp"] - named.grasp[:, :, None]).abs().mean((-1, -2)) / _GRASP_SCALE
    held = named.held[:, :, None, None].float().expand_as(reading["held"])
    parts = {
        "place": _mean(
            soft_l1(reading["place"] - _tokens(named.place), PLACE_SCALE), named.visible
        ),
        "seen": _mean((reading["seen"] - _tokens(named.seen)).abs()[..., None], None),
        "position": _mean(
            soft_l1(reading["position"] - _tokens(named.position), _METRE_SCALE), known
        ),
        "in_hand": _mean(
            closeness[:, :, None]
            * soft_l1(reading["in_hand"] - _tokens(named.in_hand), _METRE_SCALE),
            known,
        ),
        "waves": 0.5
        * (
            _waves(reading["position_waves"], named.position, known)
            + _waves(reading["in_hand_waves"], named.in_hand, known)
        ),
        "grasp": mean_where(closeness.squeeze(-1) * circle.mean(-1), known & named.graspable),
        "held": F.binary_cross_entropy_with_logits(reading["held"], held),
    }
    weights = {"seen": 0.5, "held": 0.3}
    return {name: weights.get(name, 1.0) * part for name, part in parts.items()}


def name_loss(reading: Reading, bodies: Tensor) -> Tensor:
    """Return the cross-entropy of which of all bodies [B, K] an instruction names."""
    logits = reading["name"]
    wanted = bodies[:, :, None].expand(logits.shape[:-1])
    return F.cross_entropy(logits.flatten(0, 2), wanted.flatten())


def image_loss(logits: Tensor, fractions: Tensor, patches: Tensor) -> Tensor:
    """Return the cross-entropy of what image tokens say of their patches.

    Args:
        logits: [B, V * tokens, M, C].
        fractions: [B, V, P, C].
        patches: which patches each token is made of, [tokens, M].
    """
    wanted = fractions[:, :, patches].flatten(1, 2)
    return -(wanted * logits.log_softmax(-1)).sum(-1).mean()


def waves_of(position: Tensor) -> Tensor:
    """Return sines and cosines of positions [..., 3] in m over `WAVES`, [..., 6 * waves]."""
    angles = [position * (2 * math.pi / length) for length in WAVES]
    return torch.cat([f(angle) for angle in angles for f in (torch.sin, torch.cos)], dim=-1)


def _waves(read: Tensor, position: Tensor, known: Tensor) -> Tensor:
    return _mean(soft_l1(read - _tokens(waves_of(position)), _WAVE_SCALE), known)


def _tokens(values: Tensor) -> Tensor:
    """Put an axis for the tokens behind [B, K]."""
    return values[:, :, None]


def _mean(errors: Tensor, mask: Tensor | None) -> Tensor:
    """Average errors [B, K, L, (V,) n] over tokens and numbers, then where the mask [B, K, (V)]."""
    means = errors.mean(-1).mean(2)
    return means.mean() if mask is None else mean_where(means, mask)
