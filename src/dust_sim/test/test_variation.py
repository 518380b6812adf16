"""Looks of the cell: reproducible, true to the names, and nothing that physics sees."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dust_sim.cameras import HEIGHT, WIDTH, Renderer, intrinsics
from dust_sim.cell import Cell
from dust_sim.objects import OBJECTS
from dust_sim.placement import place
from dust_sim.scene import CAMERAS, build_model
from dust_sim.tasks import TASKS
from dust_sim.variation import Lighting, Tint, Variation, apply, varied

SEEDS = st.integers(0, 2**31 - 1)
# Hue in degrees, saturation and value that a colour of this name has.
NAMES = {
    "golden_bowl": ((34, 54), (0.6, 1.0), (0.6, 1.0)),
    "blue_cube": ((205, 250), (0.6, 1.0), (0.6, 1.0)),
    "blue_cup": ((200, 230), (0.5, 1.0), (0.6, 1.0)),
    "brown_box": ((20, 42), (0.35, 0.95), (0.4, 0.9)),
    "white_plate": ((0, 360), (0.0, 0.1), (0.78, 1.0)),
    "white_basket": ((0, 360), (0.0, 0.1), (0.65, 1.0)),
    "black_bowl": ((0, 360), (0.0, 0.3), (0.0, 0.15)),
}


@pytest.fixture(scope="module")
def cell():
    return Cell()


@pytest.fixture(scope="module")
def renderer(cell):
    with Renderer(cell.model) as renderer:
        yield renderer


def fields(model):
    """What drawing uses and a look changes."""
    light = model.vis.headlight
    names = ("geom_rgba", "mat_rgba", "tex_data", "cam_pos", "cam_quat", "cam_fovy")
    names += ("light_diffuse", "light_dir", "light_pos")
    arrays = {name: getattr(model, name).copy() for name in names}
    return {**arrays, "ambient": light.ambient.copy(), "diffuse": light.diffuse.copy()}


def same(one, other):
    return all(np.array_equal(one[name], other[name]) for name in one)


def pixel(picture, place_):
    column, row = round(place_[0]), round(place_[1])
    return picture[row - 1 : row + 2, column - 1 : column + 2, :3].reshape(-1, 3).mean(axis=0)


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.floats(0.01, 1.0))
def test_the_same_seed_gives_the_same_look_and_another_one_another(seed, strength):
    look = Variation.draw(seed, strength)
    assert look == Variation.draw(seed, strength)
    assert look != Variation.draw(seed + 1, strength)


def test_without_strength_the_look_is_the_designed_one(cell):
    assert Variation.draw(7, 0.0) == Variation()
    assert same(fields(varied(cell.model, Variation())), fields(cell.model))


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_a_strength_out_of_range_is_refused(strength):
    with pytest.raises(ValueError, match=r"variation is .*; allowed: 0 to 1"):
        Variation.draw(0, strength)


def test_every_trial_has_a_look_of_its_own():
    looks = [
        Variation.of(place(task, name, seed), 1.0)
        for task in TASKS
        for name in OBJECTS
        for seed in (1000, 1001)
    ]
    assert all(a != b for i, a in enumerate(looks) for b in looks[:i])


def test_distractors_leave_the_look_alone():
    plain = Variation.of(place("box_to_bowl", "blue_cube", 1000), 1.0)
    crowded = place("box_to_bowl", "blue_cube", 1000, distractors=("sponge",))
    assert Variation.of(crowded, 1.0) == plain


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_names_stay_true(seed):
    model = _MODEL
    look = varied(model, Variation.draw(seed, 1.0))
    for name, ranges in NAMES.items():
        body = model.body(name).id
        shown = next(i for i in range(model.ngeom) if model.geom_bodyid[i] == body)
        hue, saturation, value = colorsys.rgb_to_hsv(*look.geom_rgba[shown, :3].astype(float))
        for part, (low, high) in zip((hue * 360, saturation, value), ranges, strict=True):
            assert low <= part <= high, (name, hue * 360, saturation, value)


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_cameras_move_by_millimetres_and_degrees(seed):
    look = varied(_MODEL, Variation.draw(seed, 1.0))
    for name, offset in (("wrist", 0.006), ("side", 0.027)):
        number = _MODEL.camera(name).id
        assert np.linalg.norm(look.cam_pos[number] - _MODEL.cam_pos[number]) < offset
        across = abs(float(look.cam_quat[number] @ _MODEL.cam_quat[number]))
        assert np.degrees(2 * np.arccos(min(across, 1.0))) < 2.2
        assert abs(look.cam_fovy[number] - _MODEL.cam_fovy[number]) <= 1.0


def test_a_look_does_not_depend_on_the_one_before(cell):
    model = varied(cell.model, Variation.draw(1))
    apply(model, Variation.draw(2), designed=cell.model)
    assert same(fields(model), fields(varied(cell.model, Variation.draw(2))))
    apply(model, Variation(), designed=cell.model)
    assert same(fields(model), fields(cell.model))


def test_physics_does_not_see_the_look(cell, renderer):
    before = fields(cell.model)
    renderer.wear(Variation.draw(5))
    assert same(fields(cell.model), before)
    changed = varied(cell.model, Variation.draw(5))
    for name in ("body_mass", "geom_friction", "geom_size", "jnt_range", "opt"):
        if name != "opt":
            assert np.array_equal(getattr(changed, name), getattr(cell.model, name))
    assert changed.opt.timestep == cell.model.opt.timestep


def test_a_tint_is_exact_where_nothing_changes():
    colour = (0.123, 0.456, 0.789)
    assert tuple(Tint()(colour)) == colour
    np.testing.assert_allclose(Tint(value=0.5)(colour), np.array(colour) / 2)
    np.testing.assert_allclose(Tint(hue=1 / 3)((1.0, 0.0, 0.0)), (0.0, 1.0, 0.0), atol=1e-12)


def test_light_changes_the_pictures_brightness(cell, renderer):
    cell.reset(place("box_to_plate", "blue_cube", 0))
    means = []
    for strength in (0.7, 1.0, 1.3):
        lighting = Lighting(ambient=strength, headlight=strength, lamp=strength)
        renderer.wear(Variation(lighting=lighting))
        means.append(renderer.render(cell.snapshot(), "side")[..., :3].mean())
    renderer.wear(Variation())
    assert means[0] < means[1] - 5
    assert means[1] < means[2] - 5


@pytest.mark.parametrize("seed", [1000, 1003, 1007, 1012])
def test_objects_stay_in_the_picture_and_keep_their_colour(cell, renderer, seed):
    placement = place("box_to_plate", "blue_cube", seed)
    cell.reset(placement)
    renderer.wear(Variation.of(placement, 1.0))
    for camera in CAMERAS:
        for pose in cell.poses().values():
            column, row, _ = renderer.project(cell.snapshot(), camera, pose.position)
            assert 5 < column < WIDTH - 5
            assert 2 < row < HEIGHT - 10
        picture = renderer.render(cell.snapshot(), camera)
        top = cell.poses()["blue_cube"].position + np.array([0, 0, 0.02])
        blue, green, red = pixel(picture, renderer.project(cell.snapshot(), camera, top))
        assert blue > 1.4 * green
        assert blue > 1.8 * red


def test_taking_a_look_off_gives_the_designed_picture_again(cell, renderer):
    cell.reset(place("box_to_bowl", "sponge", 0))
    renderer.wear(Variation())
    designed = renderer.render(cell.snapshot(), "side")
    renderer.wear(Variation.draw(3))
    other = renderer.render(cell.snapshot(), "side")
    renderer.wear(Variation())
    assert np.array_equal(renderer.render(cell.snapshot(), "side"), designed)
    assert np.abs(other.astype(float) - designed).mean() > 3


def test_intrinsics_follow_the_field_of_view(renderer):
    designed = intrinsics(renderer.model, "side")
    look = Variation.draw(3)
    renderer.wear(look)
    shifted = intrinsics(renderer.model, "side")
    renderer.wear(Variation())
    wider = look.cameras["side"].field_of_view > 0
    assert (shifted.fx < designed.fx) == wider
    assert shifted.fx != designed.fx


_MODEL = build_model()
