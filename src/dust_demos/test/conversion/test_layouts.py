import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from dust_demos.conversion import layout_v21, layout_v30
from dust_demos.conversion.contents import Contents, gather
from dust_demos.conversion.staging import Settings, load, stage
from dust_model.data.lerobot import LeRobotDataset
from dust_model.robot import RobotSpec

LENGTHS = (45, 30, 52)
TASKS = ("pick up the red cube", "open the drawer", "pick up the red cube")
LAYOUTS = {"v3.0": layout_v30, "v2.1": layout_v21}
MEASURES = {"min", "max", "mean", "std", "count", "q01", "q10", "q50", "q90", "q99"}


@pytest.fixture
def contents(write_bag, tmp_path):
    settings = Settings(trim=None)
    staged = []
    for number, (length, task) in enumerate(zip(LENGTHS, TASKS, strict=True)):
        name, end = f"take_{number}", 8 / 15 + (length - 0.5) / 15
        stage(
            write_bag(name, end=end, seconds=end + 0.5, instruction=task),
            *(name, tmp_path / name, settings),
        )
        staged.append((name, load(tmp_path / name)))
    return gather(settings, staged)[0]


@pytest.fixture
def write(contents, tmp_path):
    def run(version, known: Contents = contents):
        root = tmp_path / version
        LAYOUTS[version].write(root, known)
        return root

    return run


def assert_is_what_was_recorded(root, truth):
    dataset = LeRobotDataset.open(root, RobotSpec())
    assert dataset.lengths == LENGTHS
    for episode, length in enumerate(LENGTHS):
        for moment, sample in enumerate(dataset.read(episode, 0, length)):
            t = (8 + moment) / 15
            numbers = [truth.number_in(sample.views[view]) for view in ("wrist", "side")]
            assert numbers == [8 + moment] * 2
            np.testing.assert_allclose(sample.state[:7], truth.measured(t)[0], atol=1e-4)
            np.testing.assert_allclose(sample.actions[0, :7], truth.commanded(t)[0], atol=1e-4)
            assert sample.actions[0, 7] == truth.commanded(t)[1]
            ahead = min(moment + 16, length - 1)
            assert truth.number_in(sample.future) == 8 + ahead
            assert sample.instruction == TASKS[episode]


@pytest.mark.parametrize("version", LAYOUTS)
def test_our_reader_finds_every_row_and_frame(write, version, truth):
    assert_is_what_was_recorded(write(version), truth)


def test_files_that_are_full_are_followed_by_others(write, truth, monkeypatch):
    monkeypatch.setattr(layout_v30, "VIDEO_MB", 0.012)
    monkeypatch.setattr(layout_v30, "DATA_MB", 0.008)
    monkeypatch.setattr(layout_v30, "CHUNK", 2)
    root = write("v3.0")
    videos = sorted(p.relative_to(root / "videos").as_posix() for p in root.rglob("*.mp4"))
    assert len(videos) > 4
    assert "observation.images.side/chunk-001/file-000.mp4" in videos
    assert len(list((root / "data").rglob("*.parquet"))) > 1
    assert_is_what_was_recorded(root, truth)


def test_the_episodes_table_has_every_column_of_lerobot(write, contents):
    root = write("v3.0")
    table = pq.read_table(root / layout_v30.EPISODES)
    plain = ["episode_index", "tasks", "length", "data/chunk_index", "data/file_index"]
    plain += ["dataset_from_index", "dataset_to_index"]
    for view in contents.sizes:
        key = f"videos/observation.images.{view}"
        places = ("chunk_index", "file_index", "from_timestamp", "to_timestamp")
        plain += [f"{key}/{name}" for name in places]
    plain += ["meta/episodes/chunk_index", "meta/episodes/file_index"]
    stats = [f"stats/{feature}/{m}" for feature in contents.features() for m in MEASURES]
    assert set(table.column_names) == {*plain, *stats}
    rows = table.to_pylist()
    assert [row["length"] for row in rows] == list(LENGTHS)
    assert [row["dataset_to_index"] for row in rows] == np.cumsum(LENGTHS).tolist()
    ends = [row["videos/observation.images.side/to_timestamp"] for row in rows]
    np.testing.assert_allclose(ends, np.cumsum(LENGTHS) / 15)
    assert rows[1]["tasks"] == ["open the drawer"]
    assert np.shape(rows[0]["stats/observation.images.side/mean"]) == (3, 1, 1)
    assert rows[0]["stats/action/count"] == [LENGTHS[0]]


def test_the_tasks_table_is_one_of_pandas_with_the_task_as_index(write):
    root = write("v3.0")
    schema = pq.read_schema(root / "meta" / "tasks.parquet")
    assert schema.names == ["task_index", "task"]
    assert schema.pandas_metadata["index_columns"] == ["task"]
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    tasks = pandas.read_parquet(root / "meta" / "tasks.parquet")
    assert tasks.index.tolist() == list(dict.fromkeys(TASKS))
    assert tasks.task_index.tolist() == [0, 1]


def test_vectors_are_lists_of_fixed_length(write):
    root = write("v3.0")
    schema = pq.read_schema(root / "data" / "chunk-000" / "file-000.parquet")
    assert str(schema.field("action").type) == "fixed_size_list<element: float>[8]"
    assert str(schema.field("timestamp").type) == "float"
    groups = pq.ParquetFile(root / "data" / "chunk-000" / "file-000.parquet").num_row_groups
    assert groups == len(LENGTHS)


@pytest.mark.parametrize("version", LAYOUTS)
def test_info_counts_right(write, version):
    info = json.loads((write(version) / "meta" / "info.json").read_text())
    assert info["codebase_version"] == version
    assert (info["total_episodes"], info["total_frames"]) == (3, sum(LENGTHS))
    assert (info["total_tasks"], info["fps"]) == (2, 15)
    assert info["splits"] == {"train": "0:3"}
    assert info["robot_type"] == "fr3"


def test_v21_has_its_lines(write):
    meta = write("v2.1") / "meta"
    read = {p.stem: list(map(json.loads, p.read_text().splitlines())) for p in meta.glob("*.jsonl")}
    assert [row["task"] for row in read["tasks"]] == list(dict.fromkeys(TASKS))
    assert [row["length"] for row in read["episodes"]] == list(LENGTHS)
    assert set(read["episodes_stats"][0]["stats"]["action"]) == MEASURES


def test_a_rate_that_is_no_whole_number_stays_one(contents, write):
    odd = replace(contents, settings=replace(contents.settings, fps=12.5))
    assert json.loads((write("v2.1", odd) / "meta" / "info.json").read_text())["fps"] == 12.5
