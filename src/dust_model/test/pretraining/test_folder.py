"""Folders of pictures: what is read, and what is said when it can't be."""

import json

import numpy as np
import pytest

from dust_model.pretraining.folder import FACTS, PictureFolder


def test_labels_of_all_shards_are_there(folder):
    assert (len(folder), folder.shards) == (24, 4)
    assert folder.labels["place"].shape == (24, 4, 2, 2)
    assert folder.facts.first_body == 1
    assert [body.graspable for body in folder.facts.bodies] == [True, True, False, False]


def test_files_are_cut_at_their_ends(folder):
    files = folder.files(1)
    assert [len(row) for row in files] == [2] * 6
    assert all(file.startswith(b"\x89PNG") for row in files for file in row)


def test_a_limit_takes_the_first_pictures(pictures):
    some = PictureFolder.open(pictures, limit=7)
    assert len(some) == 12
    whole = PictureFolder.open(pictures)
    np.testing.assert_array_equal(some.labels["seen"], whole.labels["seen"][:12])


def damage_facts(folder):
    values = json.loads((folder / FACTS).read_text())
    (folder / FACTS).write_text(json.dumps(values | {"format": 99}))


def damage_shard(folder):
    path = folder / "pictures-000001.npz"
    path.write_bytes(path.read_bytes()[:500])


def remove_shards(folder):
    for path in folder.glob("*.npz"):
        path.unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / FACTS).unlink(), "make pictures first"),
        (damage_facts, "format 99 is not"),
        (damage_shard, "pictures-000001.npz"),
        (remove_shards, "holds no pictures yet"),
    ],
)
def test_mistakes_are_named(write_pictures, tmp_path, damage, message):
    folder = write_pictures(tmp_path / "broken")
    damage(folder)
    with pytest.raises(ValueError, match=message) as caught:
        PictureFolder.open(folder)
    assert "\n" not in str(caught.value)
