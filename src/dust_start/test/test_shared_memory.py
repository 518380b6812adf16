import fcntl
import os
import time
from pathlib import Path

import pytest

from dust_start import shared_memory


def make(folder: Path, name: str, *, age: float = 10.0) -> Path:
    path = folder / name
    path.touch()
    os.utime(path, (time.time() - age,) * 2)
    return path


@pytest.fixture
def lock():
    handles = []

    def hold(path: Path, how: int = fcntl.LOCK_EX) -> int:
        handle = os.open(path, os.O_RDONLY)
        fcntl.flock(handle, how)
        handles.append(handle)
        return handle

    yield hold
    for handle in handles:
        os.close(handle)


def test_only_fast_dds_files_are_looked_at(tmp_path):
    ours = {"fastrtps_1a", "sem.fastrtps_port7411_mutex", "fastdds_1a", "sem.fastdds_port1_mutex"}
    for name in (*ours, "other", "sem.other", "lttng-ust-wait-6"):
        make(tmp_path, name)
    assert shared_memory.segments(tmp_path) == ours


def test_files_of_a_living_owner_stay(tmp_path, lock):
    make(tmp_path, "fastrtps_1a")
    lock(make(tmp_path, "fastrtps_1a_el"))
    names = shared_memory.segments(tmp_path)
    assert shared_memory.remove_orphans(names, tmp_path) == set()
    assert shared_memory.segments(tmp_path) == names


def test_a_port_that_is_shared_by_a_living_reader_stays(tmp_path, lock):
    for name in ("fastrtps_port7400", "sem.fastrtps_port7400_mutex"):
        make(tmp_path, name)
    lock(make(tmp_path, "fastrtps_port7400_sl"), fcntl.LOCK_SH)
    assert shared_memory.remove_orphans(shared_memory.segments(tmp_path), tmp_path) == set()


def test_files_of_a_dead_owner_go(tmp_path, lock):
    for name in ("fastrtps_1a", "fastrtps_port7411", "sem.fastrtps_port7411_mutex"):
        make(tmp_path, name)
    held = lock(make(tmp_path, "fastrtps_1a_el"))
    fcntl.flock(held, fcntl.LOCK_UN)
    shared_memory.remove_orphans(shared_memory.segments(tmp_path), tmp_path)
    assert shared_memory.segments(tmp_path) == set()


def test_only_candidates_are_touched(tmp_path):
    make(tmp_path, "fastrtps_old")
    make(tmp_path, "fastrtps_new")
    assert shared_memory.remove_orphans({"fastrtps_new"}, tmp_path) == {"fastrtps_new"}
    assert shared_memory.segments(tmp_path) == {"fastrtps_old"}


def test_a_file_that_has_just_appeared_stays(tmp_path):
    make(tmp_path, "fastrtps_1a", age=0.0)
    assert shared_memory.orphans({"fastrtps_1a"}, tmp_path) == set()


def test_a_folder_that_does_not_exist_has_no_segments(tmp_path):
    assert shared_memory.segments(tmp_path / "none") == set()
