"""LeRobot v3.0: episodes share parquet files and videos up to a size."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dust_demos.conversion.clips import join
from dust_demos.conversion.contents import Contents, image_key, whole
from dust_demos.conversion.files import write_json

CHUNK = 1000
"""Files in a folder."""
DATA_MB, VIDEO_MB = 100, 200
"""Size at which the next file begins."""
DATA = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
EPISODES = "meta/episodes/chunk-000/file-000.parquet"

Columns = dict[str, Any]


def write(root: Path, contents: Contents) -> None:
    """Write data, videos and LeRobot's own metadata below `root`."""
    entries = [_entry(contents, index) for index in range(len(contents.episodes))]
    _write_data(root, contents, entries)
    for camera in contents.sizes:
        _write_videos(root, contents, camera, entries)
    for index, entry in enumerate(entries):
        for feature, measures in contents.statistics(index).items():
            entry |= {f"stats/{feature}/{name}": value for name, value in measures.items()}
        entry |= {"meta/episodes/chunk_index": 0, "meta/episodes/file_index": 0}
    _write_table(root / EPISODES, pa.Table.from_pylist(entries))
    _write_table(root / "meta" / "tasks.parquet", _tasks(contents.tasks))
    write_json(root / "meta" / "info.json", _info(contents))


def _entry(contents: Contents, index: int) -> Columns:
    return {
        "episode_index": index,
        "tasks": [contents.instruction(index)],
        "length": len(contents.episodes[index]),
    }


def _write_data(root: Path, contents: Contents, entries: Sequence[Columns]) -> None:
    tables = [contents.table(index) for index in range(len(entries))]
    for number, indices in enumerate(_shared([table.nbytes for table in tables], DATA_MB)):
        place = _place(number)
        path = root / DATA.format(**place)
        path.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(path, tables[0].schema, compression="snappy") as writer:
            for index in indices:  # a row group each
                writer.write_table(tables[index])
                entries[index].update(
                    {f"data/{name}": value for name, value in place.items()}
                    | {
                        "dataset_from_index": contents.starts[index],
                        "dataset_to_index": contents.starts[index + 1],
                    }
                )


def _write_videos(root: Path, contents: Contents, camera: str, entries: Sequence[Columns]) -> None:
    key, fps = image_key(camera), contents.settings.fps
    sizes = [episode.clip(camera).stat().st_size for episode in contents.episodes]
    for number, indices in enumerate(_shared(sizes, VIDEO_MB)):
        place = _place(number)
        clips = [(contents.episodes[i].clip(camera), len(contents.episodes[i])) for i in indices]
        join(clips, root / VIDEO.format(video_key=key, **place), fps)
        frames = 0
        for index in indices:
            values = {**place, "from_timestamp": frames / fps}
            frames += len(contents.episodes[index])
            values["to_timestamp"] = frames / fps
            entries[index].update({f"videos/{key}/{n}": v for n, v in values.items()})


def _shared(sizes: Sequence[int], limit_mb: int) -> Iterator[list[int]]:
    """Yield which episodes share a file: as many as stay below the limit, one at least."""
    group: list[int] = []
    total = 0
    for index, size in enumerate(sizes):
        if group and total + size >= limit_mb * 1024**2:
            yield group
            group, total = [], 0
        group.append(index)
        total += size
    yield group


def _place(number: int) -> dict[str, int]:
    return {"chunk_index": number // CHUNK, "file_index": number % CHUNK}


def _tasks(tasks: Sequence[str]) -> pa.Table:
    """Return the tasks as pandas stores a table whose index is the instruction."""
    table = pa.table({"task_index": list(range(len(tasks))), "task": list(tasks)})
    kinds = (("task_index", "int64", "int64"), ("task", "unicode", "object"))
    pandas = {
        "index_columns": ["task"],
        "column_indexes": [_pandas_column(None, "unicode", "object", {"encoding": "UTF-8"})],
        "columns": [_pandas_column(*kind, None) for kind in kinds],
        "attributes": {},
        "creator": {"library": "pyarrow", "version": pa.__version__},
        "pandas_version": "2.3.0",
    }
    return table.replace_schema_metadata({"pandas": json.dumps(pandas)})


def _pandas_column(name: str | None, kind: str, stored: str, more: Any) -> dict[str, Any]:
    entry = {"name": name, "field_name": name, "pandas_type": kind, "numpy_type": stored}
    return entry | {"metadata": more}


def _write_table(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="snappy")


def _info(contents: Contents) -> dict[str, Any]:
    count = len(contents.episodes)
    return {
        "codebase_version": "v3.0",
        "fps": whole(contents.settings.fps),
        "features": contents.features(),
        "total_episodes": count,
        "total_frames": contents.starts[-1],
        "total_tasks": len(contents.tasks),
        "chunks_size": CHUNK,
        "data_files_size_in_mb": DATA_MB,
        "video_files_size_in_mb": VIDEO_MB,
        "data_path": DATA,
        "video_path": VIDEO,
        "robot_type": contents.settings.mapping.robot,
        "splits": {"train": f"0:{count}"},
    }
