"""Cartesian jog: where the hand goes, and where nothing may ever go."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dust_demos.teleop import fr3
from dust_demos.teleop.jog import Box, Jog, JogSettings
from dust_demos.teleop.rotation import to_vector
from dust_node.fr3_kinematics import hand_pose

STEP = 1 / 60

motions = st.lists(st.floats(-1.5, 1.5), min_size=6, max_size=6).map(np.array)
postures = st.lists(st.floats(0.05, 0.95), min_size=7, max_size=7).map(
    lambda shares: fr3.LOWER + np.array(shares) * (fr3.UPPER - fr3.LOWER)
)


def run(jog, state, seconds, motion):
    jog.motion = np.array(motion, dtype=float)
    for _ in range(round(seconds / STEP)):
        state = jog.step(state, STEP)
    return state


@pytest.fixture(scope="module")
def middle():
    """Joints with the hand above the middle of the table, pointing down."""
    jog = Jog()
    state = run(jog, jog.begin(fr3.HOME), 1.2, [1, 0, -0.5, 0, 0, 0])
    return run(jog, state, 0.5, [0] * 6).joints


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("direction", [1.0, -1.0])
def test_the_hand_goes_straight_with_the_set_speed(middle, axis, direction):
    jog = Jog()
    state = jog.begin(middle)
    motion = np.zeros(6)
    motion[axis] = direction
    before = run(jog, state, 0.5, motion)
    after = run(jog, before, 0.4, motion)
    wanted = np.zeros(3)
    wanted[axis] = direction * 0.15 * 0.4
    moved = hand_pose(after.joints).position - hand_pose(before.joints).position
    np.testing.assert_allclose(moved, wanted, atol=2e-3)
    turned = to_vector(hand_pose(after.joints).rotation @ state.pose.rotation.T)
    assert np.abs(turned).max() < 5e-3


@pytest.mark.parametrize("axis", range(3))
def test_the_hand_turns_on_the_spot(axis):
    jog = Jog()
    state = jog.begin(fr3.HOME)
    motion = np.zeros(6)
    motion[3 + axis] = 1.0
    after = run(jog, state, 0.75, motion)
    np.testing.assert_allclose(after.pose.position, state.pose.position, atol=2e-3)
    turned = to_vector(after.pose.rotation @ state.pose.rotation.T)
    wanted = np.zeros(3)
    wanted[axis] = 0.6 * (0.75 - 0.125)  # the ramp to full speed takes 0.25 s
    np.testing.assert_allclose(turned, wanted, atol=0.02)


def test_in_the_hands_frame_its_own_axes_count():
    jog = Jog(JogSettings(in_hand_frame=True))
    state = jog.begin(fr3.HOME)
    after = run(jog, state, 0.5, [0, 0, 1, 0, 0, 0])  # the hand's z axis points down
    assert after.pose.position[2] < state.pose.position[2] - 0.03


def test_diagonals_are_not_faster():
    jog = Jog()
    state = run(jog, jog.begin(fr3.HOME), 1.0, [1, 1, -1, 0, 0, 0])
    assert np.linalg.norm(state.rates[:3]) <= 0.15 + 1e-9


@given(postures)
@settings(max_examples=30, deadline=None)
def test_no_input_is_rest(joints):
    jog = Jog()
    state = jog.begin(joints)
    assert np.array_equal(jog.step(state, STEP).joints, joints)
    assert not np.any(jog.step(state, STEP).rates)


@given(postures, motions)
@settings(max_examples=30, deadline=None)
def test_engaging_does_not_jump(joints, motion):
    jog = Jog()
    state = jog.begin(joints)
    jog.motion = motion
    after = jog.step(state, STEP)
    moved = hand_pose(after.joints).position - state.pose.position
    # One step at the acceleration that is allowed, and what joints near their ends add.
    assert np.linalg.norm(moved) <= 0.6 * STEP**2 + 1e-3
    assert np.abs(after.joints - joints).max() <= 0.5 * 3.0 * STEP + 1e-12


@given(st.lists(st.tuples(motions, st.integers(1, 90)), min_size=1, max_size=4))
@settings(max_examples=25, deadline=None)
def test_joints_and_hand_stay_where_they_may_be(script):
    box = Box(np.array([0.25, -0.3, 0.2]), np.array([0.6, 0.3, 0.6]))
    jog = Jog(JogSettings(box=box))
    limits, state = jog.settings, jog.begin(fr3.HOME)
    for motion, steps in script:
        jog.motion = motion
        for _ in range(steps):
            before, state = state, jog.step(state, STEP)
            assert np.all(state.joints >= limits.lower)
            assert np.all(state.joints <= limits.upper)
            assert np.all(np.abs(state.joints - before.joints) <= limits.joint_speed * STEP + 1e-9)
            assert box.holds(hand_pose(state.joints).position)


@given(postures, motions)
@settings(max_examples=25, deadline=None)
def test_from_anywhere_nothing_goes_further_out(joints, motion):
    jog = Jog()
    limits, state = jog.settings, jog.begin(joints)
    for _ in range(20):
        jog.motion = motion
        before, state = state, jog.step(state, STEP)
        assert np.all(np.isfinite(state.joints))
        assert np.all(state.joints >= np.minimum(limits.lower, before.joints))
        assert np.all(state.joints <= np.maximum(limits.upper, before.joints))
        assert limits.box.widened_to(before.pose.position).holds(state.pose.position)


def test_the_hand_stops_softly_at_the_boxs_side():
    jog = Jog(JogSettings(box=Box(np.array([0.2, -0.5, 0.3]), np.array([0.5, 0.5, 0.8]))))
    state = jog.begin(fr3.HOME)
    speeds = []
    for _ in range(150):
        state = run(jog, state, STEP, [1, 0, 0, 0, 0, 0])
        speeds.append(float(state.rates[0]))
    assert state.pose.position[0] == pytest.approx(0.5, abs=2e-3)
    assert state.pose.position[0] <= 0.5
    assert np.abs(np.diff(speeds)).max() < 0.03
    assert run(jog, state, 0.3, [-1, 0, 0, 0, 0, 0]).pose.position[0] < 0.49


def test_out_of_reach_the_hand_stops_instead_of_giving_way():
    jog = Jog()
    state = run(jog, jog.begin(fr3.HOME), 4.0, [1, 0, 0, 0, 0, 0])
    assert 0.65 < state.pose.position[0] < 0.8
    assert np.abs(state.pose.position[1:] - hand_pose(fr3.HOME).position[1:]).max() < 0.01
    later = run(jog, state, 2.0, [1, 0, 0, 0, 0, 0])
    np.testing.assert_allclose(later.pose.position, state.pose.position, atol=2e-3)
    back = run(jog, later, 1.5, [-1, 0, 0, 0, 0, 0])
    assert back.pose.position[0] < state.pose.position[0] - 0.05


def test_a_pose_brings_nearly_the_same_posture_again():
    jog = Jog()
    state = jog.begin(fr3.HOME)
    for motion in (
        [0, 1, 0, 0, 0, 0],
        [1, 0, 0, 0, 0, 0],
        [0, -1, 0, 0, 0, 0],
        [-1, 0, 0, 0, 0, 0],
    ):
        state = run(jog, state, 1.2, motion)
        state = run(jog, state, 0.3, [0] * 6)
    assert np.abs(state.joints - fr3.HOME).max() < 0.08


def test_forced_rates_override_what_is_asked_for():
    jog = Jog()
    state = run(jog, jog.begin(fr3.HOME), 0.5, [1, 0, 0, 0, 0, 0])
    stopped = jog.step(state, STEP, np.zeros(6))
    assert np.array_equal(stopped.joints, state.joints)


def test_an_empty_box_is_refused():
    with pytest.raises(ValueError, match="is empty"):
        Box(np.array([0.5, 0.0, 0.0]), np.array([0.4, 1.0, 1.0]))
