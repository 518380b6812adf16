"""GR00T's modality.json: which columns and videos of a LeRobot dataset mean what.

{"state":  {"arm": {"start": 0, "end": 7}, "gripper": {"start": 7, "end": 8}},
 "action": {"arm": {"start": 0, "end": 7, "absolute": true}, ...},
 "video":  {"side": {"original_key": "observation.images.side"}, ...},
 "annotation": {"human.task_description": {"original_key": "task_index"}}}
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dust_model.config import require

SOURCES = {"state": "observation.state", "action": "action"}
"""Feature that a group is cut from unless it names another."""

FIELDS = ("start", "end", "original_key", "absolute", "rotation_type", "dtype", "range")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Neighbouring columns of one feature that belong together, such as the arm's joints.

    Attributes:
        name: key in modality.json.
        start: first column.
        end: column behind the last.
        original_key: feature of the dataset that has the columns.
        absolute: False for actions that are differences: behind an episode's end they are zero.
        rotation_type: what the columns are if they are a rotation; they are used as stored.
        dtype: type that the file names; columns are read as float32 whatever it is.
        range: low and high if the file bounds the values.
    """

    name: str
    start: int
    end: int
    original_key: str
    absolute: bool = True
    rotation_type: str | None = None
    dtype: str | None = None
    range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        require(
            0 <= self.start < self.end,
            f"{self.name}: start={self.start} and end={self.end} hold no column",
        )

    @property
    def columns(self) -> int:
        """Number of columns."""
        return self.end - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Modality:
    """The meaning of a dataset's columns and videos.

    Attributes:
        state: groups in the order in which they make the state; none in data of videos alone.
        action: groups in the order in which they make an action; none likewise.
        video: camera name -> video feature.
        instruction: columns that may hold the index of the task, the preferred one first.
    """

    state: tuple[Group, ...]
    action: tuple[Group, ...]
    video: Mapping[str, str]
    instruction: tuple[str, ...] = ("task_index",)

    @classmethod
    def read(cls, path: str | Path) -> Modality:
        """Read a modality.json.

        Raises:
            ValueError: the file is missing or does not hold what it should; one line.
        """
        try:
            values = json.loads(Path(path).read_text())
        except (OSError, ValueError) as error:
            raise ValueError(f"cannot read {path}: {error}") from None
        try:
            return cls.parse(values)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    @classmethod
    def parse(cls, values: object) -> Modality:
        """Build the modality from what json.load gave; ValueError names the wrong key."""
        root = _mapping(values, "the file")
        parts = {kind: _mapping(root[kind], kind) for kind in SOURCES if kind in root}
        video = _mapping(root.get("video"), "video")
        annotation = _mapping(root.get("annotation", {}), "annotation")
        return cls(
            state=_groups(parts["state"], "state") if "state" in parts else (),
            action=_groups(parts["action"], "action") if "action" in parts else (),
            video={
                name: _original(entry, f"video.{name}", f"observation.images.{name}")
                for name, entry in video.items()
            },
            instruction=(
                *(
                    _original(entry, f"annotation.{name}", f"annotation.{name}")
                    for name, entry in annotation.items()
                    if name.endswith("task_description")
                ),
                "task_index",
            ),
        )

    @classmethod
    def of_features(cls, features: Mapping[str, Mapping[str, Any]]) -> Modality:
        """Return the plain LeRobot reading of info.json's `features`, without a modality.json.

        The state is all of observation.state, an action all of action, as far as there are such,
        and each video observation.images.NAME is the camera NAME.
        """
        groups: dict[str, tuple[Group, ...]] = {}
        for kind, source in SOURCES.items():
            shape = list(features.get(source, {}).get("shape") or [])
            whole = (
                Group(name=kind, start=0, end=int(size), original_key=source) for size in shape
            )
            groups[kind] = tuple(whole)[:1]
        videos = {
            key.removeprefix("observation.images."): key
            for key, feature in features.items()
            if feature.get("dtype") == "video"
        }
        return cls(state=groups["state"], action=groups["action"], video=videos)

    def select(
        self, *, state: Sequence[str] | None = None, action: Sequence[str] | None = None
    ) -> Modality:
        """Return the modality with only the named groups, in the order named; None keeps all."""
        return replace(
            self,
            state=_selected(self.state, state, "state"),
            action=_selected(self.action, action, "action"),
        )

    def of_videos(self) -> Modality:
        """Return the modality without the columns of states and actions."""
        return replace(self, state=(), action=())

    def with_cameras(self, cameras: Mapping[str, str]) -> Modality:
        """Return the modality with other names for its cameras.

        Args:
            cameras: new name -> name here. Several names may stand for one camera; a camera that
                is not mentioned keeps its name.

        Raises:
            ValueError: there is no such camera.
        """
        unknown = [name for name in cameras.values() if name not in self.video]
        require(
            not unknown,
            f"there is no camera {', '.join(map(repr, unknown))}, only "
            f"{', '.join(self.video) or 'none'}",
        )
        renamed = {name: self.video[camera] for name, camera in cameras.items()}
        return replace(self, video={**self.video, **renamed})


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{where} must be an object, got {value!r}")
    return value


def _groups(entries: Mapping[str, Any], kind: str) -> tuple[Group, ...]:
    require(bool(entries), f"{kind} names no columns")
    return tuple(_group(entry, name, kind) for name, entry in entries.items())


def _group(entry: object, name: str, kind: str) -> Group:
    where = f"{kind}.{name}"
    fields = dict(_mapping(entry, where))
    unknown = sorted(set(fields) - set(FIELDS))
    require(not unknown, f"{where}: unknown field {unknown[:1]}; known: {', '.join(FIELDS)}")
    for field in ("start", "end"):
        value = fields.get(field)
        require(type(value) is int, f"{where}.{field} must be a whole number, got {value!r}")
    absolute, bounds = fields.get("absolute", True), fields.get("range")
    require(type(absolute) is bool, f"{where}.absolute must be true or false, got {absolute!r}")
    if bounds is not None:
        require(
            isinstance(bounds, list) and len(bounds) == 2,
            f"{where}.range must be [low, high], got {bounds!r}",
        )
        fields["range"] = (float(bounds[0]), float(bounds[1]))
    fields["original_key"] = fields.get("original_key") or SOURCES[kind]
    try:
        return Group(name=name, **fields)
    except ValueError as error:
        raise ValueError(f"{kind}.{error}") from None


def _original(entry: object, where: str, default: str) -> str:
    key = _mapping(entry, where).get("original_key") or default
    require(isinstance(key, str), f"{where}.original_key must be text, got {key!r}")
    return key


def _selected(
    groups: tuple[Group, ...], names: Sequence[str] | None, kind: str
) -> tuple[Group, ...]:
    if names is None:
        return groups
    known = {group.name: group for group in groups}
    missing = [name for name in names if name not in known]
    require(
        bool(names) and not missing,
        f"{kind} has no group {', '.join(map(repr, missing)) or 'selected'}; "
        f"there are {', '.join(known)}",
    )
    return tuple(known[name] for name in names)
