"""Tests of dust_eval.offline.check: the command, on a real dataset and an untrained checkpoint."""

import json
import shutil

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dust_eval.offline.check import main

FPS = 15
LENGTH = 40
CAMERAS = ("observation.images.wrist", "observation.images.side")


def write_video(path, frames):
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264rgb", rate=FPS, options={"qp": "0", "g": "2"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "rgb24"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


@pytest.fixture(scope="module")
def demos(tmp_path_factory):
    """A LeRobot dataset v2.1 of four episodes, written without any code of ours."""
    root, random = tmp_path_factory.mktemp("data") / "demos", np.random.default_rng(0)
    (root / "meta").mkdir(parents=True)
    (root / "data" / "chunk-000").mkdir(parents=True)
    vector = {"dtype": "float32", "shape": [8], "names": None}
    video = {"dtype": "video", "shape": [24, 32, 3], "names": None}
    info = {
        "codebase_version": "v2.1",
        "fps": FPS,
        "chunks_size": 1000,
        "features": {"observation.state": vector, "action": vector} | dict.fromkeys(CAMERAS, video),
        "data_path": "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
        "video_path": "videos/{video_key}/episode_{episode_index:06d}.mp4",
    }
    (root / "meta" / "info.json").write_text(json.dumps(info))
    tasks = [{"task_index": i, "task": f"pick up thing {i}"} for i in range(2)]
    episodes = [{"episode_index": i, "length": LENGTH} for i in range(4)]
    for name, rows in (("tasks", tasks), ("episodes", episodes)):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (root / "meta" / f"{name}.jsonl").write_text(text)
    for number in range(4):
        path = np.linspace(0, 1, LENGTH + 1)[:, None] * random.normal(scale=0.5, size=8)
        path[:, 7] = np.arange(LENGTH + 1) < LENGTH // 2
        table = {
            "observation.state": path[:-1].astype(np.float32).tolist(),
            "action": path[1:].astype(np.float32).tolist(),
            "timestamp": (np.arange(LENGTH) / FPS).astype(np.float32),
            "episode_index": np.full(LENGTH, number),
            "task_index": np.full(LENGTH, number % 2),
        }
        pq.write_table(pa.table(table), root / f"data/chunk-000/episode_{number:06d}.parquet")
        for key in CAMERAS:
            frames = random.integers(0, 256, (LENGTH, 24, 32, 3), dtype=np.uint8)
            write_video(root / "videos" / key / f"episode_{number:06d}.mp4", frames)
    return root


def test_an_untrained_checkpoint_is_bad_and_its_card_says_so(
    demos, tiny_checkpoint, tmp_path, capsys
):
    checkpoint = shutil.copytree(tiny_checkpoint, tmp_path / "tiny")
    (checkpoint / "README.md").write_text("# tiny\n")
    arguments = [str(checkpoint), str(demos), "--out", str(tmp_path / "out"), "--card"]
    assert main([*arguments, "--moments", "4", "--draws", "1"]) == 1
    assert "action error: Holding still would predict" in capsys.readouterr().out
    values = json.loads((tmp_path / "out" / "check.json").read_text())
    assert values["verdict"] == "bad"
    assert values["settings"]["moments"] == 4
    found = {check["check"]: check for check in values["checks"]}
    assert found["action error"]["verdict"] == "bad"
    assert found["action error"]["figures"]["holding still [rad]"] > 0.05
    assert "error of fr3_joint7 [rad]" in found["action error"]["figures"]
    assert (checkpoint / "README.md").read_text().startswith("# tiny\n\n## Offline checks\n")


def test_only_the_held_out_episodes_are_looked_at(demos, tiny_checkpoint, tmp_path):
    arguments = [str(tiny_checkpoint), str(demos), "--out", str(tmp_path), "--draws", "1"]
    main([*arguments, "--moments", "4", "--held-out", "0.25"])
    found = {c["check"]: c for c in json.loads((tmp_path / "check.json").read_text())["checks"]}
    assert found["state copying"]["says"] == "One episode alone can't be shuffled."


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "{demos}"], "checkpoint nowhere is not a folder"),
        (["{checkpoint}", "nowhere"], "nowhere is no LeRobot dataset"),
        (["{checkpoint}", "{demos}", "--shift", "16"], "a chunk has 16 actions only"),
        (["{checkpoint}", "{demos}", "--vision-steps", "5"], "must be a multiple"),
        (["{checkpoint}", "{demos}", "--device", "abacus"], "device 'abacus' can't be used"),
    ],
)
def test_mistakes_end_in_one_line(demos, tiny_checkpoint, capsys, arguments, message):
    places = {"demos": demos, "checkpoint": tiny_checkpoint}
    assert main([text.format(**places) for text in arguments]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith("dust-check: ")
    assert message in said[0]
