"""What a dataset consists of, whatever the layout of its files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from dust_demos.conversion.clips import Codec
from dust_demos.conversion.faults import Gate, LeftOut
from dust_demos.conversion.staging import Settings, Staged
from dust_demos.conversion.statistics import ColourCounts, Statistics, of_columns

STATE, ACTION = "observation.state", "action"
NUMBERS = {
    "timestamp": "float32",
    "frame_index": "int64",
    "episode_index": "int64",
    "index": "int64",
    "task_index": "int64",
}
"""Columns that every LeRobot dataset has."""


def image_key(camera: str) -> str:
    """Return the name of a camera's feature."""
    return f"observation.images.{camera}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contents:
    """The episodes of a dataset and what they have in common.

    Attributes:
        settings: how they were converted.
        episodes: in order; their place is their index.
        tasks: instructions in the order in which they appear first; their place is their index.
        sizes: camera -> width and height.
    """

    settings: Settings
    episodes: tuple[Staged, ...]
    tasks: tuple[str, ...]
    sizes: dict[str, tuple[int, int]]

    @property
    def starts(self) -> tuple[int, ...]:
        """First row of each episode in the dataset, and behind the last one's end."""
        return tuple(np.cumsum([0, *map(len, self.episodes)]).tolist())

    def instruction(self, index: int) -> str:
        """Return an episode's task in words."""
        return str(self.episodes[index].facts["instruction"])

    def numbers(self, index: int) -> dict[str, np.ndarray]:
        """Return the columns of an episode that are no images, [L] or [L, columns]."""
        episode = self.episodes[index]
        length, frames = len(episode), np.arange(len(episode), dtype=np.int64)
        return {
            STATE: episode.state,
            ACTION: episode.action,
            "timestamp": (frames / self.settings.fps).astype(np.float32),
            "frame_index": frames,
            "episode_index": np.full(length, index, np.int64),
            "index": frames + self.starts[index],
            "task_index": np.full(length, self.tasks.index(self.instruction(index)), np.int64),
        }

    def table(self, index: int) -> pa.Table:
        """Return the rows of an episode as they are stored."""
        arrays = {}
        for name, values in self.numbers(index).items():
            flat = pa.array(np.ascontiguousarray(values).ravel())
            vector = values.ndim == 2
            arrays[name] = (
                pa.FixedSizeListArray.from_arrays(flat, values.shape[1]) if vector else flat
            )
        return pa.table(arrays)

    def statistics(self, index: int) -> dict[str, Statistics]:
        """Return the statistics of an episode, feature by feature."""
        found = {name: of_columns(values) for name, values in self.numbers(index).items()}
        colours = self.episodes[index].colours
        return found | {image_key(name): colours[name].statistics() for name in self.sizes}

    def all_statistics(self) -> dict[str, Statistics]:
        """Return the statistics of all episodes together, feature by feature."""
        tables = [self.numbers(index) for index in range(len(self.episodes))]
        found = {name: of_columns(np.concatenate([t[name] for t in tables])) for name in tables[0]}
        for name in self.sizes:
            counts = ColourCounts()
            for episode in self.episodes:
                counts.merge(episode.colours[name])
            found[image_key(name)] = counts.statistics()
        return found

    def features(self) -> dict[str, Any]:
        """Return info.json's description of every column and video."""
        names = list(self.settings.mapping.columns)
        vector = {"dtype": "float32", "shape": [len(names)], "names": names}
        return {
            STATE: dict(vector),
            ACTION: dict(vector),
            **{image_key(name): self._video(name) for name in self.sizes},
            **{n: {"dtype": t, "shape": [1], "names": None} for n, t in NUMBERS.items()},
        }

    def modality(self) -> dict[str, Any]:
        """Return GR00T's description of what the columns mean."""
        joints = len(self.settings.mapping.joints)
        groups = {"arm": {"start": 0, "end": joints}}
        if self.settings.mapping.has_gripper:
            groups["gripper"] = {"start": joints, "end": joints + 1}
        return {
            "state": groups,
            "action": {name: {**group, "absolute": True} for name, group in groups.items()},
            "video": {name: {"original_key": image_key(name)} for name in self.sizes},
            "annotation": {"human.task_description": {"original_key": "task_index"}},
        }

    def sources(self, names: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield where each episode comes from: bag, facts, and how well its images fit."""
        for index, (episode, name) in enumerate(zip(self.episodes, names, strict=True)):
            yield {
                "episode_index": index,
                "bag": name,
                **episode.facts,
                "skew": round(episode.skew, 6),
                "lag": round(episode.lag, 6),
            }

    def _video(self, camera: str) -> dict[str, Any]:
        width, height = self.sizes[camera]
        codec = self.settings.encoding.codec
        info = {
            "video.height": height,
            "video.width": width,
            "video.codec": {Codec.H264: "h264", Codec.AV1: "av1"}[codec],
            "video.pix_fmt": "yuv420p",
            "video.is_depth_map": False,
            "video.fps": whole(self.settings.fps),
            "video.channels": 3,
            "has_audio": False,
        }
        shape, names = [height, width, 3], ["height", "width", "channels"]
        return {"dtype": "video", "shape": shape, "names": names, "info": info}


def gather(
    settings: Settings, staged: Sequence[tuple[str, Staged | LeftOut]]
) -> tuple[Contents, list[str], list[LeftOut]]:
    """Return the dataset's contents, the names of its bags, and what was left out.

    Images of a camera must have one size: that of most episodes, of the first one in a tie.
    """
    left_out = [found for _, found in staged if isinstance(found, LeftOut)]
    whole_ones = [(name, found) for name, found in staged if isinstance(found, Staged)]
    kinds = Counter(tuple(sorted(episode.sizes.items())) for _, episode in whole_ones)
    sizes = dict(kinds.most_common(1)[0][0]) if kinds else {}
    kept = [(name, episode) for name, episode in whole_ones if episode.sizes == sizes]
    left_out += [_misfit(name, e, sizes) for name, e in whole_ones if e.sizes != sizes]
    episodes = tuple(episode for _, episode in kept)
    cameras = {name: sizes[name] for name in settings.mapping.views if name in sizes}
    tasks = tuple(dict.fromkeys(str(episode.facts["instruction"]) for episode in episodes))
    contents = Contents(settings=settings, episodes=episodes, tasks=tasks, sizes=cameras)
    return contents, [name for name, _ in kept], sorted(left_out, key=lambda found: found.bag)


def whole(number: float) -> int | float:
    """Return a number as JSON has it best: 15, not 15.0."""
    return int(number) if float(number).is_integer() else number


def _misfit(name: str, episode: Staged, sizes: dict[str, tuple[int, int]]) -> LeftOut:
    camera = next(camera for camera in sizes if episode.sizes[camera] != sizes[camera])
    own, others = ("x".join(map(str, s[camera])) for s in (episode.sizes, sizes))
    reason = f"camera {camera}: images are {own}, the other episodes' {others}; give --size"
    return LeftOut(bag=name, gate=Gate.IMAGE, reason=reason)
