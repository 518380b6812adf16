"""Folders of labelled pictures: what is on disk, as arrays.

FOLDER/pictures.json         views, classes, bodies, size of the pictures
FOLDER/pictures-000000.npz   P pictures; V views, B bodies

    jpeg, ends                       uint8 [bytes]; int64 [P, V] where each view's file ends
    classes                          uint8 [P, V, rows, columns], what each cell shows
    present                          bool [P, B]
    place, depth, seen               float32 [P, B, V, 2], [P, B, V] m, [P, B, V]
    position, in_hand, grasp         float32 [P, B, 3] m, [P, B, 3] m, [P, B] rad
    hand_yaw                         float32 [P] rad
    held, source, target             int8 [P]
    instructions                     text [P], one a line

`place` is from 0 at the left or upper border of a view to 1 at the other.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dust_model.config import require
from dust_model.records import from_json

FACTS = "pictures.json"
FORMAT = 2

LABELS = (
    *("classes", "present", "place", "depth", "seen", "position", "in_hand", "grasp"),
    *("hand_yaw", "held", "source", "target", "instructions"),
)
"""Arrays of a shard that stay in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """Something that instructions name.

    Attributes:
        name: such as `blue_cube`.
        words: how instructions call it.
        grasp_period: turning the hand by this angle is the same grasp, rad; 0 for a container,
            which is not grasped.
        inside: things are put in it, not on it.
    """

    name: str
    words: str
    grasp_period: float = 0.0
    inside: bool = False

    @property
    def graspable(self) -> bool:
        """Whether it is an object, not a container."""
        return self.grasp_period > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What all pictures of a folder have in common."""

    format: int
    seed: int
    per_shard: int
    views: tuple[str, ...]
    width: int
    height: int
    grid: tuple[int, ...]
    classes: tuple[str, ...]
    bodies: tuple[Body, ...]

    @property
    def first_body(self) -> int:
        """Number of the class of the first body; the others follow in order."""
        return len(self.classes) - len(self.bodies)


class PictureFolder:
    """Pictures with their labels; labels in memory, images on disk.

    Attributes:
        facts: what all of them have in common.
        labels: arrays of `LABELS` over all pictures.
    """

    def __init__(self, folder: Path, facts: Facts, labels: dict[str, NDArray[Any]]) -> None:
        self.facts, self.labels = facts, labels
        self._folder = folder

    @classmethod
    def open(cls, path: str | Path, *, limit: int = 0) -> PictureFolder:
        """Open a folder; `limit` > 0 takes its first pictures only, in whole shards.

        Raises:
            ValueError: there are no pictures, or something is damaged.
        """
        folder = Path(path).expanduser()
        facts = _facts(folder / FACTS)
        shards = len(list(folder.glob("pictures-[0-9]*.npz")))
        require(shards > 0, f"{folder} holds no pictures yet")
        if limit:
            shards = min(shards, -(-limit // facts.per_shard))
        parts = [_read(_shard(folder, index), LABELS) for index in range(shards)]
        labels = {name: np.concatenate([part[name] for part in parts]) for name in LABELS}
        return cls(folder, facts, labels)

    def __len__(self) -> int:
        return len(self.labels["held"])

    @property
    def path(self) -> Path:
        """The folder."""
        return self._folder

    @property
    def shards(self) -> int:
        """How many shards the pictures are in, all of the same size."""
        return len(self) // self.facts.per_shard

    def files(self, shard: int) -> list[list[bytes]]:
        """Return the JPEG files of a shard, by picture and view.

        Raises:
            ValueError: the shard is damaged.
        """
        arrays = _read(_shard(self._folder, shard), ("jpeg", "ends"))
        ends = arrays["ends"].ravel()
        begins = np.concatenate([[0], ends[:-1]])
        raw = arrays["jpeg"].tobytes()
        flat = [raw[a:b] for a, b in zip(begins, ends, strict=True)]
        views = len(self.facts.views)
        return [flat[i : i + views] for i in range(0, len(flat), views)]


def _facts(path: Path) -> Facts:
    remedy = "make pictures first: python -m dust_sim.pictures OUT"
    try:
        values = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read {path}: {error}; {remedy}") from None
    facts = from_json(Facts, values, where=str(path))
    require(facts.format == FORMAT, f"{path}: format {facts.format} is not {FORMAT}; {remedy}")
    return facts


def _shard(folder: Path, index: int) -> Path:
    return folder / f"pictures-{index:06d}.npz"


def _read(path: Path, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in names}
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"cannot read the pictures {path}: {error}; make them again") from None
