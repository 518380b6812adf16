"""LeRobot v2.1: a parquet file and a video per camera for each episode."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from dust_demos.conversion.clips import join
from dust_demos.conversion.contents import Contents, image_key, whole
from dust_demos.conversion.files import write_json, write_lines

CHUNK = 1000
"""Episodes in a folder."""
DATA = "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet"
VIDEO = "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4"


def write(root: Path, contents: Contents) -> None:
    """Write data, videos and LeRobot's own metadata below `root`."""
    for index, episode in enumerate(contents.episodes):
        place = {"episode_chunk": index // CHUNK, "episode_index": index}
        table = root / DATA.format(**place)
        table.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(contents.table(index), table)
        for camera in contents.sizes:
            video = root / VIDEO.format(**place, video_key=image_key(camera))
            join([(episode.clip(camera), len(episode))], video, contents.settings.fps)
    _write_metadata(root / "meta", contents)


def _write_metadata(meta: Path, contents: Contents) -> None:
    count = len(contents.episodes)
    indices = range(count)
    write_lines(
        meta / "tasks.jsonl",
        ({"task_index": index, "task": task} for index, task in enumerate(contents.tasks)),
    )
    write_lines(
        meta / "episodes.jsonl",
        (
            {
                "episode_index": index,
                "tasks": [contents.instruction(index)],
                "length": len(contents.episodes[index]),
            }
            for index in indices
        ),
    )
    write_lines(
        meta / "episodes_stats.jsonl",
        ({"episode_index": index, "stats": contents.statistics(index)} for index in indices),
    )
    write_json(
        meta / "info.json",
        {
            "codebase_version": "v2.1",
            "robot_type": contents.settings.mapping.robot,
            "total_episodes": count,
            "total_frames": contents.starts[-1],
            "total_tasks": len(contents.tasks),
            "total_videos": count * len(contents.sizes),
            "total_chunks": -(-count // CHUNK),
            "chunks_size": CHUNK,
            "fps": whole(contents.settings.fps),
            "splits": {"train": f"0:{count}"},
            "data_path": DATA,
            "video_path": VIDEO,
            "features": contents.features(),
        },
    )
