"""Pictures with classes: what is drawn, what it shows, where points appear."""

from __future__ import annotations

import numpy as np
import pytest

from dust_sim import pictures_camera
from dust_sim.cell import Cell
from dust_sim.pictures_camera import (
    CLASSES,
    LABELLED,
    PICTURE_HEIGHT,
    PICTURE_WIDTH,
    VIEWS,
    PictureRenderer,
)
from dust_sim.placement import place
from dust_sim.variation import Variation


@pytest.fixture(scope="module")
def cell():
    cell = Cell()
    cell.reset(place("box_to_plate", "blue_cube", 0, distractors=("sponge", "teddy_bear")))
    return cell


@pytest.fixture(scope="module")
def renderer(cell):
    with PictureRenderer(cell.model) as renderer:
        yield renderer


@pytest.mark.parametrize("view", VIEWS)
def test_a_picture_is_the_camera_image_at_half_its_size(cell, renderer, view):
    picture = renderer.draw(cell.snapshot(), view)
    large = renderer.render(cell.snapshot(), view)[..., 2::-1].astype(float)
    assert picture.rgb.shape == (PICTURE_HEIGHT, PICTURE_WIDTH, 3)
    means = large.reshape(PICTURE_HEIGHT, 2, PICTURE_WIDTH, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(picture.rgb, means, atol=0.51)


@pytest.mark.parametrize("view", VIEWS)
def test_classes_show_what_is_in_the_scene_and_nothing_else(cell, renderer, view):
    classes = renderer.draw(cell.snapshot(), view).classes
    found = {CLASSES[number] for number in np.unique(classes)}
    assert found == {"background", "robot", *cell.poses()}


def test_a_pixel_of_a_class_has_the_colour_of_its_body(cell, renderer):
    for view in VIEWS:
        picture = renderer.draw(cell.snapshot(), view)
        red, green, blue = picture.rgb[picture.classes == CLASSES.index("blue_cube")].mean(axis=0)
        assert blue > 1.5 * green
        assert blue > 2 * red
        white = picture.rgb[picture.classes == CLASSES.index("white_plate")].mean(axis=0)
        assert white.min() > 180


@pytest.mark.parametrize("view", VIEWS)
def test_points_appear_where_the_camera_says(cell, renderer, view):
    renderer.draw(cell.snapshot(), view)
    points = np.stack([pose.position for pose in cell.poses().values()])
    spots = renderer.projection(view)(points)
    for spot, point in zip(spots, points, strict=True):
        column, row, depth = renderer.project(cell.snapshot(), view, point)
        expected = (column + 0.5) / 2 - 0.5, (row + 0.5) / 2 - 0.5, depth
        np.testing.assert_allclose(spot, expected, atol=1e-9)


def test_what_is_behind_a_camera_has_a_negative_depth(cell, renderer):
    renderer.draw(cell.snapshot(), "side")
    projection = renderer.projection("side")
    behind = projection.position + projection.rotation[:, 2]
    assert projection(behind[None])[0, 2] == pytest.approx(-1.0)


def test_another_look_changes_colours_and_hardly_a_class(cell, renderer):
    before = renderer.draw(cell.snapshot(), "side")
    renderer.wear(Variation.draw(3, 1.0))
    after = renderer.draw(cell.snapshot(), "side")
    renderer.wear(Variation())
    again = renderer.draw(cell.snapshot(), "side")
    assert np.abs(before.rgb.astype(float) - after.rgb).mean() > 3
    assert np.mean(before.classes == after.classes) > 0.9
    np.testing.assert_array_equal(before.rgb, again.rgb)


def test_every_body_has_a_class():
    assert CLASSES[-len(LABELLED) :] == LABELLED


def test_missing_opencv_is_named(cell, monkeypatch):
    monkeypatch.setattr(pictures_camera, "cv2", None)
    with pytest.raises(ValueError, match="pip install opencv"):
        PictureRenderer(cell.model)
