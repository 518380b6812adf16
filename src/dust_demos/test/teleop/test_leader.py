"""Leader arm: engaging without a jump, following within limits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dust_demos.teleop import fr3
from dust_demos.teleop.leader import Engagement, Leader, LeaderSettings

STEP = 1 / 60
ALIGN = LeaderSettings(max_gap=6.0)

anywhere = st.lists(st.floats(-4, 4), min_size=7, max_size=7).map(np.array)


def run(leader, state, seconds):
    states = []
    for _ in range(round(seconds / STEP)):
        state = leader.step(state, STEP)
        leader.follow(leader.target, state.joints)
        states.append(state)
    return states


def test_the_arm_comes_slowly_then_follows_fast():
    leader = Leader(ALIGN)
    away = fr3.HOME + 0.6
    assert leader.engage(away, fr3.HOME) == ""
    assert not leader.aligned
    states = run(leader, leader.begin(fr3.HOME), 3.0)
    assert max(np.abs(state.rates).max() for state in states) <= 0.3 + 1e-9
    assert leader.aligned
    np.testing.assert_allclose(states[-1].joints, away, atol=0.02)
    leader.follow(fr3.HOME, states[-1].joints)
    assert max(np.abs(state.rates).max() for state in run(leader, states[-1], 0.5)) > 0.5


def test_a_leader_too_far_away_is_refused_by_name():
    leader = Leader(LeaderSettings(max_gap=0.5))
    refusal = leader.engage(fr3.HOME + np.eye(7)[3], fr3.HOME)
    assert "fr3_joint4 is at -1.36 rad, the arm's at -2.36 rad" in refusal
    assert leader.target is None


def test_with_an_offset_only_motion_counts():
    leader = Leader(LeaderSettings(engagement=Engagement.OFFSET, max_gap=0.0))
    far = fr3.HOME + 2.0
    assert leader.engage(far, fr3.HOME) == ""
    assert leader.aligned
    np.testing.assert_allclose(leader.target, fr3.HOME)
    leader.follow(far + 0.2, fr3.HOME)
    np.testing.assert_allclose(leader.target, np.clip(fr3.HOME + 0.2, ALIGN.lower, ALIGN.upper))


@given(anywhere, st.sampled_from(Engagement))
@settings(max_examples=40, deadline=None)
def test_engaging_does_not_jump(position, engagement):
    leader = Leader(LeaderSettings(engagement=engagement, max_gap=10.0))
    leader.engage(position, fr3.HOME)
    after = leader.step(leader.begin(fr3.HOME), STEP)
    assert np.abs(after.joints - fr3.HOME).max() <= 4.0 * STEP**2


@given(st.lists(st.tuples(anywhere, st.integers(1, 40)), min_size=1, max_size=5))
@settings(max_examples=40, deadline=None)
def test_limits_hold_wherever_the_leader_goes(script):
    leader = Leader(LeaderSettings(max_gap=10.0, engagement=Engagement.OFFSET))
    leader.engage(script[0][0], fr3.HOME)
    limits, state = leader.settings, leader.begin(fr3.HOME)
    for position, steps in script:
        for _ in range(steps):
            leader.follow(position, state.joints)
            before, state = state, leader.step(state, STEP)
            assert np.all(state.joints >= limits.lower)
            assert np.all(state.joints <= limits.upper)
            assert np.all(np.abs(state.rates) <= limits.joint_speed + 1e-9)
            change = np.abs(state.rates - before.rates)
            assert change.max() <= limits.acceleration * STEP + 1e-9


def test_without_a_leader_the_arm_rests():
    leader = Leader(ALIGN)
    state = leader.begin(fr3.HOME)
    assert np.array_equal(leader.step(state, STEP).joints, fr3.HOME)
    leader.engage(fr3.HOME + 0.3, fr3.HOME)
    moving = run(leader, state, 0.3)[-1]
    leader.disengage()
    for _ in range(60):
        moving = leader.step(moving, STEP)
    assert not np.any(moving.rates)


@pytest.mark.parametrize("gap", [0.02, 0.3, 0.9])
def test_the_target_is_reached_without_overshoot(gap):
    leader = Leader(ALIGN)
    leader.engage(fr3.HOME + gap, fr3.HOME)
    leader.aligned = True
    states = run(leader, leader.begin(fr3.HOME), 4.0)
    joints = np.array([state.joints - fr3.HOME for state in states])
    assert joints.max() <= gap * 1.03
    np.testing.assert_allclose(joints[-1], gap, atol=0.01)
