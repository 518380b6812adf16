"""Fixtures: a small LeRobot dataset, written without any code of ours, and what is in it."""

import json
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dust_model.robot import RobotSpec
from dust_start.scheduling import kept_scheduling

FPS = 15
SIZES = {"wrist": (24, 32), "side": (40, 48)}
TASKS = ("pick up the red cube", "open the drawer")
LOSSLESS = ("libx264rgb", "rgb24", {"qp": "0", "g": "5"})

FEATURES = {
    "observation.state": {"dtype": "float32", "shape": [8], "names": None},
    "action": {"dtype": "float32", "shape": [8], "names": [f"motor_{i}" for i in range(8)]},
    **{
        f"observation.images.{view}": {"dtype": "video", "shape": [*size, 3], "names": None}
        for view, size in SIZES.items()
    },
    "timestamp": {"dtype": "float32", "shape": [1], "names": None},
    "frame_index": {"dtype": "int64", "shape": [1], "names": None},
    "episode_index": {"dtype": "int64", "shape": [1], "names": None},
    "index": {"dtype": "int64", "shape": [1], "names": None},
    "task_index": {"dtype": "int64", "shape": [1], "names": None},
}


@dataclass
class Truth:
    """What was written: one entry per episode in each list."""

    root: Path
    state: list
    action: list
    frames: list
    task: list

    @property
    def lengths(self):
        return [len(state) for state in self.state]


@pytest.fixture(scope="session")
def robot():
    return RobotSpec(horizon=4)


@pytest.fixture(scope="session")
def encode():
    return _encode


