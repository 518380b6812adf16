"""The smooth path of the hand."""

from __future__ import annotations

import numpy as np
import pytest

from dust_sim import fr3
from dust_sim.kinematics import Kinematics, UnreachableError
from dust_sim.path import HandPath, ease

DT = 0.01
PACE = {"velocity": 0.3, "acceleration": 0.8}


@pytest.fixture
def path():
    path = HandPath(Kinematics(), 10.0, fr3.HOME)
    end = path.add(np.array([0.5, 0.2, 0.25, 0.3]), start=10.0, **PACE)
    path.add(np.array([0.5, 0.2, 0.10, 0.3]), start=end - 0.5, **PACE)
    path.add(np.array([0.5, -0.2, 0.25, -0.4]), start=end, **PACE)
    return path


def test_ease_is_smooth_to_the_jerk():
    assert ease(-1.0) == 0.0
    assert ease(2.0) == 1.0
    near = ease(np.array([1e-3, 1 - 1e-3]))
    assert near[0] < 1e-10
    assert 1 - near[1] < 1e-10


def test_the_path_ends_where_it_was_sent(path):
    np.testing.assert_allclose(path.poses(np.array([path.end]))[0], [0.5, -0.2, 0.25, -0.4])
    joints = path.joints(np.array([path.end + 5.0]))[0]
    np.testing.assert_allclose(Kinematics().forward(joints)[0], [0.5, -0.2, 0.25], atol=1e-6)


def test_joints_keep_to_half_of_the_limits_and_are_smooth(path):
    joints = path.joints(np.arange(9.9, path.end + 0.1, DT))
    velocity = np.diff(joints, axis=0) / DT
    acceleration = np.diff(velocity, axis=0) / DT
    jerk = np.diff(acceleration, axis=0) / DT
    assert np.all(np.abs(velocity) <= 0.5 * fr3.RECTANGULAR_VELOCITY)
    assert np.abs(acceleration).max() < 3.0
    assert np.abs(jerk).max() < 50.0
    assert np.all(joints >= fr3.RECTANGULAR_LOW)
    assert np.all(joints <= fr3.RECTANGULAR_HIGH)


def test_the_hand_keeps_its_pace(path):
    poses = path.poses(np.arange(9.9, path.end + 0.1, DT))
    speed = np.linalg.norm(np.diff(poses[:, :3], axis=0), axis=1) / DT
    assert 0.15 < speed.max() < 0.45


def test_adding_leaves_the_past_alone(path):
    times = np.linspace(10.0, 12.0, 30)
    before = path.joints(times)
    path.add(np.array([0.45, 0.0, 0.3, 0.0]), start=12.0, **PACE)
    np.testing.assert_allclose(path.joints(times), before, atol=1e-6)


def test_the_answer_does_not_depend_on_the_order_of_asking(path):
    times = np.linspace(10.0, path.end, 40)
    forwards, backwards = path.joints(times), path.joints(times[::-1])[::-1]
    np.testing.assert_allclose(forwards, backwards, atol=1e-5)


@pytest.mark.parametrize("size", [0.02, 0.2, 0.8])
def test_it_starts_at_any_posture_at_rest(size):
    start = fr3.HOME + size * np.array([1, 0.5, -0.5, 0.5, 0.5, 1, -1])
    path = HandPath(Kinematics(), 0.0, start)
    joints = path.joints(np.arange(0.0, path.end + 0.1, DT))
    np.testing.assert_allclose(joints[0], start, atol=1e-9)
    velocity = np.diff(joints, axis=0) / DT
    assert np.abs(velocity[0]).max() < 1e-3
    assert np.all(np.abs(velocity) <= 0.55 * fr3.RECTANGULAR_VELOCITY)
    assert np.abs(np.diff(velocity, axis=0) / DT).max() < 3.0


def test_an_unreachable_goal_changes_nothing(path):
    goal, end = path.goal, path.end
    with pytest.raises(UnreachableError):
        path.add(np.array([1.2, 0.0, 0.2, 0.0]), start=path.end, **PACE)
    np.testing.assert_array_equal(path.goal, goal)
    assert path.end == end
