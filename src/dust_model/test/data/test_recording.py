import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dust_model.data.faults import DataError, OnFault
from dust_model.data.layout import Layout, read_table
from dust_model.data.recording import Recording, column_names


def rewrite(path, change):
    """Change a parquet file's columns: name -> new values."""
    table = pq.read_table(path)
    for name, values in change.items():
        table = table.set_column(table.schema.get_field_index(name), name, values)
    pq.write_table(table, path)


def table_of(truth, episode):
    return truth.root / "data" / "chunk-000" / f"episode_{episode:06d}.parquet"


@pytest.mark.parametrize("version", ["v2.0", "v2.1", "v3.0"])
def test_all_numbers_are_what_was_written(version, write_dataset):
    truth = write_dataset(version)
    recording = Recording.open(truth.root)
    np.testing.assert_array_equal(recording.states(), np.concatenate(truth.state))
    np.testing.assert_array_equal(recording.actions(), np.concatenate(truth.action))
    assert [e.task.tolist() for e in recording.episodes] == truth.task
    assert recording.frames == sum(truth.lengths)
    assert recording.absolute.tolist() == [True] * 8
    assert recording.layout.version == version
    np.testing.assert_allclose(recording.episodes[1].times, np.arange(6) / 15, atol=1e-6)


def test_missing_columns_are_named_with_what_goes_without(write_dataset):
    truth = write_dataset()
    path = truth.root / "meta" / "info.json"
    info = json.loads(path.read_text())
    del info["features"]["action"]
    path.write_text(json.dumps(info))
    with pytest.raises(ValueError, match=r"no feature 'action' and no modality\.json that names"):
        Recording.open(truth.root)
    recording = Recording.open(truth.root, videos_only=True)
    assert recording.actions().shape == recording.states().shape == (26, 0)


@pytest.mark.parametrize("name", ["task", "__index_level_0__"])
def test_tasks_are_read_as_either_pandas_wrote_them(name, write_dataset):
    truth = write_dataset("v3.0", task_name=name)
    assert Layout.read(truth.root).tasks == {0: "pick up the red cube", 1: "open the drawer"}


def test_lists_of_one_are_numbers_too(write_dataset):
    truth = write_dataset()
    ones = {
        name: pa.array([[value] for value in values], pa.list_(pa.int64()))
        for name, values in (("episode_index", [1] * 6), ("task_index", truth.task[1]))
    }
    rewrite(table_of(truth, 1), ones)
    assert Recording.open(truth.root).episodes[1].task.tolist() == truth.task[1]


def test_columns_are_named_by_the_dataset_or_by_group(write_dataset):
    recording = Recording.open(write_dataset().root)
    names = column_names(recording.layout, recording.modality.action)
    assert names == tuple(f"motor_{i}" for i in range(8))
    names = column_names(recording.layout, recording.modality.state)
    assert names == tuple(f"state[{i}]" for i in range(8))


def not_finite(truth):
    values = truth.state[1].astype(object)
    values[3, 2] = np.nan
    rewrite(
        table_of(truth, 1), {"observation.state": pa.array(values.tolist(), pa.list_(pa.float32()))}
    )


def ragged(truth):
    rows = truth.action[1].tolist()
    rows[2], rows[3] = rows[2][:5], [*rows[3], 0.0, 0.0, 0.0]  # as many numbers as before
    rewrite(table_of(truth, 1), {"action": pa.array(rows, pa.list_(pa.float32()))})


def null(truth):
    rows = truth.action[1].tolist()
    rows[2] = None
    rewrite(table_of(truth, 1), {"action": pa.array(rows, pa.list_(pa.float32()))})


def gap(truth):
    rows = truth.action[1].tolist()
    rows[2][4] = None
    rewrite(table_of(truth, 1), {"action": pa.array(rows, pa.list_(pa.float32()))})


def narrow(truth):
    rows = truth.action[1][:, :5].tolist()
    rewrite(table_of(truth, 1), {"action": pa.array(rows, pa.list_(pa.float32()))})


def short(truth):
    pq.write_table(pq.read_table(table_of(truth, 1)).slice(0, 4), table_of(truth, 1))


