"""Shards of a folder of pictures: what is written, under which names.

OUT/pictures.json         what all shards have in common, see `facts`
OUT/pictures-000000.npz   P pictures of one trial and what is true of them; V views, B bodies

    jpeg          uint8 [bytes]      JPEG files one behind the other, views of a picture together
    ends          int64 [P, V]       where each of them ends
    classes       uint8 [P, V, 36, 64]
    present       bool [P, B]
    place, depth, seen               float32 [P, B, V, 2], [P, B, V], [P, B, V]
    position, in_hand, grasp         float32 [P, B, 3], [P, B, 3], [P, B]
    hand, hand_yaw                   float32 [P, 3], [P]
    joints, width                    float32 [P, 7] rad, [P] m
    held          int8 [P]           body between the fingers, -1 = none
    wanted, source, target           int8 [P]  bodies of the task
    instruction   text [P]           of the task
    instructions  text [P]           all that are valid in the scene, one a line
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dust_sim.containers import CONTAINERS
from dust_sim.objects import OBJECTS
from dust_sim.pictures_camera import CLASSES, LABELLED, PICTURE_HEIGHT, PICTURE_WIDTH, VIEWS
from dust_sim.pictures_labels import GRID, Labels
from dust_sim.pictures_moments import Moment
from dust_sim.tasks import TASKS, Task

FORMAT = 2
PER_SHARD = 128
"""Pictures of one trial."""

QUALITY = 93
"""Of the JPEG files."""

FACTS = "pictures.json"

Arrays = dict[str, NDArray[Any]]


def facts(seed: int, per_shard: int = PER_SHARD) -> dict[str, Any]:
    """Return what pictures.json holds: enough to read and to name everything in the shards."""
    words = {name: spec.words for name, spec in (OBJECTS | CONTAINERS).items()}
    return {
        "format": FORMAT,
        "seed": seed,
        "per_shard": per_shard,
        "views": list(VIEWS),
        "width": PICTURE_WIDTH,
        "height": PICTURE_HEIGHT,
        "grid": list(GRID),
        "classes": list(CLASSES),
        "bodies": [
            {
                "name": name,
                "words": words[name],
                "grasp_period": OBJECTS[name].grasp_period if name in OBJECTS else 0.0,
                "inside": name not in OBJECTS and _inside(name),
            }
            for name in LABELLED
        ],
    }


def _inside(name: str) -> bool:
    """Say whether things lie in a container, not on it, as the instructions put it."""
    words = CONTAINERS[name].words
    return any(f" in the {words}" in task.template for task in TASKS.values())


def valid_instructions(task: Task, present: Sequence[str]) -> tuple[str, ...]:
    """Return the instructions that make sense in a scene: the task with every object there is."""
    return tuple(task.instruction(name) for name in OBJECTS if name in present)


class Shard:
    """Collects pictures and writes them down whole or not at all."""

    def __init__(self) -> None:
        self._files: list[bytes] = []
        self._rows: list[dict[str, Any]] = []

    def add(
        self,
        moment: Moment,
        pictures: Sequence[NDArray[np.uint8]],
        labels: Labels,
        *,
        joints: NDArray[np.float64],
        width: float,
    ) -> None:
        """Take a moment: RGB pictures of all views, the labels, joints [7] in rad, width in m."""
        placement = moment.placement
        present = tuple(placement.poses)
        parts = ("place", "depth", "seen", "position", "in_hand", "grasp", "hand", "hand_yaw")
        row: dict[str, Any] = {
            name: np.asarray(getattr(labels, name), np.float32) for name in parts
        }
        row |= {
            "classes": labels.classes,
            "present": np.array([name in present for name in LABELLED]),
            "joints": joints.astype(np.float32),
            "width": np.float32(width),
            "held": _number(moment.held),
            "wanted": _number(placement.object_name),
            "source": _number(placement.task.source),
            "target": _number(placement.task.target),
            "instruction": placement.instruction,
            "instructions": "\n".join(valid_instructions(placement.task, present)),
        }
        self._rows.append(row)
        self._files += [_encode(picture) for picture in pictures]

    def save(self, path: Path) -> None:
        """Write the shard; a crash leaves nothing under this name."""
        lengths = [len(file) for file in self._files]
        arrays: Arrays = {
            "jpeg": np.frombuffer(b"".join(self._files), np.uint8),
            "ends": np.cumsum(lengths, dtype=np.int64).reshape(-1, len(VIEWS)),
        }
        for name in self._rows[0]:
            arrays[name] = np.stack([np.asarray(row[name]) for row in self._rows])
        scratch = path.with_name(f".{path.name}.{os.getpid()}")
        with scratch.open("wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
        scratch.replace(path)


def _number(name: str) -> np.int8:
    return np.int8(LABELLED.index(name) if name else -1)


def _encode(rgb: NDArray[np.uint8]) -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    return cv2.imencode(".jpg", np.ascontiguousarray(rgb[..., ::-1]), options)[1].tobytes()


def shard_path(folder: Path, index: int) -> Path:
    """Return where a shard lies."""
    return folder / f"pictures-{index:06d}.npz"


def claim(folder: Path, values: Mapping[str, Any]) -> None:
    """Write pictures.json, or check that the one that is there says the same.

    Raises:
        ValueError: the folder holds other pictures.
    """
    path = folder / FACTS
    if path.exists():
        kept = json.loads(path.read_text())
        differing = [name for name in values if kept.get(name) != values[name]]
        if differing:
            raise ValueError(
                f"{folder} holds pictures with another {differing[0]}: choose another folder"
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / f".{FACTS}"
    scratch.write_text(json.dumps(values, indent=1) + "\n")
    scratch.replace(path)
