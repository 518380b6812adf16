"""The files of a LeRobot dataset, v2.1 and v3.0: where each episode's rows and frames lie.

v2.1  meta/info.json, meta/tasks.jsonl, meta/episodes.jsonl; one parquet file and one video per
      camera for each episode.
v3.0  meta/info.json, meta/tasks.parquet, meta/episodes/*/*.parquet; several episodes share a
      parquet file and a video, and the episode's row says from which second on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dust_model.config import require
from dust_model.data.faults import DataError

VERSIONS = ("v2.0", "v2.1", "v3.0")
"""Versions that can be read; v2.0 differs from v2.1 in its statistics only."""


@dataclass(frozen=True, slots=True)
class Clip:
    """Where the frames of an episode lie: a video file, and the second of the first frame."""

    path: Path
    start: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeFiles:
    """Where an episode lies.

    Attributes:
        index: the dataset's number of the episode.
        length: its frames, as the metadata says.
        table: parquet file with its rows.
        clips: video feature -> its frames.
    """

    index: int
    length: int
    table: Path
    clips: Mapping[str, Clip]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the metadata of a LeRobot dataset says.

    Attributes:
        root: folder of the dataset.
        version: one of VERSIONS.
        fps: frames per second.
        features: info.json's features.
        tasks: task index -> instruction.
        episodes: where each episode lies, in order.
    """

    root: Path
    version: str
    fps: float
    features: Mapping[str, Mapping[str, Any]]
    tasks: Mapping[int, str]
    episodes: tuple[EpisodeFiles, ...]

    @classmethod
    def read(cls, path: str | Path) -> Layout:
        """Read the metadata of the dataset at `path`.

        Raises:
            DataError: the folder or a part of meta/ is missing, broken or of another version.
        """
        root = Path(path).expanduser()
        if not (root / "meta" / "info.json").is_file():
            raise DataError(f"{root} is no LeRobot dataset: it has no meta/info.json")
        info = _json(root / "meta" / "info.json")
        version = str(info.get("codebase_version"))
        if version not in VERSIONS:
            raise DataError(
                f"{root}: LeRobot version {version} can't be read, only {', '.join(VERSIONS)}"
            )
        shared = version.startswith("v3")
        try:
            layout = cls(
                root=root,
                version=version,
                fps=float(info["fps"]),
                features=info["features"],
                tasks=_shared_tasks(root) if shared else _tasks(root),
                episodes=tuple(_shared_episodes(root, info) if shared else _episodes(root, info)),
            )
            require(layout.fps > 0, f"fps must be above 0, got {layout.fps}")
        except DataError:
            raise
        except KeyError as error:
            raise DataError(f"{root}/meta: {error} is missing") from None
        except (ValueError, TypeError, IndexError) as error:
            raise DataError(f"{root}/meta: {error}") from None
        if not layout.episodes:
            raise DataError(f"{root} has no episode")
        return layout


def read_table(path: Path, columns: Iterable[str] | None = None) -> pa.Table:
    """Read a parquet file, all columns or the named ones; DataError in one line if it can't."""
    try:
        file = pq.ParquetFile(path)
        names = None if columns is None else list(columns)
        missing = [name for name in names or () if name not in file.schema_arrow.names]
        if missing:
            raise DataError(f"{path} has no column {', '.join(missing)}")
        return file.read(columns=names)
    except FileNotFoundError:
        raise DataError(f"{path} is missing") from None
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} can't be read: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise DataError(f"{path} can't be read: {_first_line(error)}") from None
    if not isinstance(values, dict):
        raise DataError(f"{path}: expected an object")
    return values


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        texts = path.read_text().splitlines()
    except OSError as error:
        raise DataError(f"{path} can't be read: {_first_line(error)}") from None
    entries = []
    for number, text in enumerate(texts, start=1):
        try:
            entries.append(json.loads(text))
        except ValueError as error:
            raise DataError(f"{path} line {number}: {error}") from None
    return entries


def _video_features(info: Mapping[str, Any]) -> list[str]:
    return [name for name, entry in info["features"].items() if entry.get("dtype") == "video"]


def _tasks(root: Path) -> dict[int, str]:
    return {int(e["task_index"]): str(e["task"]) for e in _lines(root / "meta" / "tasks.jsonl")}


def _episodes(root: Path, info: Mapping[str, Any]) -> Iterable[EpisodeFiles]:
    cameras, size = _video_features(info), int(info["chunks_size"])
    for entry in _lines(root / "meta" / "episodes.jsonl"):
        index = int(entry["episode_index"])
        place = {"episode_chunk": index // size, "episode_index": index}
        yield EpisodeFiles(
            index=index,
            length=int(entry["length"]),
            table=root / info["data_path"].format(**place),
            clips={
                key: Clip(root / info["video_path"].format(**place, video_key=key))
                for key in cameras
            },
        )


def _shared_tasks(root: Path) -> dict[int, str]:
    # Written by pandas with the instruction as the index, which older versions left unnamed.
    rows = read_table(root / "meta" / "tasks.parquet").to_pylist()
    texts = ("task", "__index_level_0__")
    return {int(row["task_index"]): str(next(row[n] for n in texts if n in row)) for row in rows}


def _shared_episodes(root: Path, info: Mapping[str, Any]) -> Iterable[EpisodeFiles]:
    cameras = _video_features(info)
    names = ["episode_index", "length", "data/chunk_index", "data/file_index"]
    for key in cameras:
        names += [f"videos/{key}/{n}" for n in ("chunk_index", "file_index", "from_timestamp")]
    files = sorted((root / "meta" / "episodes").glob("*/*.parquet"))
    rows = [row for file in files for row in read_table(file, names).to_pylist()]
    for row in sorted(rows, key=lambda row: row["episode_index"]):
        data = {f"{n}_index": row[f"data/{n}_index"] for n in ("chunk", "file")}
        yield EpisodeFiles(
            index=int(row["episode_index"]),
            length=int(row["length"]),
            table=root / info["data_path"].format(**data),
            clips={key: _shared_clip(root, info, row, key) for key in cameras},
        )


def _shared_clip(root: Path, info: Mapping[str, Any], row: Mapping[str, Any], key: str) -> Clip:
    place = {f"{n}_index": row[f"videos/{key}/{n}_index"] for n in ("chunk", "file")}
    path = root / info["video_path"].format(video_key=key, **place)
    return Clip(path, float(row[f"videos/{key}/from_timestamp"]))
