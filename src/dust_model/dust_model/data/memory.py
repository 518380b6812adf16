"""Samples in memory: tests, small problems, demonstrations that were never written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dust_model.config import require
from dust_model.data.sample import Sample
from dust_model.data.window import Window


class MemoryDataset:
    """Episodes of samples, with the interface of LeRobotDataset."""

    def __init__(self, episodes: Sequence[Sequence[Sample]]) -> None:
        require(
            bool(episodes) and all(len(episode) > 0 for episode in episodes),
            "a dataset needs at least one episode, and each at least one sample",
        )
        self._episodes = [list(episode) for episode in episodes]
        self._flat = [sample for episode in self._episodes for sample in episode]

    @property
    def lengths(self) -> tuple[int, ...]:
        """Samples of each episode."""
        return tuple(len(episode) for episode in self._episodes)

    def __len__(self) -> int:
        return len(self._flat)

    def __getitem__(self, index: int) -> Sample:
        return self._flat[index]

    def read(self, episode: int, start: int, stop: int) -> list[Sample]:
        """Return the samples `start` to `stop` - 1 of an episode."""
        return self._episodes[episode][start:stop]

    def states(self) -> NDArray[np.float32]:
        """Return every state, [samples, state_dim], raw units."""
        return np.stack([sample.state for sample in self._flat])

    def actions(self) -> NDArray[np.float32]:
        """Return every demonstrated action once per chunk it is in, [N, action_dim], raw units."""
        return np.concatenate([sample.actions[sample.action_mask.all(1)] for sample in self._flat])


def cut(
    views: Mapping[str, NDArray[np.uint8]],
    state: ArrayLike,
    actions: ArrayLike,
    instruction: str,
    *,
    window: Window,
    primary_view: str | None,
    absolute: ArrayLike = True,
    embodiment: int = 0,
    name: str = "",
) -> list[Sample]:
    """Cut one recorded episode of L frames into its L samples.

    Args:
        views: camera name -> RGB frames, uint8 [L, H, W, 3].
        state: [L, state_dim], raw units.
        actions: [L, action_dim], raw units.
        instruction: the task in words.
        window: the rule for chunks and future images.
        primary_view: the view whose future is wanted, or None for no future.
        absolute: which action columns are absolute, [action_dim] or one for all.
        embodiment: slot of the encoders and decoders.
        name: first part of the samples' keys.
    """
    rows, moves = np.asarray(state, np.float32), np.asarray(actions, np.float32)
    kinds = np.broadcast_to(np.asarray(absolute, np.bool_), moves.shape[1:])
    counts = {"actions": len(moves), **{view: len(frames) for view, frames in views.items()}}
    for part, count in counts.items():
        require(count == len(rows), f"{part} has {count} frames, state has {len(rows)}")
    samples = []
    for moment in range(len(rows)):
        chunk, mask = window.chunk(moves, moment, kinds)
        ahead = window.future(moment, len(rows))
        samples.append(
            Sample(
                views={view: frames[moment] for view, frames in views.items()},
                state=rows[moment],
                actions=chunk,
                action_mask=mask,
                instruction=instruction,
                future=None if primary_view is None else views[primary_view][ahead],
                embodiment=embodiment,
                key=f"{name}/{moment:06d}",
            )
        )
    return samples
