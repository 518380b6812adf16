"""Chunks continue each other and end at rest, whatever the operator and the timer do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dust_demos.teleop import fr3
from dust_demos.teleop.jog import Jog
from dust_demos.teleop.leader import Leader, LeaderSettings
from dust_demos.teleop.reference import NS, Grid, Reference

PERIOD_NS = round(NS / 15)

ticks = st.lists(
    st.tuples(
        st.integers(0, 4 * PERIOD_NS),
        st.lists(st.floats(-1, 1), min_size=6, max_size=6).map(np.array),
        st.booleans(),
    ),
    min_size=2,
    max_size=12,
)


@given(ticks)
@settings(max_examples=30, deadline=None)
def test_every_chunk_ends_at_rest_and_repeats_what_was_committed(script):
    jog = Jog()
    now = 5 * NS
    reference = Reference(jog, Grid(), now_ns=now, joints=fr3.HOME)
    announced: dict[int, np.ndarray] = {}
    last_stamp = 0
    for pause, motion, drive in script:
        now += pause
        jog.motion = motion
        path = reference.plan(now, drive=drive)
        assert len(path.positions) == 10
        assert last_stamp <= path.stamp_ns <= now < path.stamp_ns + PERIOD_NS
        last_stamp = path.stamp_ns
        assert np.array_equal(path.positions[-1], path.positions[-2])
        assert np.array_equal(path.positions[-1], path.positions[-3])
        times = path.stamp_ns + PERIOD_NS * np.arange(10)
        for index, due in enumerate(times.tolist()):
            if due <= now + 0.1 * NS:
                assert index < path.prefix
                known = announced.get(due, max(announced.items())[1] if announced else fr3.HOME)
                np.testing.assert_array_equal(path.positions[index], known)
        announced |= dict(zip(times.tolist(), path.positions, strict=True))
        np.testing.assert_allclose(reference.joints_at(path.stamp_ns), path.positions[0])
        halfway = 0.5 * (path.positions[4] + path.positions[5])
        middle = path.stamp_ns + 4 * PERIOD_NS + PERIOD_NS // 2
        np.testing.assert_allclose(reference.joints_at(middle), halfway, atol=1e-6)


def test_a_steady_push_is_a_steady_motion():
    jog = Jog()
    jog.motion = np.array([1.0, 0, 0, 0, 0, 0])
    reference = Reference(jog, Grid(), now_ns=0, joints=fr3.HOME)
    firsts = [reference.plan(k * PERIOD_NS + 1000, drive=True).positions[0] for k in range(20)]
    steps = np.diff([jog.begin(joints).pose.position[0] for joints in firsts[6:]])
    np.testing.assert_allclose(steps, 0.15 / 15, rtol=0.05)


def test_what_was_asked_for_is_remembered_for_a_second():
    jog = Jog()
    jog.motion = np.array([1.0, 0, 0, 0, 0, 0])
    reference = Reference(jog, Grid(), now_ns=0, joints=fr3.HOME)
    firsts = [reference.plan(k * PERIOD_NS, drive=True).positions[0] for k in range(30)]
    for k in range(16, 30):
        np.testing.assert_allclose(reference.joints_at(k * PERIOD_NS), firsts[k], atol=1e-9)
    np.testing.assert_array_equal(reference.joints_at(0), reference.joints_at(5 * PERIOD_NS))


def test_letting_go_brings_the_arm_to_rest_within_half_a_second():
    jog = Jog()
    jog.motion = np.array([1.0, 0, 0, 0, 0, 0])
    reference = Reference(jog, Grid(), now_ns=0, joints=fr3.HOME)
    for k in range(10):
        reference.plan(k * PERIOD_NS, drive=True)
    assert not reference.is_at_rest(9 * PERIOD_NS)
    reference.plan(10 * PERIOD_NS, drive=False)
    assert reference.is_at_rest(10 * PERIOD_NS + NS // 2)
    resting = reference.plan(30 * PERIOD_NS, drive=False)
    assert np.ptp(resting.positions, axis=0).max() == 0


def test_a_node_that_dies_leaves_a_soft_stop():
    jog = Jog()
    jog.motion = np.array([1.0, 0, 0, 0, 0, 0])
    reference = Reference(jog, Grid(), now_ns=0, joints=fr3.HOME)
    for k in range(15):
        path = reference.plan(k * PERIOD_NS, drive=True)
    hand = np.array([jog.begin(joints).pose.position[0] for joints in path.positions])
    speeds = np.diff(hand) * 15
    assert speeds[0] == pytest.approx(0.15, rel=0.05)
    assert np.all(np.diff(speeds) <= 1e-3)
    assert np.diff(speeds).min() * 15 > -1.2  # m/s^2
    assert speeds[-1] == speeds[-2] == 0


def test_a_leader_is_followed_through_the_same_grid():
    leader = Leader(LeaderSettings())
    leader.engage(fr3.HOME + 0.2, fr3.HOME)
    reference = Reference(leader, Grid(), now_ns=0, joints=fr3.HOME)
    for k in range(45):
        path = reference.plan(k * PERIOD_NS, drive=True)
        leader.follow(fr3.HOME + 0.2, path.positions[0])
    np.testing.assert_allclose(path.positions[-1], fr3.HOME + 0.2, atol=0.01)


def test_a_long_pause_costs_nothing_and_moves_nothing():
    reference = Reference(Jog(), Grid(), now_ns=0, joints=fr3.HOME)
    path = reference.plan(10_000 * NS, drive=True)
    assert path.stamp_ns <= 10_000 * NS < path.stamp_ns + PERIOD_NS
    assert np.array_equal(path.positions, np.tile(fr3.HOME, (10, 1)))


def test_a_horizon_too_short_to_brake_is_refused_with_the_least_one():
    with pytest.raises(ValueError, match=r"chunk\.horizon is 8.*must be at least 9"):
        Grid(horizon=8)
    assert Grid(horizon=9).braking == 2
