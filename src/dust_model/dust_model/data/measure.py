"""Statistics of a dataset: measured for normalisation, or as the dataset's files store them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from dust_model.config import require
from dust_model.data.layout import Layout
from dust_model.data.modality import Group, Modality
from dust_model.data.recording import Recording
from dust_model.statistics import ChannelStatistics, ColumnStatistics, Scaling

MEASURES = ("mean", "std", "min", "max", "q01", "q99")
"""What meta/stats.json holds for every column, as GR00T reads it."""

Stored = Mapping[str, Mapping[str, Any]]
"""Feature -> measure -> one value per column."""


def measure(
    recording: Recording,
    scaling: Scaling = Scaling.MIN_MAX,
    *,
    exceptions: Mapping[str, Scaling] | None = None,
) -> tuple[ColumnStatistics, ColumnStatistics]:
    """Return the statistics of all states and of all actions, raw units.

    Args:
        recording: the dataset.
        scaling: how columns are normalised.
        exceptions: "state.GROUP" or "action.GROUP" -> how that group is normalised instead, such
            as {"action.gripper": Scaling.BINARY}.

    Raises:
        ValueError: an exception names no group.
    """
    special = dict(exceptions or {})
    modality = recording.modality
    kinds = {
        "state": _scalings("state", modality.state, scaling, special),
        "action": _scalings("action", modality.action, scaling, special),
    }
    require(not special, f"there is no {', '.join(special)} in the dataset's modality")
    return (
        ColumnStatistics.measure(recording.states(), kinds["state"]),
        ColumnStatistics.measure(recording.actions(), kinds["action"]),
    )


def _scalings(
    kind: str, groups: Sequence[Group], scaling: Scaling, special: dict[str, Scaling]
) -> list[Scaling]:
    chosen = [(group, special.pop(f"{kind}.{group.name}", scaling)) for group in groups]
    return [choice for group, choice in chosen for _ in range(group.columns)]


def vector_features(layout: Layout) -> Modality:
    """Return a modality whose state is every feature that is a vector of floats, whole."""
    groups = tuple(
        Group(name=name, start=0, end=int(feature["shape"][0]), original_key=name)
        for name, feature in layout.features.items()
        if str(feature.get("dtype")).startswith("float")
        and len(feature.get("shape") or ()) == 1
        and name != "timestamp"
    )
    require(bool(groups), f"{layout.root} has no feature that is a vector of numbers")
    return Modality(state=groups, action=groups[:1], video={})


def summarise(values: ArrayLike) -> dict[str, list[float]]:
    """Return MEASURES of each column of `values`, [rows, columns]."""
    table = np.asarray(values, np.float64)
    measured = ColumnStatistics.measure(table, [Scaling.MIN_MAX] * table.shape[1])
    return {name: list(getattr(measured, name)) for name in MEASURES}


def stored(layout: Layout) -> tuple[str, Stored] | None:
    """Return the file that stores statistics and what it says, or None if there is none.

    That is meta/stats.json, or in v2.1 meta/episodes_stats.jsonl, whose episodes are put together;
    quantiles can't be put together and are left out there.
    """
    whole, parts = (layout.root / "meta" / n for n in ("stats.json", "episodes_stats.jsonl"))
    try:
        if whole.is_file():
            return whole.name, json.loads(whole.read_text())
        if parts.is_file():
            entries = [json.loads(line)["stats"] for line in parts.read_text().splitlines()]
            return parts.name, {name: _together(entries, name) for name in entries[0]}
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise ValueError(f"{layout.root}/meta: statistics can't be read: {error}") from None
    return None


def _together(entries: Sequence[Stored], feature: str) -> dict[str, list[float]]:
    """Put the statistics of episodes together, weighted by their frames."""
    part = {n: np.array([e[feature][n] for e in entries], np.float64) for n in MEASURES[:4]}
    count = np.array([np.ravel(e[feature]["count"])[0] for e in entries], np.float64)
    weight = (count / count.sum()).reshape(-1, *[1] * (part["mean"].ndim - 1))
    mean = (weight * part["mean"]).sum(0)
    variance = (weight * (part["std"] ** 2 + (part["mean"] - mean) ** 2)).sum(0)
    merged = (mean, np.sqrt(variance), part["min"].min(0), part["max"].max(0))
    return {n: v.tolist() for n, v in zip(MEASURES[:4], merged, strict=True)}


def differences(measured: Stored, known: Stored, *, tolerance: float = 1e-3) -> list[str]:
    """Return a line for every stored mean, deviation, minimum or maximum that is not measured.

    `tolerance` is a share of the column's range; below 1e-6 nothing counts.
    """
    lines = []
    for feature, measures in measured.items():
        span = np.subtract(measures["max"], measures["min"])
        for name in MEASURES[:4]:
            value = known.get(feature, {}).get(name)
            if value is None or np.shape(value) != np.shape(measures[name]):
                lines.append(f"{feature} {name}: not stored for {len(span)} columns")
                continue
            far = np.abs(np.subtract(value, measures[name])) > tolerance * span + 1e-6
            if far.any():
                column = int(np.argmax(far))
                lines.append(
                    f"{feature} {name}, column {column}: stored {value[column]:.6g}, "
                    f"measured {measures[name][column]:.6g}"
                )
    return lines


class ChannelMeter:
    """Running mean and deviation of the world model's target, channel by channel."""

    def __init__(self, channels: int) -> None:
        self._count = 0
        self._mean: NDArray[np.float64] = np.zeros(channels)
        self._square: NDArray[np.float64] = np.zeros(channels)

    def add(self, embeddings: Tensor) -> None:
        """Count in raw embeddings, [..., channels], on any device."""
        rows = embeddings.detach().to("cpu", torch.float64).reshape(-1, len(self._mean)).numpy()
        require(len(rows) > 0, "no embedding to count in")
        count = self._count + len(rows)
        step = rows.mean(0) - self._mean
        # Chan's rule: the squares about each mean, and the distance between the means.
        self._square += ((rows - rows.mean(0)) ** 2).sum(0)
        self._square += step**2 * self._count * len(rows) / count
        self._mean += step * len(rows) / count
        self._count = count

    def result(self, *, floor: float = 1e-6) -> ChannelStatistics:
        """Return the statistics; a channel that never changes gets the deviation `floor`."""
        require(self._count > 0, "no embedding was counted in")
        std = np.maximum(np.sqrt(self._square / self._count), floor)
        return ChannelStatistics(mean=tuple(self._mean.tolist()), std=tuple(std.tolist()))
