"""What is shown of an episode and of all together, whether it comes from a bag or a dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dust_demos.conversion.pictures import Pixels

Values = NDArray[np.float64]
Film = Mapping[str, list[Pixels]]
"""View -> pictures in the order of time, BGR uint8 [H, W, 3]."""

GRIPPER = "gripper"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """How a topic of a bag came.

    Attributes:
        topic: its name.
        role: what it is to a dataset, such as "camera wrist" or "state"; empty: nothing.
        count: messages during the episode.
        rate: of them by their stamps, Hz; 0 for fewer than three.
        age: median time from stamp to arrival, s; NaN without stamps.
        worst_age: longest, s; NaN without stamps.
        gap: longest silence during the episode, s.
        gap_at: when that begins, s after the start.
        skew: nine of ten images have one of every other camera as near as this, s; NaN: no camera.
    """

    topic: str
    role: str
    count: int
    rate: float
    age: float
    worst_age: float
    gap: float
    gap_at: float
    skew: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Episode:
    """One episode.

    Attributes:
        name: unique in what is inspected.
        instruction: the task in words.
        outcome: how it ended; empty: unknown.
        operator: who drove; empty: unknown.
        note: remark.
        times: of the rows, from the first one on [L], s.
        state: measured, rad and opening [L, columns].
        action: commanded, rad and opening [L, columns].
        faults: what the recorder's gates flagged.
        verdict: why dust-convert leaves it out; empty: it does not.
        unwanted: the verdict is about the outcome, not about the recording.
        streams: topics of a bag.
        lag: how much older than its row an image is at most, s; NaN: unknown.
        prints: view -> digest of the first picture.
        thumbnails: view -> the first picture, small and grey, float [9, 16].
        film: gives so many pictures of each view, spread evenly.
    """

    name: str
    instruction: str
    outcome: str = ""
    operator: str = ""
    note: str = ""
    times: Values
    state: Values
    action: Values
    faults: tuple[str, ...] = ()
    verdict: str = ""
    unwanted: bool = False
    streams: tuple[Stream, ...] = ()
    lag: float = float("nan")
    prints: Mapping[str, str] = field(default_factory=dict)
    thumbnails: Mapping[str, Values] = field(default_factory=dict)
    film: Callable[[int], Film]

    def __len__(self) -> int:
        return len(self.times)

    @property
    def seconds(self) -> float:
        """How long it lasts, s."""
        return float(self.times[-1] - self.times[0]) if len(self.times) else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """Episodes that are looked at together.

    Attributes:
        name: of the dataset, bag or folder.
        kind: what it is, in words.
        converted: it is a dataset, not bags.
        fps: rows per second.
        columns: names of the columns of state and action.
        episodes: in order.
        left_out: name and reason of each that is not in the dataset, or could not be read.
    """

    name: str
    kind: str
    converted: bool
    fps: float
    columns: tuple[str, ...]
    episodes: tuple[Episode, ...]
    left_out: tuple[tuple[str, str], ...] = ()

    @property
    def joints(self) -> list[int]:
        """Places of the columns that are joints."""
        return [place for place, name in enumerate(self.columns) if GRIPPER not in name]

    @property
    def grippers(self) -> list[int]:
        """Places of the columns that are openings."""
        return [place for place, name in enumerate(self.columns) if GRIPPER in name]

    @property
    def moving(self) -> tuple[Episode, ...]:
        """The episodes that have rows."""
        return tuple(episode for episode in self.episodes if len(episode) > 1)
