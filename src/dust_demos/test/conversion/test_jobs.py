import os

import pytest

from dust_demos.conversion.jobs import Source, find_bags, stage_all
from dust_demos.conversion.staging import Settings, load


def names(paths):
    return [source.name for source in find_bags(paths)]


@pytest.fixture
def folders(tmp_path):
    def make(*bags):
        for bag in bags:
            path = tmp_path / bag
            path.mkdir(parents=True)
            (path / "metadata.yaml").touch()
            (path / "x.mcap").touch()
        return tmp_path

    return make


def test_bags_are_found_below_and_ordered_by_name(folders):
    root = folders("day1/take_10", "day1/take_9", "day2/take_1", ".hidden/take_0")
    assert names([root]) == ["day1/take_9", "day1/take_10", "day2/take_1"]
    assert names([root / "day1"]) == ["take_9", "take_10"]
    assert names([root / "day2" / "take_1"]) == ["take_1"]
    assert names([root / "day2", root / "day1", root / "day1" / "take_9"]) == names([root])


def test_files_without_metadata_are_bags_of_their_own(tmp_path):
    for name in ("a.mcap", "b.db3", "notes.txt"):
        (tmp_path / name).touch()
    assert names([tmp_path]) == ["a.mcap", "b.db3"]
    assert names([tmp_path / "a.mcap"]) == ["a.mcap"]


def test_one_file_beside_bags_hides_none_of_them(folders):
    root = folders("ep1", "ep2", ".hidden/ep3")
    (root / "stray.mcap").touch()
    (root / "notes").mkdir()
    assert names([root]) == ["ep1", "ep2", "stray.mcap"]


def test_one_file_alone_in_a_folder_is_the_bag_that_the_folder_is(tmp_path):
    (tmp_path / "take" / "notes").mkdir(parents=True)
    (tmp_path / "take" / "take_0.mcap").touch()
    assert names([tmp_path]) == ["take"]


def test_paths_without_bags_are_mistakes(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere does not exist$"):
        find_bags([tmp_path / "nowhere"])
    (tmp_path / "text").mkdir()
    with pytest.raises(ValueError, match=r"text: no bag there \(a folder with metadata.yaml"):
        find_bags([tmp_path / "text"])


def test_a_changed_bag_has_another_staging_folder(folders):
    path = folders("take") / "take"
    source = Source(path, "take")
    before = source.key
    assert Source(path, "take").key == before
    (path / "x.mcap").write_bytes(b"more")
    after = source.key
    assert after != before
    os.utime(path / "x.mcap", ns=(1, 1))
    assert source.key != after
    assert source.key.startswith("take-")


@pytest.mark.parametrize("workers", [1, 2])
def test_only_what_is_missing_is_converted(workers, write_bag, tmp_path):
    sources = [Source(write_bag(f"take_{i}"), f"take_{i}") for i in range(4)]
    done = []
    settings = Settings(trim=None)
    stage_all(sources[:1], tmp_path / "s", settings, workers=1, done=lambda: done.append(1))
    kept = (tmp_path / "s" / sources[0].key / "rows.npz").stat().st_mtime_ns
    stage_all(sources, tmp_path / "s", settings, workers=workers, done=lambda: done.append(1))
    assert len(done) == 5
    assert [len(load(tmp_path / "s" / source.key)) for source in sources] == [45] * 4
    assert (tmp_path / "s" / sources[0].key / "rows.npz").stat().st_mtime_ns == kept
