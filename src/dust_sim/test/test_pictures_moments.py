"""Moments: what the expert comes across, and what is made of it."""

from __future__ import annotations

import math

import mujoco
import numpy as np
import pytest

from dust_sim import fr3
from dust_sim.cell import Cell
from dust_sim.kinematics import Kinematics, yaw_of
from dust_sim.objects import OBJECTS
from dust_sim.pictures_moments import FIRST_SEED, NEAR, Changer, draw_placement, watch_trial


@pytest.fixture(scope="module")
def cell():
    return Cell()


@pytest.fixture(scope="module")
def changer(cell):
    return Changer(cell.model)


@pytest.fixture(scope="module")
def moments(cell):
    random = np.random.default_rng(5)
    placement = draw_placement("basket_to_bowl", "blue_cube", random)
    return watch_trial(cell, placement, random)


class Scene:
    """Reads poses out of a moment."""

    def __init__(self, cell, moment):
        self._data = mujoco.MjData(cell.model)
        self._data.qpos[:] = moment.snapshot
        mujoco.mj_kinematics(cell.model, self._data)
        arm = [cell.model.joint(name).qposadr[0] for name in fr3.ARM_JOINTS]
        self.hand, self.rotation = Kinematics().forward(moment.snapshot[arm])

    def position(self, name):
        return self._data.body(name).xpos.copy()

    def in_hand(self, name):
        return self.rotation.T @ (self.position(name) - self.hand)


def test_placements_are_not_those_of_evaluation_or_demonstrations():
    random = np.random.default_rng(0)
    drawn = [draw_placement("box_to_bowl", "sponge", random) for _ in range(60)]
    assert min(placement.seed for placement in drawn) >= FIRST_SEED
    counts = [len(placement.distractors) for placement in drawn]
    assert set(counts) == {0, 1, 2, 3}
    assert counts.count(0) < 30


def test_a_trial_is_seen_from_its_start_to_its_end(cell, moments):
    assert len(moments) > 40
    assert moments[0].waits
    assert not moments[0].near
    held = [moment.held for moment in moments]
    assert set(held) == {"", "blue_cube"}
    assert not any(moment.waits and moment.held for moment in moments)
    near = [moment for moment in moments if moment.near]
    assert len(near) > 5
    for moment in near:
        assert np.linalg.norm(Scene(cell, moment).in_hand("blue_cube")) < NEAR


def test_the_same_numbers_give_the_same_moments(cell, moments):
    random = np.random.default_rng(5)
    placement = draw_placement("basket_to_bowl", "blue_cube", random)
    again = watch_trial(cell, placement, random)
    assert len(again) == len(moments)
    np.testing.assert_array_equal(again[-1].snapshot, moments[-1].snapshot)


def test_a_nudge_moves_the_hand_and_leaves_the_rest(cell, changer, moments):
    random = np.random.default_rng(1)
    moment = moments[3]
    before = Scene(cell, moment)
    distances = []
    for _ in range(10):
        after = Scene(cell, changer.nudge(moment, random))
        distances.append(np.linalg.norm(after.hand - before.hand))
        np.testing.assert_array_equal(after.position("blue_cube"), before.position("blue_cube"))
        assert after.rotation[2, 2] < -0.95
    assert 0.01 < np.median(distances) < 0.2


def test_an_empty_hand_beside_an_object_is_turned_by_any_angle(cell, changer, moments):
    random = np.random.default_rng(4)
    moment = next(moment for moment in moments if moment.near and not moment.held)
    before = Scene(cell, moment).rotation
    turns = []
    for _ in range(40):
        after = Scene(cell, changer.nudge(moment, random)).rotation
        turn = yaw_of(after) - yaw_of(before)
        turns.append(abs((turn + math.pi) % (2 * math.pi) - math.pi))
    assert sum(turn > math.pi / 4 for turn in turns) >= 5
    assert max(turns) < math.pi / 2 + 0.01


def test_what_is_held_moves_with_the_hand(cell, changer, moments):
    random = np.random.default_rng(2)
    moment = next(moment for moment in moments[25:] if moment.held)
    before = Scene(cell, moment)
    moved = 0
    for _ in range(10):
        changed = changer.nudge(moment, random)
        after = Scene(cell, changed)
        assert changed.held == "blue_cube"
        np.testing.assert_allclose(
            after.in_hand("blue_cube"), before.in_hand("blue_cube"), atol=1e-6
        )
        moved += np.linalg.norm(after.hand - before.hand) > 1e-3
    assert moved > 4


def test_a_moved_scene_is_another_start_of_the_same_task(cell, changer, moments):
    random = np.random.default_rng(3)
    moment = next(moment for moment in moments if moment.waits and moment.near)
    before = Scene(cell, moment)
    apart = []
    for _ in range(10):
        changed = changer.move(moment, random)
        after = Scene(cell, changed)
        assert changed.placement.task is moment.placement.task
        assert changed.placement.object_name == "blue_cube"
        for name in OBJECTS:
            pose = changed.placement.poses.get(name)
            if pose is None:
                assert after.position(name)[0] < -100
            else:
                np.testing.assert_allclose(after.position(name), (pose.x, pose.y, pose.z))
        apart.append(np.linalg.norm(after.in_hand("blue_cube") - before.in_hand("blue_cube")))
    assert np.median(apart) < 0.1


def container_frame(scene, name):
    matrix = scene._data.body(name).xmat.reshape(3, 3)
    return scene.position(name), matrix


def test_what_was_placed_goes_with_its_container(cell, changer, moments):
    random = np.random.default_rng(6)
    moment = moments[-1]
    assert not moment.waits
    assert not moment.held
    before = Scene(cell, moment)
    origin, matrix = container_frame(before, "black_bowl")
    local = matrix.T @ (before.position("blue_cube") - origin)
    places = []
    for _ in range(10):
        after = Scene(cell, changer.move(moment, random))
        origin, matrix = container_frame(after, "black_bowl")
        places.append(origin[:2])
        again = matrix.T @ (after.position("blue_cube") - origin)
        np.testing.assert_allclose(again, local, atol=3e-3)
    assert np.std(places, axis=0).min() > 0.005


def test_what_is_held_stays_in_the_hand_of_a_moved_scene(cell, changer, moments):
    random = np.random.default_rng(7)
    held = [moment for moment in moments if moment.held]
    places = []
    for moment in held[:: max(1, len(held) // 10)]:
        before, changed = Scene(cell, moment), changer.move(moment, random)
        after = Scene(cell, changed)
        np.testing.assert_allclose(
            after.in_hand("blue_cube"), before.in_hand("blue_cube"), atol=1e-6
        )
        places.append(after.position("black_bowl")[:2])
    assert len(np.unique(np.round(places, 4), axis=0)) > 4


def test_the_robot_reaches_into_nothing(cell, changer, moments):
    random = np.random.default_rng(4)
    data = mujoco.MjData(cell.model)
    for moment in moments[:20]:
        changed = changer.nudge(moment, random)
        if changed is moment:
            continue
        data.qpos[:] = changed.snapshot
        mujoco.mj_fwdPosition(cell.model, data)
        robot = [cell.model.body(cell.model.body_rootid[b]).name for b in cell.model.geom_bodyid]
        for one, other, depth in zip(
            data.contact.geom1, data.contact.geom2, data.contact.dist, strict=True
        ):
            if {robot[one], robot[other]} <= {"blue_cube", "white_basket", "black_bowl", "world"}:
                continue
            assert depth > -0.0041
    assert math.isfinite(depth)
