"""Pictures."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dust_sim.cameras import HEIGHT, WIDTH, Renderer, intrinsics
from dust_sim.cell import Cell
from dust_sim.placement import place


@pytest.fixture(scope="module")
def cell():
    return Cell()


@pytest.fixture(scope="module")
def renderer(cell):
    with Renderer(cell.model) as renderer:
        yield renderer


def pixel(picture, place_):
    column, row = round(place_[0]), round(place_[1])
    return picture[row - 1 : row + 2, column - 1 : column + 2, :3].reshape(-1, 3).mean(axis=0)


@pytest.mark.parametrize("camera", ["wrist", "side"])
def test_pictures_are_bgra_and_show_something(cell, renderer, camera):
    cell.reset(place("box_to_bowl", "blue_cube", 0))
    picture = renderer.render(cell.snapshot(), camera)
    assert picture.shape == (HEIGHT, WIDTH, 4)
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous
    assert np.all(picture[..., 3] == 255)
    assert picture[..., :3].std() > 15


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("camera", ["wrist", "side"])
def test_at_home_both_cameras_see_object_and_containers(cell, renderer, camera, seed):
    placement = place("box_to_plate", "blue_cube", seed)
    cell.reset(placement)
    for pose in cell.poses().values():
        column, row, depth = renderer.project(cell.snapshot(), camera, pose.position)
        assert depth > 0.2
        assert 15 < column < WIDTH - 15
        assert 5 < row < HEIGHT - 15


@pytest.mark.parametrize("camera", ["wrist", "side"])
def test_intrinsics_and_channel_order_fit_the_pictures(cell, renderer, camera):
    cell.reset(place("box_to_plate", "blue_cube", 0))
    picture = renderer.render(cell.snapshot(), camera)
    top = cell.poses()["blue_cube"].position + np.array([0, 0, 0.02])
    blue, green, red = pixel(picture, renderer.project(cell.snapshot(), camera, top))
    assert blue > 1.5 * green
    assert blue > 2 * red


def test_intrinsics(cell):
    lens = intrinsics(cell.model, "side")
    angle = float(cell.model.camera("side").fovy[0])
    assert lens.fy == pytest.approx(180 / math.tan(math.radians(angle) / 2))
    assert lens.fx == lens.fy
    np.testing.assert_allclose(lens.matrix[:, 2], [319.5, 179.5, 1.0])
    half = intrinsics(cell.model, "side", width=320, height=180)
    assert half.fx == pytest.approx(lens.fx / 2)


def test_another_size_shows_the_same(cell, renderer):
    cell.reset(place("box_to_plate", "teddy_bear", 0))
    snapshot = cell.snapshot()
    large = renderer.render(snapshot, "side")
    with Renderer(cell.model, width=320, height=180, shadows=True) as small:
        picture = small.render(snapshot, "side")
    assert picture.shape == (180, 320, 4)
    shrunk = large.reshape(180, 2, 320, 2, 4).mean(axis=(1, 3))
    assert np.abs(shrunk[..., :3] - picture[..., :3]).mean() < 15


def test_an_unknown_camera_is_named(cell, renderer):
    with pytest.raises(ValueError, match="no camera 'top'; there are: wrist, side"):
        renderer.render(cell.snapshot(), "top")


def test_rendering_that_does_not_work_says_what_to_install(cell, monkeypatch):
    import mujoco.egl

    def broken(*_):
        raise RuntimeError("no display")

    monkeypatch.setenv("MUJOCO_GL", "egl")
    monkeypatch.setattr(mujoco.egl, "GLContext", broken)
    with pytest.raises(ValueError, match="apt-get install libegl1"):
        Renderer(cell.model)
