"""What is to be learned of a batch of pictures, as the crops show it.

B pictures, N bodies, V views, P patches of a view, C classes.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from dust_model.pretraining.folder import Facts

_SAMPLES = 4
_VISIBLE = 0.08
_SHOWN = 0.03


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Targets:
    """The truth about B pictures, tensors on one device.

    Attributes:
        fractions: share of each class in each patch, [B, V, P, C], sums to 1.
        place: of each body in the crop, x and y, 0 at its left or upper border, 1 at the other, [B,
            N, V, 2]; 0 where unknown.
        visible: whether enough of a body is seen to tell its place, bool [B, N, V].
        seen: share of a body that is seen, [B, N, V].
        depth: logarithm of the distance along the view in m, [B, N, V].
        position: in the base frame, m, [B, N, 3].
        in_hand: in the hand's frame, m, [B, N, 3].
        known: whether some view shows something of a body, bool [B, N].
        grasp: direction to grasp in, as cosine and sine of the angle in periods, in the hand's
            frame and in the base frame, [B, N, 2, 2].
        graspable: whether a body is there and has such a direction, bool [B, N].
        present: bool [B, N].
        held: body between the fingers, -1 = none, int64 [B].
    """

    fractions: Tensor
    place: Tensor
    visible: Tensor
    seen: Tensor
    depth: Tensor
    position: Tensor
    in_hand: Tensor
    known: Tensor
    grasp: Tensor
    graspable: Tensor
    present: Tensor
    held: Tensor

    def to(self, device: torch.device | str) -> Targets:
        """Return the targets on `device`."""
        return Targets(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})


def targets_of(
    facts: Facts,
    labels: dict[str, NDArray[Any]],
    corners: NDArray[np.int64],
    *,
    size: int,
    side: int,
    grid: int,
) -> Targets:
    """Make the targets of pictures whose labels are given.

    Args:
        facts: of the folder.
        labels: its arrays, rows of these B pictures only.
        corners: row and column where each crop begins, [B, 2].
        size: side of a crop, pixels.
        side: side of a whole picture, pixels.
        grid: patches along a side.
    """
    present = labels["present"]
    corner_xy = corners[:, None, None, ::-1]
    raw = (labels["place"] * side - corner_xy) / size
    inside = np.isfinite(raw).all(-1) & (raw > 0).all(-1) & (raw < 1).all(-1)
    seen = np.nan_to_num(labels["seen"])
    angles, graspable = _grasp(facts, labels)
    near = np.isfinite(labels["depth"]) & (labels["depth"] > 0)
    depth = np.log(np.where(near, labels["depth"], 1.0))
    held = labels["held"].astype(np.int64)
    holding = np.arange(present.shape[1]) == held[:, None]
    return Targets(
        fractions=_fractions(facts, labels["classes"], corners, size=size, side=side, grid=grid),
        place=_tensor(np.nan_to_num(raw)),
        visible=torch.from_numpy(inside & (seen > _VISIBLE)),
        seen=_tensor(seen),
        depth=_tensor(depth),
        position=_tensor(np.nan_to_num(labels["position"])),
        in_hand=_tensor(np.nan_to_num(labels["in_hand"])),
        known=torch.from_numpy(present & ((seen.max(-1) > _SHOWN) | holding)),
        grasp=_tensor(angles),
        graspable=torch.from_numpy(graspable),
        present=torch.from_numpy(present),
        held=torch.from_numpy(held),
    )


def _tensor(values: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))


def _grasp(facts: Facts, labels: dict[str, NDArray[Any]]) -> tuple[Any, NDArray[np.bool_]]:
    periods = np.array([body.grasp_period or 1.0 for body in facts.bodies])
    base = labels["grasp"]
    both = np.stack([base - labels["hand_yaw"][:, None], base], axis=-1)
    turns = 2 * np.pi * both / periods[:, None]
    known = np.isfinite(base)
    circle = np.stack([np.cos(turns), np.sin(turns)], axis=-1)
    return np.where(known[..., None, None], circle, 0.0), known


def _fractions(
    facts: Facts,
    classes: NDArray[np.uint8],
    corners: NDArray[np.int64],
    *,
    size: int,
    side: int,
    grid: int,
) -> Tensor:
    """Count the classes at 4 x 4 spots of each patch."""
    spots = (np.arange(grid * _SAMPLES) + 0.5) / (grid * _SAMPLES) * size
    rows, columns = facts.grid
    at_row = ((spots + corners[:, :1]) / side * rows).astype(np.int64)
    at_column = ((spots + corners[:, 1:]) / side * columns).astype(np.int64)
    everyone = np.arange(len(classes))[:, None, None, None]
    views = np.arange(classes.shape[1])[None, :, None, None]
    found = classes[everyone, views, at_row[:, None, :, None], at_column[:, None, None, :]]
    blocks = torch.from_numpy(found.astype(np.int64)).unflatten(2, (grid, _SAMPLES))
    blocks = blocks.unflatten(4, (grid, _SAMPLES)).permute(0, 1, 2, 4, 3, 5).flatten(4)
    flat = blocks.flatten(2, 3)
    return F.one_hot(flat, len(facts.classes)).float().mean(3)
