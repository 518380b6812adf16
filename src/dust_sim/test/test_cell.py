"""The cell's physics."""

from __future__ import annotations

import numpy as np
import pytest

from dust_sim import fr3
from dust_sim.cell import Cell
from dust_sim.oracle import Outcome
from dust_sim.placement import place
from dust_sim.pose import Pose2


@pytest.fixture(scope="module")
def cell():
    return Cell()


@pytest.fixture
def scene(cell):
    cell.reset(place("box_to_bowl", "blue_cube", 0, distractors=("sponge",)))
    return cell


def hold(cell, steps, width=fr3.MAX_WIDTH):
    q = np.tile(cell.joint_positions, (steps, 1))
    cell.step(q, np.zeros_like(q), np.full(steps, width))


def sweep(seconds, amplitude=0.4):
    time = np.arange(1, round(seconds * 1000) + 1)[:, None] * 0.001
    q = fr3.HOME + amplitude * (1 - np.cos(time)) * np.array([1, 0.5, 0, -0.3, 0, 0.5, 1])
    return q, amplitude * np.sin(time) * np.array([1, 0.5, 0, -0.3, 0, 0.5, 1])


def follow(cell, q, qd, width=fr3.MAX_WIDTH, block=10):
    worst = 0.0
    for i in range(0, len(q), block):
        rows = slice(i, i + block)
        cell.step(q[rows], qd[rows], np.full(len(q[rows]), width))
        worst = max(worst, float(np.abs(cell.joint_positions - q[rows][-1]).max()))
    return worst


def test_reset_is_home_open_at_rest_at_time_zero(scene):
    assert scene.time == 0.0
    np.testing.assert_allclose(scene.joint_positions, fr3.HOME, atol=1e-4)
    np.testing.assert_allclose(scene.joint_velocities, 0.0, atol=1e-4)
    assert scene.width == pytest.approx(0.08, abs=5e-4)
    assert set(scene.poses()) == {"brown_box", "golden_bowl", "blue_cube", "sponge"}


def test_the_same_commands_give_the_same_state_bit_by_bit(scene):
    snapshots = []
    for other in ("box_to_plate", "plate_to_basket"):
        scene.reset(place(other, "sponge", 1))
        scene.reset(place("box_to_bowl", "blue_cup", 0))
        follow(scene, *sweep(0.5))
        snapshots.append(scene.snapshot())
    np.testing.assert_array_equal(*snapshots)


def test_blocks_of_any_length_are_the_same(scene):
    snapshots = []
    for block in (1, 7, 50):
        scene.reset(place("box_to_bowl", "blue_cup", 0))
        follow(scene, *sweep(0.2), block=block)
        assert scene.time == pytest.approx(0.2)
        snapshots.append(scene.snapshot())
    np.testing.assert_allclose(snapshots[0], snapshots[1], atol=1e-9)
    np.testing.assert_allclose(snapshots[0], snapshots[2], atol=1e-9)


def test_the_arm_follows_within_milliradians(scene):
    assert follow(scene, *sweep(3.0)) < 0.006


def test_the_arm_holds_against_nothing(scene):
    hold(scene, 500)
    np.testing.assert_allclose(scene.joint_positions, fr3.HOME, atol=1e-4)
    assert np.abs(scene.joint_efforts).max() < 1.0


def test_the_hand_follows_its_width(scene):
    widths = np.linspace(0.08, 0.03, 500)
    q = np.tile(fr3.HOME, (500, 1))
    scene.step(q, np.zeros_like(q), widths)
    hold(scene, 300, 0.03)
    assert scene.width == pytest.approx(0.03, abs=1e-3)
    assert scene.finger_positions == pytest.approx([0.015, 0.015], abs=1e-3)


def test_a_disabled_arm_stops_at_once_and_stays(scene):
    q, qd = sweep(1.0)
    follow(scene, q, qd)
    scene.disable()
    assert scene.disabled
    before = scene.joint_positions
    scene.step(q[::-1], -qd, np.full(len(q), 0.08))
    assert np.abs(scene.joint_positions - before).max() < 0.03
    assert np.abs(scene.joint_velocities).max() < 0.002


def test_an_enabled_arm_moves_again(scene):
    scene.disable()
    hold(scene, 50)
    scene.enable()
    hold(scene, 100)
    assert follow(scene, *sweep(1.0)) < 0.006


def test_reset_releases_the_brakes(scene):
    scene.disable()
    scene.reset(place("box_to_bowl", "blue_cube", 0))
    assert not scene.disabled
    assert follow(scene, *sweep(0.5)) < 0.006


@pytest.mark.parametrize(
    ("offset", "height", "outcome"),
    [((0.0, 0.0), 0.10, Outcome.FULL), ((-0.28, 0.0), 0.03, Outcome.NONE)],
)
def test_judging_a_dropped_cube(scene, offset, height, outcome):
    bowl = scene.poses()["golden_bowl"].position
    scene.put("blue_cube", Pose2(bowl[0] + offset[0], bowl[1] + offset[1], height, 0.3))
    hold(scene, 1500)
    assert scene.judge().outcome is outcome


def test_judging_a_cube_that_leans_on_the_target(scene):
    bowl = scene.poses()["golden_bowl"].position
    scene.put("blue_cube", Pose2(bowl[0] + 0.1, bowl[1], 0.03, 0.1))
    hold(scene, 1500)
    assert scene.judge().outcome is Outcome.HALF


def test_only_bodies_of_the_scene_can_be_put(scene):
    with pytest.raises(ValueError, match="'white_plate' is not in the scene"):
        scene.put("white_plate", Pose2(0.5, 0.0, 0.0, 0.0))


def test_an_empty_cell_cannot_be_judged():
    cell = Cell()
    assert cell.poses() == {}
    with pytest.raises(ValueError, match="reset the cell to a task first"):
        cell.judge()


def test_answers_are_copies(scene):
    snapshot, joints = scene.snapshot(), scene.joint_positions
    kept = snapshot.copy(), joints.copy()
    follow(scene, *sweep(0.2))
    np.testing.assert_array_equal(snapshot, kept[0])
    np.testing.assert_array_equal(joints, kept[1])


def test_a_trial_starts_in_its_posture(cell):
    placement = place("box_to_bowl", "sponge", 1000, start_spread=1.0)
    assert placement.posture != tuple(fr3.HOME)
    cell.reset(placement)
    np.testing.assert_allclose(cell.joint_positions, placement.posture, atol=0.01)
    cell.reset(place("box_to_bowl", "sponge", 1000))
    np.testing.assert_allclose(cell.joint_positions, fr3.HOME, atol=0.01)