def backwards(truth):
    rewrite(table_of(truth, 1), {"timestamp": pa.array(np.arange(6, 0, -1, dtype=np.float32))})


def stranger(truth):
    rewrite(table_of(truth, 1), {"task_index": pa.array([7] * 6)})


def truncated(truth):
    whole = table_of(truth, 1).read_bytes()
    table_of(truth, 1).write_bytes(whole[: len(whole) // 2])


def missing(truth):
    table_of(truth, 1).unlink()


def columnless(truth):
    pq.write_table(pq.read_table(table_of(truth, 1)).drop_columns(["action"]), table_of(truth, 1))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (not_finite, "observation.state has a value that is no finite number, first in row 3"),
        (ragged, "action does not hold rows of equally many numbers"),
        (null, "action does not hold rows of equally many numbers"),
        (gap, "action has a value that is no finite number, first in row 2"),
        (narrow, "action has 5 columns, action needs columns 0 to 7"),
        (short, "has 4 rows of it, the metadata say 6"),
        (backwards, "timestamp does not rise from frame to frame"),
        (stranger, "task 7 is not among the tasks in meta/"),
        (truncated, "can't be read: "),
        (missing, "is missing"),
        (columnless, "has no column action"),
    ],
)
def test_a_faulty_episode_is_named_or_left_out(damage, reason, write_dataset):
    truth = write_dataset()
    damage(truth)
    with pytest.raises(
        DataError, match=f"^episode 1: .*episode_000001.parquet.*{reason}"
    ) as caught:
        Recording.open(truth.root)
    assert "\n" not in str(caught.value)
    recording = Recording.open(truth.root, on_fault=OnFault.SKIP)
    assert recording.frames == 20
    assert [fault.episode for fault in recording.left_out] == [1]
    assert str(recording.left_out[0]).startswith("episode 1 left out: ")
    np.testing.assert_array_equal(
        recording.states(), np.concatenate((truth.state[0], truth.state[2]))
    )


def test_a_shared_table_that_is_missing_costs_its_episodes(write_dataset):
    truth = write_dataset("v3.0")
    (truth.root / "data" / "chunk-000" / "file-000.parquet").unlink()
    recording = Recording.open(truth.root, on_fault=OnFault.SKIP)
    assert [fault.episode for fault in recording.left_out] == [0, 1]
    np.testing.assert_array_equal(recording.states(), truth.state[2])
    (truth.root / "data" / "chunk-000" / "file-001.parquet").unlink()
    with pytest.raises(DataError, match="no episode is whole; episode 0 left out"):
        Recording.open(truth.root, on_fault=OnFault.SKIP)


def test_metadata_mistakes_are_one_line(write_dataset, tmp_path):
    with pytest.raises(DataError, match=r"is no LeRobot dataset: it has no meta/info\.json"):
        Layout.read(tmp_path)
    truth = write_dataset()
    path = truth.root / "meta" / "info.json"
    info = json.loads(path.read_text())
    for change, message in (
        ({"codebase_version": "v1.6"}, r"version v1\.6 can't be read, only v2\.0, v2\.1, v3\.0"),
        ({"fps": 0}, "fps must be above 0, got 0"),
        ({"fps": "fast"}, "could not convert string to float"),
        ({"data_path": "data/{episode}.parquet"}, "'episode' is missing"),
    ):
        path.write_text(json.dumps(info | change))
        with pytest.raises(DataError, match=message) as caught:
            Layout.read(truth.root)
        assert "\n" not in str(caught.value)
    path.write_text("{")
    with pytest.raises(DataError, match=r"info\.json can't be read"):
        Layout.read(truth.root)
    path.write_text(json.dumps(info))
    (truth.root / "meta" / "episodes.jsonl").write_text('{"episode_index": 0, "length": 9}\n{]\n')
    with pytest.raises(DataError, match=r"episodes\.jsonl line 2: "):
        Layout.read(truth.root)
    (truth.root / "meta" / "episodes.jsonl").write_text("")
    with pytest.raises(DataError, match="has no episode"):
        Layout.read(truth.root)


def test_a_folder_is_no_table(tmp_path):
    with pytest.raises(DataError, match=r"can't be read: |is missing"):
        read_table(tmp_path)
