"""Episodes out of LeRobot datasets, v3.0 and v2.1, from their own parquet and video files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dust_demos.conversion.contents import ACTION, STATE
from dust_demos.conversion.pictures import Pixels
from dust_demos.inspection.episode import Collection, Episode, Film, Values
from dust_demos.inspection.film import thumbnail

_IMAGES = "observation.images."
_READ = ("timestamp", "episode_index", STATE, ACTION)


@dataclass(frozen=True, slots=True)
class Clip:
    """Where an episode's pictures of one view are: file, time of the first one in it (s), rate."""

    path: Path
    start: float
    fps: float


@dataclass(frozen=True, slots=True)
class _Entry:
    """An episode as the metadata describe it."""

    index: int
    task: str
    length: int
    data: Path
    clips: dict[str, Clip]


def is_dataset(path: Path) -> bool:
    """Return whether there is a LeRobot dataset at `path`."""
    return (path / "meta" / "info.json").is_file()


def read_info(root: Path) -> dict[str, Any]:
    """Return meta/info.json.

    Raises:
        ValueError: it is damaged, or a key is missing, or the version is unknown.
    """
    path = root / "meta" / "info.json"
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
        version, features = info["codebase_version"], info["features"]
        widths = [int(features[name]["shape"][0]) for name in (STATE, ACTION)]
        _ = info["fps"], info["data_path"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not LeRobot's: {error}") from None
    if widths[0] != widths[1]:
        raise ValueError(f"{path}: {STATE} has {widths[0]} columns, {ACTION} {widths[1]}")
    if version not in ("v3.0", "v2.1"):
        raise ValueError(f"{path}: version {version} is not v3.0 or v2.1")
    values: dict[str, Any] = info
    return values


def read_dataset(root: Path, info: dict[str, Any], *, done: Callable[[], None]) -> Collection:
    """Read a dataset.

    Args:
        root: folder of the dataset.
        info: what `read_info` gave.
        done: called for every episode.

    Raises:
        ValueError: a file is missing or damaged.
    """
    try:
        entries = _entries_v30(root, info) if info["codebase_version"] == "v3.0" else ()
        entries = entries or _entries_v21(root, info)
        told = {int(row["episode_index"]): row for row in _lines(root / "meta/sources.jsonl")}
        episodes = []
        for entry, table in _tables(entries):
            episodes.append(_episode(entry, table, told.get(entry.index, {}), info))
            done()
        left_out = tuple(
            (row["bag"], row["reason"]) for row in _lines(root / "meta/left_out.jsonl")
        )
    except (OSError, KeyError, IndexError, pa.ArrowException, av.FFmpegError) as error:
        raise ValueError(f"{root} can't be read: {_told(error)}") from error
    return Collection(
        name=root.resolve().name,
        kind=f"LeRobot dataset {info['codebase_version']}",
        converted=True,
        fps=float(info["fps"]),
        columns=_columns(info["features"][STATE]),
        episodes=tuple(episodes),
        left_out=left_out,
    )


def _told(error: Exception) -> str:
    text = (str(error) or type(error).__name__).splitlines()[0]
    return f"no {text}" if isinstance(error, KeyError) else text


def _views(info: dict[str, Any]) -> dict[str, str]:
    """Return view -> feature of those that are stored as videos."""
    videos = [name for name, kind in info["features"].items() if kind["dtype"] == "video"]
    return {name.removeprefix(_IMAGES): name for name in videos}


def _columns(feature: dict[str, Any]) -> tuple[str, ...]:
    names = feature.get("names")
    if isinstance(names, dict):
        names = next(iter(names.values()), None)
    count = int(feature["shape"][0])
    if isinstance(names, list) and len(names) == count:
        return tuple(map(str, names))
    return tuple(f"column {place}" for place in range(count))


def _entries_v30(root: Path, info: dict[str, Any]) -> Sequence[_Entry]:
    files = sorted((root / "meta" / "episodes").glob("**/*.parquet"))
    if not files:
        raise ValueError(f"{root}/meta/episodes has no parquet file")
    rows: list[dict[str, Any]] = []
    for file in files:
        names = [n for n in pq.read_schema(file).names if not n.startswith("stats/")]
        rows += pq.read_table(file, columns=names).to_pylist()
    return [_entry_v30(root, info, row) for row in rows]


def _entry_v30(root: Path, info: dict[str, Any], row: dict[str, Any]) -> _Entry:
    clips = {}
    for view, key in _views(info).items():
        place = {name: row[f"videos/{key}/{name}"] for name in ("chunk_index", "file_index")}
        path = root / info["video_path"].format(video_key=key, **place)
        clips[view] = Clip(path, float(row[f"videos/{key}/from_timestamp"]), float(info["fps"]))
    place = {name: row[f"data/{name}"] for name in ("chunk_index", "file_index")}
    data = root / info["data_path"].format(**place)
    return _Entry(row["episode_index"], _task(row), row["length"], data, clips)


def _entries_v21(root: Path, info: dict[str, Any]) -> Sequence[_Entry]:
    found = []
    for row in _lines(root / "meta/episodes.jsonl"):
        index = int(row["episode_index"])
        place = {"episode_index": index, "episode_chunk": index // int(info["chunks_size"])}
        clips = {
            view: Clip(root / info["video_path"].format(**place, video_key=key), 0.0, info["fps"])
            for view, key in _views(info).items()
        }
        data = root / info["data_path"].format(**place)
        found.append(_Entry(index, _task(row), int(row["length"]), data, clips))
    return found


def _task(row: dict[str, Any]) -> str:
    return str(row["tasks"][0]) if len(row["tasks"]) else ""


def _lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a file that may be missing."""
    if not path.is_file():
        return []
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from None


def _tables(entries: Sequence[_Entry]) -> Iterator[tuple[_Entry, dict[str, Any]]]:
    """Yield the rows of each episode; a file that several share is read once."""
    path, columns = None, {}
    for entry in entries:
        if entry.data != path:
            table = pq.read_table(entry.data, columns=list(_READ))
            path, columns = entry.data, {name: _array(table[name]) for name in _READ}
        mine = columns["episode_index"] == entry.index
        yield entry, {name: values[mine] for name, values in columns.items()}


def _array(column: pa.ChunkedArray) -> Any:
    flat = column.combine_chunks()
    if pa.types.is_list(flat.type) or pa.types.is_fixed_size_list(flat.type):
        return np.asarray(flat.flatten(), np.float64).reshape(len(column), -1)
    return np.asarray(flat)


def _episode(
    entry: _Entry, rows: dict[str, Any], told: dict[str, Any], info: dict[str, Any]
) -> Episode:
    film = partial(_film, entry)
    first = film(1)
    return Episode(
        name=_name(entry, told),
        instruction=entry.task,
        outcome=str(told.get("outcome", "")),
        operator=str(told.get("operator", "")),
        note=str(told.get("note", "")),
        times=_times(rows["timestamp"]),
        state=rows[STATE],
        action=rows[ACTION],
        faults=tuple(str(fault["text"]) for fault in told.get("faults", ())),
        lag=float(told.get("lag", "nan")),
        prints={v: hashlib.blake2b(p[0].tobytes()).hexdigest() for v, p in first.items() if p},
        thumbnails={v: thumbnail(p[0]) for v, p in first.items() if p},
        film=film,
    )


def _name(entry: _Entry, told: dict[str, Any]) -> str:
    bag = f" ({told['bag']})" if "bag" in told else ""
    return f"episode {entry.index}{bag}"


def _times(timestamps: Any) -> Values:
    return np.asarray(timestamps, np.float64)


def _film(entry: _Entry, count: int) -> Film:
    places = np.unique(np.linspace(0, max(entry.length - 1, 0), count).round().astype(int))
    return {view: list(_frames(clip, places.tolist())) for view, clip in entry.clips.items()}


def _frames(clip: Clip, places: Sequence[int]) -> Iterator[Pixels]:
    """Yield the pictures at rows of an episode; those behind the video's end are missing."""
    with av.open(str(clip.path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        base = stream.time_base
        assert base is not None, "videos in files have a time base"
        for place in places:
            due = clip.start + place / clip.fps
            container.seek(round(due / float(base)), stream=stream)
            for frame in container.decode(stream):
                if frame.time is not None and frame.time > due - 0.5 / clip.fps:
                    yield np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
                    break
