"""The generator as a whole: the same files whatever happens, and what is in them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dust_sim.pictures import main, make_pictures
from dust_sim.pictures_camera import LABELLED, PICTURE_HEIGHT, PICTURE_WIDTH
from dust_sim.pictures_labels import GRID
from dust_sim.pictures_shards import shard_path
from dust_sim.tasks import parse_instruction

COUNT, PER_SHARD = 16, 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures") / "out"
    assert make_pictures(folder, count=COUNT, seed=7, per_shard=PER_SHARD) == COUNT
    return folder


@pytest.fixture(scope="module")
def shard(folder):
    with np.load(shard_path(folder, 1), allow_pickle=False) as arrays:
        return dict(arrays)


def table_colour(path):
    """Return the mean colour of the side view's lower left corner in each picture."""
    with np.load(path) as arrays:
        ends, raw = arrays["ends"], arrays["jpeg"]
        files = [raw[row[0] : row[1]] for row in ends]
    corners = [cv2.imdecode(file, cv2.IMREAD_COLOR)[140:, :40] for file in files]
    return [corner.reshape(-1, 3).mean(axis=0) for corner in corners]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.slow
def test_two_workers_make_the_same_files(folder, tmp_path):
    make_pictures(tmp_path / "two", count=COUNT, seed=7, workers=2, per_shard=PER_SHARD)
    assert contents(tmp_path / "two") == contents(folder)


def test_an_interrupted_run_goes_on_and_keeps_what_is_there(folder):
    before = contents(folder)
    kept = shard_path(folder, 0).stat().st_mtime_ns
    shard_path(folder, 1).unlink()
    assert make_pictures(folder, count=COUNT - 3, seed=7, per_shard=PER_SHARD) == PER_SHARD
    assert contents(folder) == before
    assert shard_path(folder, 0).stat().st_mtime_ns == kept
    assert make_pictures(folder, count=COUNT, seed=7, per_shard=PER_SHARD) == 0


def test_pictures_are_jpeg_files_of_both_views(shard):
    ends = shard["ends"]
    assert ends.shape == (PER_SHARD, 2)
    raw = shard["jpeg"]
    begins = np.concatenate([[0], ends.ravel()[:-1]])
    for begin, end in zip(begins, ends.ravel(), strict=True):
        picture = cv2.imdecode(raw[begin:end], cv2.IMREAD_COLOR)
        assert picture.shape == (PICTURE_HEIGHT, PICTURE_WIDTH, 3)
        assert picture.std() > 10
    assert ends[-1, -1] == len(raw)


def test_labels_have_the_shapes_that_are_written_down(shard):
    bodies = len(LABELLED)
    shapes = {
        "classes": (PER_SHARD, 2, *GRID),
        "present": (PER_SHARD, bodies),
        "place": (PER_SHARD, bodies, 2, 2),
        "depth": (PER_SHARD, bodies, 2),
        "seen": (PER_SHARD, bodies, 2),
        "position": (PER_SHARD, bodies, 3),
        "in_hand": (PER_SHARD, bodies, 3),
        "grasp": (PER_SHARD, bodies),
        "hand": (PER_SHARD, 3),
        "hand_yaw": (PER_SHARD,),
        "joints": (PER_SHARD, 7),
        "width": (PER_SHARD,),
        "held": (PER_SHARD,),
        "wanted": (PER_SHARD,),
        "source": (PER_SHARD,),
        "target": (PER_SHARD,),
        "instruction": (PER_SHARD,),
        "instructions": (PER_SHARD,),
    }
    assert {name: shard[name].shape for name in shapes} == shapes
    assert set(shard) == {*shapes, "jpeg", "ends"}


def test_instructions_name_what_is_there(shard):
    for row in range(PER_SHARD):
        task, name = parse_instruction(str(shard["instruction"][row]))
        assert LABELLED[shard["wanted"][row]] == name
        assert LABELLED[shard["source"][row]] == task.source
        assert LABELLED[shard["target"][row]] == task.target
        named = [parse_instruction(t)[1] for t in str(shard["instructions"][row]).split("\n")]
        assert name in named
        present = {LABELLED[i] for i in np.flatnonzero(shard["present"][row])}
        assert present == {*named, task.source, task.target}


def test_looks_and_places_differ_from_picture_to_picture(folder, shard):
    colours = [table_colour(path) for path in sorted(folder.glob("*.npz"))]
    assert np.std(colours, axis=(0, 1)).min() > 2
    assert len(np.unique(shard["joints"].round(4), axis=0)) > PER_SHARD // 2
    assert np.isfinite(shard["position"][shard["present"]]).all()
    assert np.isnan(shard["position"][~shard["present"]]).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--count", "0"], "count must be at least 1, got 0"),
        (["--seed", "-1"], "seed must be at least 0, got -1"),
        (["--workers", "0"], "workers must be at least 1, got 0"),
        (["--seed", "8"], "holds pictures with another seed"),
    ],
)
def test_mistakes_end_in_one_line(folder, capsys, arguments, message):
    assert main([str(folder), *arguments]) == 2
    text = capsys.readouterr().err
    assert message in text
    assert text.count("\n") == 1