@pytest.fixture
def write_dataset(tmp_path):
    """Return a function that writes a dataset of a version and returns what is in it."""
    made = []

    def write(version="v2.1", lengths=(9, 6, 11), *, codec=LOSSLESS, fps=FPS, task_name="task"):
        root = tmp_path / f"dataset{len(made)}"
        made.append(root)
        random = np.random.default_rng(len(lengths))
        truth = Truth(root, [], [], [], [])
        for number, length in enumerate(lengths):
            truth.state.append(random.normal(size=(length, 8)).astype(np.float32))
            truth.action.append(random.normal(size=(length, 8)).astype(np.float32))
            truth.task.append([(number + (i > length // 2)) % 2 for i in range(length)])
            truth.frames.append(
                {
                    view: random.integers(0, 256, (length, *size, 3), dtype=np.uint8)
                    for view, size in SIZES.items()
                }
            )
        writer = _write_v30 if version == "v3.0" else _write_v21
        (root / "meta").mkdir(parents=True)
        writer(truth, version, codec, fps, task_name)
        return truth

    return write


@pytest.fixture
def make_videos_only(write_dataset):
    """Return a function that writes a dataset without states and actions, as BridgeV2 may come."""
    return lambda *args, **options: _videos_only(write_dataset(*args, **options))


def _videos_only(truth, camera="image_0"):
    """Leave nothing of a dataset but the side view, under another name, and the instructions."""
    root, old, new = truth.root, "observation.images.side", f"observation.images.{camera}"
    info = json.loads((root / "meta" / "info.json").read_text())
    for name in ("observation.state", "action", "observation.images.wrist"):
        del info["features"][name]
    info["features"][new] = info["features"].pop(old)
    (root / "meta" / "info.json").write_text(json.dumps(info))
    for path in (root / "data").rglob("*.parquet"):
        pq.write_table(pq.read_table(path).drop_columns(["observation.state", "action"]), path)
    for path in (root / "meta" / "episodes").rglob("*.parquet"):
        table = pq.read_table(path)
        table = table.rename_columns([name.replace(old, new) for name in table.column_names])
        pq.write_table(table, path)
    for path in list((root / "videos").rglob(old)):
        path.rename(path.with_name(new))
    (root / "meta" / "episodes_stats.jsonl").unlink(missing_ok=True)
    return truth


def _encode(path, frames, *, codec=LOSSLESS, fps=FPS):
    name, pixels, options = codec
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(name, rate=fps, options=options)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixels
        with kept_scheduling():
            stream.codec_context.open()
        for frame in frames:
            for packet in stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


def _info(truth, version, fps, **more):
    total = sum(truth.lengths)
    values = {
        "codebase_version": version,
        "robot_type": "fr3",
        "fps": fps,
        "total_episodes": len(truth.lengths),
        "total_frames": total,
        "chunks_size": 1000,
        "features": FEATURES,
        **more,
    }
    (truth.root / "meta" / "info.json").write_text(json.dumps(values))


def _rows(truth, number, fps, offset):
    length = truth.lengths[number]
    return {
        "observation.state": pa.FixedSizeListArray.from_arrays(truth.state[number].ravel(), 8),
        "action": pa.array(truth.action[number].tolist(), pa.list_(pa.float32())),
        "timestamp": pa.array((np.arange(length) / fps).astype(np.float32)),
        "frame_index": pa.array(np.arange(length)),
        "episode_index": pa.array(np.full(length, number)),
        "index": pa.array(np.arange(length) + offset),
        "task_index": pa.array(np.array(truth.task[number])),
    }


def _write_v21(truth, version, codec, fps, _task_name):
    root, meta = truth.root, truth.root / "meta"
    _info(
        truth,
        version,
        fps,
        data_path="data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
        video_path="videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4",
    )
    tasks = [json.dumps({"task_index": i, "task": task}) for i, task in enumerate(TASKS)]
    (meta / "tasks.jsonl").write_text("\n".join(tasks) + "\n")
    episodes, stats, offset = [], [], 0
    (root / "data" / "chunk-000").mkdir(parents=True)
    for number, length in enumerate(truth.lengths):
        table = pa.table(_rows(truth, number, fps, offset))
        pq.write_table(table, root / "data" / "chunk-000" / f"episode_{number:06d}.parquet")
        for view, frames in truth.frames[number].items():
            folder = root / "videos" / "chunk-000" / f"observation.images.{view}"
            _encode(folder / f"episode_{number:06d}.mp4", frames, codec=codec, fps=fps)
        episodes.append(
            {"episode_index": number, "tasks": [TASKS[t] for t in set(truth.task[number])]}
            | {"length": length}
        )
        stats.append({"episode_index": number, "stats": _episode_stats(truth, number)})
        offset += length
    for name, entries in (("episodes.jsonl", episodes), ("episodes_stats.jsonl", stats)):
        (meta / name).write_text("".join(json.dumps(entry) + "\n" for entry in entries))


def _episode_stats(truth, number):
    values = {"observation.state": truth.state[number], "action": truth.action[number]}
    return {
        name: {
            "mean": table.mean(0).tolist(),
            "std": table.std(0).tolist(),
            "min": table.min(0).tolist(),
            "max": table.max(0).tolist(),
            "count": [len(table)],
        }
        for name, table in values.items()
    }


def _write_v30(truth, version, codec, fps, task_name):
    """Two episodes share each parquet file; two share each video, beginning with the first."""
    root, meta = truth.root, truth.root / "meta"
    _info(
        truth,
        version,
        fps,
        data_path="data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        video_path="videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4",
    )
    tasks = {"task_index": list(range(len(TASKS))), task_name: list(TASKS)}
    pq.write_table(pa.table(tasks), meta / "tasks.parquet")
    places, offset = [], 0
    (root / "data" / "chunk-000").mkdir(parents=True)
    for file, numbers in groupby(range(len(truth.lengths)), lambda number: number // 2):
        tables, second = [], 0.0
        shared = {view: [] for view in SIZES}
        for number in numbers:
            length = truth.lengths[number]
            tables.append(pa.table(_rows(truth, number, fps, offset)))
            place = {"episode_index": number, "length": length, "tasks": list(TASKS)}
            place |= {"data/chunk_index": 0, "data/file_index": file}
            place |= {"dataset_from_index": offset, "dataset_to_index": offset + length}
            for view, frames in truth.frames[number].items():
                shared[view].extend(frames)
                key = f"videos/observation.images.{view}"
                place |= {f"{key}/chunk_index": 0, f"{key}/file_index": file}
                place |= {f"{key}/from_timestamp": second}
                place |= {f"{key}/to_timestamp": second + length / fps}
            places.append(place)
            offset += length
            second += length / fps
        pq.write_table(
            pa.concat_tables(tables), root / "data" / "chunk-000" / f"file-{file:03d}.parquet"
        )
        for view, frames in shared.items():
            folder = root / "videos" / f"observation.images.{view}" / "chunk-000"
            _encode(folder / f"file-{file:03d}.mp4", frames, codec=codec, fps=fps)
    folder = meta / "episodes" / "chunk-000"
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(places), folder / "file-000.parquet")
