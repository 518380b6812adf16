"""Which moments of the demonstrations are looked at.

spread   anywhere, over all episodes, with a whole chunk of demonstrated actions behind them
later    `shift` periods after each of `spread`, for the same reason
starts   the last moment of an episode at which the arm still is where it began
grips    shortly before the gripper is told to open or close
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from dust_model.data.sample import Sample  # it brings in torch

Array = NDArray[np.float64]

STILL = 0.01
"""A joint within this distance of where it began has not moved yet. Unit: rad."""


class Episodes(Protocol):
    """A dataset as far as the checks need it; LeRobotDataset is one."""

    @property
    def lengths(self) -> Sequence[int]:
        """Moments of each episode."""

    def read(self, episode: int, start: int, stop: int) -> list[Sample]:
        """Return the samples of moments `start` to `stop` - 1 of an episode."""


class Numbers(Protocol):
    """What the choice of moments looks at, without decoding a video."""

    def states(self, episode: int) -> Array:
        """Return the states of an episode [L, S]."""

    def actions(self, episode: int) -> Array:
        """Return the actions of an episode [L, A]."""


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """One moment of a demonstration.

    Attributes:
        episode: Place of the episode in the dataset.
        index: Place of the moment in the episode.
        views: Camera -> RGB image, uint8 [H, W, 3].
        state: Joints (rad) and gripper opening [S].
        actions: What was commanded then and in the coming periods [K, A].
        instruction: The task in words.
    """

    episode: int
    index: int
    views: Mapping[str, NDArray[np.uint8]]
    state: Array
    actions: Array
    instruction: str


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """The moments that the checks look at; see the module's head.

    Attributes:
        spread: Anywhere.
        later: For each of `spread`, the one `shift` periods later.
        starts: One per episode that has one.
        grips: A few per episode.
        shift: Periods between `spread` and `later`.
        idle: For each of `starts`, how many periods the demonstration stood still before it.
    """

    spread: tuple[Moment, ...]
    later: tuple[Moment, ...]
    starts: tuple[Moment, ...]
    grips: tuple[Moment, ...]
    shift: int
    idle: tuple[int, ...]


def choose_moments(
    episodes: Episodes,
    numbers: Numbers,
    *,
    horizon: int,
    stride: int = 1,
    count: int = 64,
    shift: int = 4,
    seed: int = 0,
) -> Moments:
    """Choose and read the moments.

    Args:
        episodes: The dataset.
        numbers: Its states and actions.
        horizon: Actions in a chunk, K.
        stride: Recorded frames from one action to the next.
        count: How many moments of each kind, at most.
        shift: Periods between `spread` and `later`. Range: 1 to horizon - 1.
        seed: Decides which.

    Raises:
        ValueError: No episode is long enough.
    """
    random = np.random.default_rng(seed)
    span, ahead = horizon * stride, shift * stride
    long = [e for e, length in enumerate(episodes.lengths) if length >= span + ahead]
    if not long:
        raise ValueError(
            f"no episode has the {span + ahead} frames that a chunk and its successor take"
        )
    order = [long[int(i)] for i in random.permutation(len(long))]
    chosen = [order[i % len(order)] for i in range(count)]
    places = [(e, int(random.integers(episodes.lengths[e] - span - ahead + 1))) for e in chosen]
    starts = [(e, _last_still(numbers.states(e))) for e in order[:count]]
    starts = [(e, t) for e, t in starts if t + span <= episodes.lengths[e]]
    grips = [
        (e, t)
        for e in order[:count]
        for t in _before_toggles(numbers.actions(e)[:, -1], span)
        if t + span <= episodes.lengths[e]
    ]
    return Moments(
        spread=tuple(_read(episodes, e, t) for e, t in places),
        later=tuple(_read(episodes, e, t + ahead) for e, t in places),
        starts=tuple(_read(episodes, e, t) for e, t in starts),
        grips=tuple(_read(episodes, e, t) for e, t in grips[:count]),
        shift=shift,
        idle=tuple(t // stride for _, t in starts),
    )


def _read(episodes: Episodes, episode: int, index: int) -> Moment:
    sample = episodes.read(episode, index, index + 1)[0]
    return Moment(
        episode=episode,
        index=index,
        views=sample.views,
        state=sample.state.astype(np.float64),
        actions=sample.actions.astype(np.float64),
        instruction=sample.instruction,
    )


def _last_still(states: Array) -> int:
    """Return the last moment before any joint has left its first position."""
    away = np.abs(states[:, :-1] - states[0, :-1]).max(axis=1) > STILL
    return max(int(np.argmax(away)) - 1, 0) if away.any() else 0


def _before_toggles(gripper: Array, span: int) -> list[int]:
    """Return a moment in whose chunk the gripper changes at its middle, for each change."""
    shut = gripper < 0.5
    changes = np.flatnonzero(shut[1:] != shut[:-1]) + 1
    return [max(int(change) - span // 2, 0) for change in changes]
