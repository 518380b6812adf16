"""The way home, by the rules of the controller at 1 kHz and by hypothesis."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dust_executor.homing import HomeSettings, Homing, HomingError, home_path
from dust_executor.limits import named
from dust_executor.quintic import NS
from dust_executor.watchdog import JointState
from dust_executor.workspace import WorkspaceSettings

HOME = np.array([0, -np.pi / 4, 0, -3 * np.pi / 4, 0, np.pi / 2, np.pi / 4])
AWAY = HOME + np.array([0.4, 0.2, -0.3, 0.3, 0.5, -0.4, 0.6])
LIMITS = named("fr3_rectangular")
MS = 1_000_000


def to_home(bench, goal=AWAY, share=0.2) -> Homing:
    return Homing(bench.executor, HomeSettings(tuple(goal), share))


def go(bench, homing):
    bench.executor.tick()
    plan = homing.plan(bench.now)
    bench.executor.follow(plan)
    homing.begin(plan)
    return plan


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.floats(0, 1), min_size=14, max_size=14),
    st.sampled_from(["fr3_rectangular", "fr3_position_dependent", "panda"]),
    st.floats(0.05, 0.5),
)
def test_every_way_inside_stays_inside(shares, name, share):
    limits = named(name)
    # Where the arm may be at all: within a dead zone of its ends no outward motion is possible.
    zone = limits.dead_zone() + 0.02
    low, high = limits.lower + zone, limits.upper - zone
    start, goal = low + np.reshape(shares, (2, 7)) * (high - low)
    times, states = home_path(start, goal, limits, begin=5 * NS, speed_share=share)
    assert times[0] == 5 * NS
    assert np.array_equal(states[0, 0], start)
    assert np.array_equal(states[-1, 0], goal)
    assert not np.any(states[[0, -1], 1:])
    # A straight line: each joint goes one way only, so that positions lie between the ends.
    assert np.all(np.diff(states[:, 0], axis=0) * np.sign(goal - start) >= -1e-12)
    low_v, high_v = limits.velocity_bounds(states[:, 0])
    assert np.all(states[:, 1] <= high_v + 1e-9)
    assert np.all(states[:, 1] >= low_v - 1e-9)
    assert np.all(np.abs(states[:, 2]) <= limits.acceleration * share + 1e-9)


@pytest.mark.parametrize(("joint", "value"), [(0, 2.5), (3, 0.0)])
def test_outside_the_limits_there_is_no_way(joint, value):
    outside = HOME.copy()
    outside[joint] = value
    with pytest.raises(HomingError, match=f"joint {joint + 1} of home is at {value:.4f} rad"):
        home_path(HOME, outside, LIMITS, begin=0, speed_share=0.2)
    with pytest.raises(HomingError, match=f"joint {joint + 1} of the arm"):
        home_path(outside, HOME, LIMITS, begin=0, speed_share=0.2)


def test_the_arm_arrives_smoothly_and_inside_its_limits(make_bench):
    bench = make_bench()
    homing = to_home(bench)
    plan = go(bench, homing)
    assert "on its way home" in homing.busy(bench.now)
    while bench.now < plan.end + NS // 5:
        assert homing.fault(bench.now) == ""
        bench.run(bench.now + 100 * MS)
    assert homing.busy(bench.now) == ""
    bench.assert_inside_limits()
    bench.assert_smooth_seams()
    rows = bench.controller.history()
    assert np.array_equal(rows[:1000, 0], np.tile(HOME, (1000, 1)))
    assert np.allclose(rows[-1, 0], AWAY)
    assert np.max(np.abs(rows[:, 1]) / LIMITS.velocity) <= 0.2
    with pytest.raises(HomingError, match="at home already"):
        homing.plan(bench.now)


def test_a_trajectory_that_arrives_a_second_late_is_not_jumped_into(make_bench):
    bench = make_bench(transport=1100 * MS)
    plan = go(bench, to_home(bench, share=0.5))
    bench.run(plan.end + 2 * NS)
    bench.assert_inside_limits()
    bench.assert_smooth_seams()
    assert np.allclose(bench.controller.history()[-1, 0], AWAY)


def test_a_stop_on_the_way_comes_to_rest_soon(make_bench):
    bench = make_bench()
    homing = to_home(bench, share=0.5)
    plan = go(bench, homing)
    bench.run((bench.now + plan.end) // 2)
    began = bench.now
    assert bench.executor.stop("stop was called")
    assert homing.busy(bench.now) == ""
    bench.run(began + NS)
    rows = bench.controller.history()
    assert not np.any(rows[-1, 1])
    assert bench.executor.plan.end - began < 0.6 * NS
    assert not np.allclose(rows[-1, 0], AWAY, atol=0.01)
    bench.assert_inside_limits()
    bench.assert_smooth_seams()


@pytest.mark.parametrize("share", [0.01, 0.02])
def test_a_stop_on_a_very_slow_way_makes_no_jump(make_bench, share):
    bench = make_bench()
    executor = bench.executor
    goal = HOME + np.array([0, 1.7, 0, 1.7, 0, 0, 0])
    plan = go(bench, to_home(bench, goal, share))
    knots = np.diff(plan.times)
    # In the middle of it, long after the last knot.
    middle = int(plan.times[len(knots) // 2 + 1])
    bench.now = bench.controller.now = middle - 100 * MS
    (_, times, states) = bench.under_way.pop()
    bench.controller.trajectory = times, states
    bench.see()
    assert executor.stop("stop was called")
    bench.run(bench.now + NS)
    bench.assert_smooth_seams()
    assert not np.any(bench.controller.history()[-1, 1])


def test_it_is_refused_unless_the_arm_is_idle_and_at_rest(make_bench):
    bench = make_bench()
    homing = to_home(bench)
    bench.start()
    with pytest.raises(HomingError, match="task 'task' is running"):
        homing.plan(bench.now)
    bench.executor.stop("a cause")
    with pytest.raises(HomingError, match="stopped: a cause; rearm first"):
        homing.plan(bench.now)
    bench = make_bench()
    homing = to_home(bench)
    fast = JointState(bench.now, bench.now, HOME, np.full(7, 0.2), 1.0)
    bench.executor.joints(fast)
    with pytest.raises(HomingError, match="the arm must be at rest"):
        homing.plan(bench.now)
    bench.now += NS
    with pytest.raises(HomingError, match=r"joint states are 1\.00 s old"):
        homing.plan(bench.now)


def test_a_second_call_on_the_way_is_refused(make_bench):
    bench = make_bench()
    homing = to_home(bench)
    go(bench, homing)
    with pytest.raises(HomingError, match="on its way home for another"):
        homing.plan(bench.now)


def test_a_lost_arm_is_a_fault_at_the_second_look(make_bench):
    bench = make_bench()
    homing = to_home(bench)
    plan = go(bench, homing)
    bench.now = plan.end - NS // 100
    stuck = JointState(bench.now, bench.now, HOME, np.zeros(7), 1.0)
    bench.executor.joints(stuck)
    assert homing.fault(bench.now) == ""
    assert "away from its way home" in homing.fault(bench.now)


def test_silence_on_the_way_is_a_fault(make_bench):
    bench = make_bench()
    homing = to_home(bench)
    go(bench, homing)
    bench.now += NS
    assert homing.fault(bench.now) == ""
    assert "joint states are" in homing.fault(bench.now)


def test_a_reflex_on_the_way_is_a_fault_at_once(make_bench):
    bench = make_bench()
    homing = to_home(bench)
    go(bench, homing)
    bench.executor.watchdog.robot(4, ["joint_reflex"])
    assert homing.fault(bench.now) == "robot mode is REFLEX (joint_reflex)"


def test_a_way_out_of_the_workspace_is_refused(make_bench):
    box = WorkspaceSettings(True, (0.2, -0.2, 0.1), (0.7, 0.2, 0.8), 1.0)
    bench = make_bench(workspace=box)
    side = HOME.copy()
    side[0] = 1.5
    with pytest.raises(HomingError, match="leaves the workspace"):
        to_home(bench, goal=side).plan(bench.now)


def test_home_must_have_a_number_for_each_joint(make_bench):
    with pytest.raises(HomingError, match="2 numbers, the arm 7 joints"):
        to_home(make_bench(), goal=(0.0, 0.1)).plan(1000 * NS)
