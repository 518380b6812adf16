"""Actions in raw units and in the scale of the network, absolute or relative to the state.

    absolute   every column as its statistics say
    relative   joint j of step i:  (action - state_j - step_mean_ij) / step_std_ij

A chunk's first actions lie a few milliradians from where the arm is, its last ones tenths of a
radian. With a scale of its own for each step, what is left of the noise after a few denoising steps
is small where the arm will be soon. The paper and GR00T-N1 learn absolute joint positions; to the
outside both are absolute.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dust_model.config import require
from dust_model.statistics import ColumnStatistics, Normaliser, Scaling

LEAST_STEP = 0.01
"""Least deviation of a step, rad: joints that hardly move are not magnified."""


class ActionNormaliser:
    """Actions in raw units <-> in the scale of the network.

    Args:
        statistics: of the actions.
    """

    def __init__(self, statistics: ColumnStatistics) -> None:
        self._columns = Normaliser(statistics)
        self._joints = len(statistics.step_mean[0]) if statistics.relative else 0
        self._mean = np.array(statistics.step_mean, np.float64)
        self._std = np.array(statistics.step_std, np.float64)
        bounded = [kind is not Scaling.MEAN_STD for kind in statistics.scaling[: self._joints]]
        self._low = np.where(bounded, statistics.min[: self._joints], -np.inf)
        self._high = np.where(bounded, statistics.max[: self._joints], np.inf)

    @property
    def columns(self) -> int:
        """Number of columns."""
        return self._columns.columns

    def normalise(self, actions: ArrayLike, state: ArrayLike) -> NDArray[np.float32]:
        """Return raw actions in the scale of the network.

        Args:
            actions: the first n actions of chunks, [..., n, columns].
            state: measured at the chunks' observations, [..., S]; its first columns are the joints.
        """
        raw = np.asarray(actions, np.float64)
        scaled = self._columns.normalise(raw)
        if self._joints:
            mean, std = self._steps(raw.shape[-2])
            way = raw[..., : self._joints] - self._origin(state)
            scaled[..., : self._joints] = (way - mean) / std
        return scaled

    def denormalise(self, values: ArrayLike, state: ArrayLike) -> NDArray[np.float64]:
        """Return values of the network as raw actions, inside the range that the data covered.

        Args:
            values: [..., n, columns].
            state: as in `normalise`.
        """
        scaled = np.asarray(values, np.float64)
        raw = self._columns.denormalise(scaled)
        if self._joints:
            mean, std = self._steps(scaled.shape[-2])
            joints = self._origin(state) + mean + std * scaled[..., : self._joints]
            raw[..., : self._joints] = np.clip(joints, self._low, self._high)
        return raw

    def _origin(self, state: ArrayLike) -> NDArray[np.float64]:
        return np.asarray(state, np.float64)[..., None, : self._joints]

    def _steps(self, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        require(
            count <= len(self._mean),
            f"the statistics are of chunks of {len(self._mean)} actions, not of {count}",
        )
        return self._mean[:count], self._std[:count]


def measure_steps(
    episodes: Iterable[tuple[ArrayLike, ArrayLike]], *, horizon: int, joints: int, stride: int = 1
) -> tuple[tuple[tuple[float, ...], ...], tuple[tuple[float, ...], ...]]:
    """Return `step_mean` and `step_std` of demonstrations, [horizon][joints].

    Args:
        episodes: states [L, S] and actions [L, A] of each episode, raw units.
        horizon: actions in a chunk.
        joints: leading columns that are learned relative to the state.
        stride: rows from one action to the next.

    Raises:
        ValueError: no episode is as long as a chunk.
    """
    count = np.zeros((horizon, 1))
    total, square = np.zeros((2, horizon, joints))
    for states, actions in episodes:
        state = np.asarray(states, np.float64)[:, :joints]
        action = np.asarray(actions, np.float64)[:, :joints]
        for step in range(horizon):
            late = step * stride
            way = action[late:] - state[: max(0, len(state) - late)]
            count[step] += len(way)
            total[step] += way.sum(0)
            square[step] += (way**2).sum(0)
    require(bool((count > 0).all()), f"no episode is as long as a chunk of {horizon} actions")
    mean = total / count
    std = np.sqrt(np.maximum(square / count - mean**2, LEAST_STEP**2))
    return _rows(mean), _rows(std)


def _rows(table: NDArray[np.float64]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in table.tolist())
