"""Preparing and caching the robot's model files."""

from __future__ import annotations

import importlib.metadata
from concurrent.futures import ThreadPoolExecutor

import mujoco
import numpy as np
import pytest

from dust_sim import assets


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_prepares_once_and_says_so(cache):
    lines: list[str] = []
    folder = assets.robot_files(lines.append)
    assert folder.is_relative_to(cache / "dust")
    assert len(lines) == 10
    assert "link0" in " ".join(lines)
    assert assets.robot_files(lines.append) == folder
    assert len(lines) == 10


def test_the_files_are_light_and_load(cache):
    folder = assets.robot_files(lambda line: None)
    model = mujoco.MjModel.from_xml_path(str(folder / assets.MODEL_FILE))
    assert 10_000 < model.nmeshface < 15_000
    names = [model.joint(i).name for i in range(model.njnt)]
    assert names[0] == "fr3_joint1"
    assert names[-1] == "fr3_finger_joint2"
    assert model.nsensor == 0


def test_several_at_once_end_with_one_folder(cache):
    with ThreadPoolExecutor(3) as pool:
        folders = set(pool.map(lambda _: assets.robot_files(lambda line: None), range(3)))
    assert len(folders) == 1
    assert [path.name for path in (cache / "dust").iterdir()] == [folders.pop().name]


def test_a_missing_wheel_is_named_with_the_remedy(cache, monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    with pytest.raises(ValueError, match="pip install --no-deps dm-robotics-panda"):
        assets.robot_files()


def test_a_cache_that_cannot_be_written_is_named_with_the_remedy(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(file))
    with pytest.raises(ValueError, match="set XDG_CACHE_HOME"):
        assets.robot_files(lambda line: None)


def test_a_failed_preparation_leaves_nothing(cache, monkeypatch):
    def broken(*_):
        raise OSError("disk full")

    monkeypatch.setattr(assets, "write_stl", broken)
    with pytest.raises(OSError, match="disk full"):
        assets.robot_files(lambda line: None)
    assert list((cache / "dust").iterdir()) == []


def test_obj_polygons_become_triangles_and_equal_vertices_merge(tmp_path):
    path = tmp_path / "square.obj"
    path.write_text(
        "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nv 0 0 0\n# note\nf 1/1/1 2/2/1 3/3/1 4/4/1\nf 5 1 2\n"
    )
    vertices, faces = assets.read_obj(path)
    assert len(vertices) == 4
    assert len(faces) == 2
    corners = vertices[faces]
    area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2] / 2
    np.testing.assert_allclose(area, [0.5, 0.5])
