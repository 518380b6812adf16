"""What happened in a trial, moment by moment, as the simulated cell knows it: pure data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_PREFIX = "pose "


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """N moments of a trial.

    Attributes:
        times: [N], s of the node clock, rising.
        hand: point between the finger tips in the base frame [N, 3], m; NaN where unknown.
        opening: measured opening of the hand [N], 0 closed to 1 open.
        command: commanded opening [N], 0 to 1.
        poses: body -> position (m) and quaternion (w, x, y, z) in the base frame [N, 7]. Containers
            and objects, distractors included.
        target: container in which the object has to end.
    """

    times: Array
    hand: Array
    opening: Array
    command: Array
    poses: Mapping[str, Array]
    target: str

    def __len__(self) -> int:
        return len(self.times)

    def distances(self, name: str) -> Array:
        """Return the distance of the hand from a body's origin [N], m."""
        return np.asarray(np.linalg.norm(self.hand - self.poses[name][:, :3], axis=1))

    def rises(self, name: str) -> Array:
        """Return how far a body is above where it began [N], m."""
        height = self.poses[name][:, 2]
        return np.asarray(height - height[0])

    def shifts(self, name: str) -> Array:
        """Return how far a body has moved, seen from above [N], m."""
        place = self.poses[name][:, :2]
        return np.asarray(np.linalg.norm(place - place[0], axis=1))

    def tilts(self, name: str) -> Array:
        """Return the angle between a body's vertical axis now and at first [N], rad."""
        axis = _vertical(self.poses[name][:, 3:])
        return np.asarray(np.arccos(np.clip(axis @ axis[0], -1.0, 1.0)))

    def save(self, path: Path) -> None:
        """Write the trace as .npz; single precision is enough to look at it again."""
        path.parent.mkdir(parents=True, exist_ok=True)
        bodies = {f"{_PREFIX}{name}": rows.astype(np.float32) for name, rows in self.poses.items()}
        np.savez_compressed(
            path,
            times=self.times,
            hand=self.hand.astype(np.float32),
            opening=self.opening.astype(np.float32),
            command=self.command.astype(np.float32),
            target=np.array(self.target),
            allow_pickle=False,
            **bodies,
        )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            columns = {name: stored[name] for name in stored.files}
        numbers = {n: c.astype(np.float64) for n, c in columns.items() if n != "target"}
        return cls(
            times=numbers["times"],
            hand=numbers["hand"],
            opening=numbers["opening"],
            command=numbers["command"],
            poses={
                name.removeprefix(_PREFIX): rows
                for name, rows in numbers.items()
                if name.startswith(_PREFIX)
            },
            target=str(columns["target"]),
        )


@dataclass(frozen=True, slots=True)
class Moment:
    """One row of a trace; see `Trace` for the units."""

    time: float
    hand: tuple[float, float, float]
    opening: float
    command: float
    poses: Mapping[str, tuple[float, ...]]


def join_moments(moments: Sequence[Moment], *, target: str) -> Trace | None:
    """Return the trace of moments in order; None of none.

    Only bodies of the last moment count: what was there before a reset is left behind.
    """
    if not moments:
        return None
    names = moments[-1].poses.keys()
    rows = [moment for moment in moments if names <= moment.poses.keys()]
    return Trace(
        times=np.array([row.time for row in rows]),
        hand=np.array([row.hand for row in rows]),
        opening=np.array([row.opening for row in rows]),
        command=np.array([row.command for row in rows]),
        poses={name: np.array([row.poses[name] for row in rows]) for name in names},
        target=target,
    )


def _vertical(quaternions: Array) -> Array:
    """Return the z axes [N, 3] of rotations given as (w, x, y, z) [N, 4]."""
    w, x, y, z = quaternions.T
    return np.column_stack([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)])
