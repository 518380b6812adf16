"""Labels against the pictures they belong to and against the cell."""

from __future__ import annotations

import numpy as np
import pytest

from dust_sim import fr3
from dust_sim.cell import Cell
from dust_sim.kinematics import Kinematics
from dust_sim.objects import OBJECTS
from dust_sim.pictures_camera import (
    CLASSES,
    LABELLED,
    PICTURE_HEIGHT,
    PICTURE_WIDTH,
    VIEWS,
    PictureRenderer,
)
from dust_sim.pictures_labels import GRID, Labeller, coarse
from dust_sim.placement import place
from dust_sim.shapes import HIDDEN

PLACEMENT = place("plate_to_basket", "blue_cup", 4, distractors=("blue_cube", "sponge"))


@pytest.fixture(scope="module")
def cell():
    cell = Cell()
    cell.reset(PLACEMENT)
    return cell


@pytest.fixture(scope="module")
def drawn(cell):
    """Return the pictures, their labels, and the labeller."""
    with PictureRenderer(cell.model) as renderer:
        labeller = Labeller(renderer)
        pictures = [renderer.draw(cell.snapshot(), view) for view in VIEWS]
        yield pictures, labeller.read(pictures, PLACEMENT.poses), labeller


def test_what_is_absent_has_no_labels(drawn):
    _, labels, _ = drawn
    for index, name in enumerate(LABELLED):
        there = name in PLACEMENT.poses
        assert np.isfinite(labels.position[index]).all() == there
        assert np.isfinite(labels.place[index]).all() == there
        assert np.isfinite(labels.grasp[index]) == (there and name in OBJECTS)
        assert there or labels.seen[index].max() == 0


@pytest.mark.parametrize("name", ["blue_cube", "white_plate", "sponge"])
def test_a_body_is_where_its_pixels_are(drawn, name):
    pictures, labels, _ = drawn
    index = LABELLED.index(name)
    for view, picture in enumerate(pictures):
        rows, columns = np.nonzero(picture.classes == CLASSES.index(name))
        middle = (columns.mean() + 0.5) / PICTURE_WIDTH, (rows.mean() + 0.5) / PICTURE_HEIGHT
        np.testing.assert_allclose(labels.place[index, view], middle, atol=0.03)


def test_what_nothing_covers_is_seen_whole(drawn):
    _, labels, _ = drawn
    for name in ("blue_cube", "sponge"):
        assert labels.seen[LABELLED.index(name)].max() > 0.9
    assert labels.seen.max() <= 1.0


def test_positions_are_those_of_the_cell(cell, drawn):
    _, labels, _ = drawn
    position, rotation = Kinematics().forward(cell.joint_positions)
    np.testing.assert_allclose(labels.hand, position)
    for name, pose in cell.poses().items():
        index = LABELLED.index(name)
        np.testing.assert_allclose(labels.position[index], pose.position, atol=1e-9)
        back = rotation @ labels.in_hand[index] + position
        np.testing.assert_allclose(back, pose.position, atol=1e-9)


def test_the_grasp_is_a_turn_of_the_hand_that_takes_the_object(cell, drawn):
    _, labels, _ = drawn
    for name in ("blue_cup", "blue_cube", "sponge"):
        spec, pose = OBJECTS[name], cell.poses()[name]
        wanted = spec.hand_yaw(pose.position[0], pose.position[1], pose.yaw)
        turns = (labels.grasp[LABELLED.index(name)] - wanted) / spec.grasp_period
        assert turns == pytest.approx(round(turns), abs=1e-6)


def test_a_class_map_is_the_middle_of_each_cell(drawn):
    pictures, labels, _ = drawn
    assert labels.classes.shape == (len(VIEWS), *GRID)
    full = pictures[1].classes
    assert coarse(full)[3, 7] == full[3 * 5 + 2, 7 * 5 + 2]
    np.testing.assert_array_equal(labels.classes[1], coarse(full))


def test_outlines_hold_every_visible_geom(cell, drawn):
    _, _, labeller = drawn
    model = cell.model
    for name, points in zip(LABELLED, labeller._outlines, strict=True):
        body = model.body(name).id
        for geom in np.flatnonzero(model.geom_bodyid == body):
            if model.geom_group[geom] != HIDDEN:
                centre = model.geom_pos[geom]
                assert np.all(centre > points.min(axis=0) - 1e-6)
                assert np.all(centre < points.max(axis=0) + 1e-6)
        widest = np.abs(points[:, :2]).max()
        assert widest <= (OBJECTS[name].radius + 0.01 if name in OBJECTS else 0.2)


def test_the_hand_is_home(drawn):
    _, labels, _ = drawn
    position, _ = Kinematics().forward(fr3.HOME)
    np.testing.assert_allclose(labels.hand, position, atol=2e-3)
    assert labels.hand_yaw == pytest.approx(0.0, abs=5e-3)
