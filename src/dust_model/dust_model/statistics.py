"""Statistics of the data and the normalisation made of them, as GR00T has it.

    min_max   2 (x - min) / (max - min) - 1, not clamped; 0 where min == max
    q99       2 (x - q01) / (q99 - q01) - 1, clamped to [-1, 1]; 0 where q01 == q99
    mean_std  (x - mean) / std; raw where std == 0
    binary    1 where x > 0.5, else 0

On the way back, min_max and q99 are clamped to [-1, 1] first: whatever the network says, a decoded
action stays inside the range that the data covered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dust_model.config import require


class Scaling(StrEnum):
    """How one column is normalised."""

    MIN_MAX = "min_max"
    Q99 = "q99"
    MEAN_STD = "mean_std"
    BINARY = "binary"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnStatistics:
    """Statistics of the columns of states or actions, in raw units, and how each is scaled.

    Attributes:
        scaling: how each column is normalised.
        mean, std, min, max, q01, q99: of each column.
        step_mean: of actions that are learned relative to the state: for each step of the chunk and
            each of the first columns, the mean way from the state to the action; else empty.
        step_std: deviation of that way.
    """

    scaling: tuple[Scaling, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    min: tuple[float, ...]
    max: tuple[float, ...]
    q01: tuple[float, ...]
    q99: tuple[float, ...]
    step_mean: tuple[tuple[float, ...], ...] = ()
    step_std: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        self._check_steps()
        columns = len(self.scaling)
        for name in ("mean", "std", "min", "max", "q01", "q99"):
            values = getattr(self, name)
            require(len(values) == columns, f"{name} has {len(values)} columns, not {columns}")
            require(bool(np.isfinite(values).all()), f"{name} is not finite: {values}")
        for low, high in (("min", "max"), ("q01", "q99")):
            for column in range(columns):
                below, above = getattr(self, low)[column], getattr(self, high)[column]
                require(below <= above, f"column {column}: {low}={below} is above {high}={above}")
        require(min(self.std, default=0.0) >= 0, f"std must be >= 0, got {self.std}")

    @property
    def relative(self) -> bool:
        """Whether the first columns are learned relative to the state."""
        return bool(self.step_mean)

    def _check_steps(self) -> None:
        shapes = [[len(row) for row in rows] for rows in (self.step_mean, self.step_std)]
        require(
            shapes[0] == shapes[1] and len(set(shapes[0])) <= 1,
            f"step_mean has rows of {shapes[0]} columns and step_std of {shapes[1]}",
        )
        if self.relative:
            columns = shapes[0][0]
            require(
                1 <= columns <= len(self.scaling),
                f"step_mean has {columns} columns, there are {len(self.scaling)}",
            )
            finite = np.isfinite([self.step_mean, self.step_std]).all()
            require(bool(finite), "step_mean or step_std is not finite")
            require(float(np.min(self.step_std)) > 0, "step_std must be above 0")

    @classmethod
    def measure(cls, values: ArrayLike, scaling: Sequence[Scaling]) -> ColumnStatistics:
        """Measure the statistics of `values`, shape [samples, columns], raw units."""
        table = np.asarray(values, np.float64)
        require(
            table.ndim == 2 and len(table) > 0,
            f"statistics need an array [samples, columns] with samples, got shape {table.shape}",
        )
        return cls(
            scaling=tuple(scaling),
            mean=tuple(table.mean(0).tolist()),
            std=tuple(table.std(0).tolist()),
            min=tuple(table.min(0).tolist()),
            max=tuple(table.max(0).tolist()),
            q01=tuple(np.quantile(table, 0.01, axis=0).tolist()),
            q99=tuple(np.quantile(table, 0.99, axis=0).tolist()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelStatistics:
    """Mean and deviation of each channel of the world model's target, raw vision-tower scale."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        require(
            len(self.mean) == len(self.std),
            f"mean has {len(self.mean)} channels and std has {len(self.std)}",
        )
        require(bool(np.isfinite(self.mean + self.std).all()), "mean or std is not finite")
        require(min(self.std, default=0.0) > 0, "std must be above 0 in every channel")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Everything that statistics.json holds."""

    state: ColumnStatistics
    action: ColumnStatistics
    embedding: ChannelStatistics


class Normaliser:
    """Columns in raw units <-> columns in the scale of the network."""

    def __init__(self, statistics: ColumnStatistics) -> None:
        kinds = np.array([kind.value for kind in statistics.scaling])
        self._binary = kinds == Scaling.BINARY
        self._clamp_in = kinds == Scaling.Q99
        self._clamp_out = (kinds == Scaling.Q99) | (kinds == Scaling.MIN_MAX)
        low, high = np.array(statistics.min), np.array(statistics.max)
        low = np.where(self._clamp_in, statistics.q01, low)
        high = np.where(self._clamp_in, statistics.q99, high)
        raw = self._binary | (~self._clamp_out & (np.array(statistics.std) == 0))
        self._centre = np.where(
            self._clamp_out, (low + high) / 2, np.where(raw, 0, statistics.mean)
        )
        self._scale = np.where(self._clamp_out, (high - low) / 2, np.where(raw, 1, statistics.std))

    @property
    def columns(self) -> int:
        """Number of columns."""
        return len(self._centre)

    def normalise(self, values: ArrayLike) -> NDArray[np.float32]:
        """Return raw `values`, shape [..., columns], in the scale of the network."""
        raw = np.asarray(values, np.float64)
        flat = self._scale == 0
        scaled = np.where(flat, 0.0, (raw - self._centre) / np.where(flat, 1.0, self._scale))
        scaled = np.where(self._clamp_in, np.clip(scaled, -1.0, 1.0), scaled)
        return np.where(self._binary, raw > 0.5, scaled).astype(np.float32)

    def denormalise(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return network `values`, shape [..., columns], in raw units.

        Columns scaled by min_max or q99 are clamped to [-1, 1] first, so they can't leave
        [min, max] or [q01, q99]. Binary columns become 0 or 1.
        """
        scaled = np.asarray(values, np.float64)
        scaled = np.where(self._clamp_out, np.clip(scaled, -1.0, 1.0), scaled)
        return np.where(self._binary, scaled > 0.5, scaled * self._scale + self._centre)
