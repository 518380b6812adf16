"""How well held-out pictures are understood, in pixels and centimetres."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dust_model.pretraining.answers import Named
from dust_model.pretraining.learner import PictureLearner, Stage, Told
from dust_model.pretraining.source import PictureBatch
from dust_model.pretraining.targets import Targets

DISTANCES = (("near", 0.0, 0.1), ("middle", 0.1, 0.25), ("far", 0.25, 9.9))
"""Names of the ranges of the distance from hand to object, m, for errors in the hand's frame."""

Rows = dict[str, list[NDArray[np.float64]]]


@torch.no_grad()
def measure(
    learner: PictureLearner, batches: Iterable[PictureBatch], *, half: bool
) -> dict[str, float]:
    """Return the metrics over batches, and the loss.

    Places are errors in pixels of a 320 x 180 picture, positions in cm, turns in degrees of the
    grasp's own period scaled to a full circle / period. Each as median and 90 % quantile.
    """
    learner.eval()
    rows: Rows = {}
    losses, weights = [], []
    deviations = []
    for batch in batches:
        with torch.autocast(batch.pixels.device.type, torch.bfloat16, enabled=half):
            told = learner(batch)
        losses.append(float(sum(learner.losses(told, batch).values())))
        weights.append(len(batch.pixels))
        deviations.append(told.patches.float().flatten(0, 2).std(0).cpu())
        _tower_rows(rows, told, batch.targets)
        if learner.stage is Stage.LANGUAGE:
            _answer_rows(rows, told, batch)
    learner.train()
    found = {"loss": float(np.average(losses, weights=weights))}
    found |= _summary(rows)
    spread = torch.stack(deviations).mean(0)
    return found | {"tokens/std_low": float(spread.min()), "tokens/std": float(spread.median())}


def _tower_rows(rows: Rows, told: Told, targets: Targets) -> None:
    best = told.seen["classes"].argmax(-1) == targets.fractions.argmax(-1)
    _add(rows, "share/tower/classes", best.float().flatten())
    error = _pixels(told.seen["place"] - targets.place)
    for view in range(error.shape[2]):
        shown = targets.visible[:, :, view]
        _add(rows, f"tower/place_{view}_px", error[:, :, view][shown])
        turned = _degrees(told.seen["grasp"][:, :, view], targets.grasp[:, :, view])
        _add(rows, f"tower/grasp_{view}_deg", turned[shown & targets.graspable])


def _answer_rows(rows: Rows, told: Told, batch: PictureBatch) -> None:
    targets = batch.targets
    for name, numbers in (("thing", batch.things), ("goal", batch.goals)):
        named = Named.of(targets, numbers)
        reading = {key: value.mean(2) for key, value in told.answers[name].items()}
        known = named.known
        base = 100 * (reading["position"] - named.position).norm(dim=-1)
        hand = 100 * (reading["in_hand"] - named.in_hand).norm(dim=-1)
        _add(rows, f"{name}/base_cm", base[known])
        _add(rows, f"{name}/hand_cm", hand[known])
        pixels = _pixels(reading["place"] - named.place)
        for view in range(pixels.shape[-1]):
            _add(rows, f"{name}/place_{view}_px", pixels[..., view][named.visible[..., view]])
        if name == "thing":
            _by_distance(rows, "thing/hand_{}_cm", hand, named)
            turns = _degrees(reading["grasp"][:, :, 0], named.grasp[:, :, 0])
            _add(rows, "thing/grasp_deg", turns[named.known & named.graspable])
            _by_distance(rows, "thing/grasp_{}_deg", turns, named, named.graspable)
            held = (reading["held"][..., 0] > 0) == named.held
            _add(rows, "share/held", held.float().flatten())
            kind = targets.graspable
            _add(rows, "share/right_object", _right(reading["position"], numbers, targets, kind))
        else:
            kind = targets.present & ~targets.graspable
            _add(rows, "share/right_target", _right(reading["position"], numbers, targets, kind))


def _by_distance(
    rows: Rows, title: str, error: Tensor, named: Named, asked: Tensor | None = None
) -> None:
    away = named.in_hand.norm(dim=-1)
    # What is held does not move in the hand: it would flatter the others.
    counts = named.known & ~named.held
    if asked is not None:
        counts = counts & asked
    for name, low, high in DISTANCES:
        _add(rows, title.format(name), error[counts & (away >= low) & (away < high)])


def _right(position: Tensor, numbers: Tensor, targets: Targets, kind: Tensor) -> Tensor:
    """Say of each instruction whether its body is the nearest of its kind to what was answered.

    Args:
        position: answered, m, [B, K, 3].
        numbers: of the named bodies, [B, K].
        targets: the truth.
        kind: which bodies could be meant, bool [B, N]; asked is only where others are known too.
    """
    able = kind & targets.known
    apart = (position[:, :, None] - targets.position[:, None]).norm(dim=-1)
    nearest = apart.masked_fill(~able[:, None], torch.inf).argmin(-1)
    asked = able.gather(1, numbers) & (able.sum(1, keepdim=True) > 1)
    return (nearest == numbers)[asked].float()


def _degrees(read: Tensor, wanted: Tensor) -> Tensor:
    """Return errors of directions [..., 2], in degrees of a circle that stands for a period."""
    error = (_angle(read) - _angle(wanted)).remainder(2 * torch.pi)
    error = torch.minimum(error, 2 * torch.pi - error)
    return torch.rad2deg(error)


def _angle(direction: Tensor) -> Tensor:
    return torch.atan2(direction[..., 1], direction[..., 0])


def _pixels(error: Tensor) -> Tensor:
    return (error * error.new_tensor((320.0 * 0.95, 180.0 * 0.95))).norm(dim=-1)


def _add(rows: Rows, name: str, values: Tensor) -> None:
    rows.setdefault(name, []).append(values.double().cpu().numpy())


def _summary(rows: Rows) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, parts in rows.items():
        values = np.concatenate(parts)
        if not len(values):
            continue
        if name.startswith("share/"):
            found[name.removeprefix("share/")] = float(values.mean())
        else:
            found[f"{name}/median"] = float(np.median(values))
            found[f"{name}/p90"] = float(np.quantile(values, 0.9))
    return found
