"""Acceptance, replacement and start of trajectories, as in joint_trajectory_controller."""

import numpy as np
import pytest

from dust_sim.trajectory_controller import (
    RejectedError,
    TrajectoryController,
    TrajectoryPoint,
    TrajectoryRequest,
)

MS = 1_000_000
SECOND = 1000 * MS
NOW = 1_800_000_000 * SECOND
JOINTS = ("a", "b")
ZERO = np.zeros(2)


def controller(**options):
    return TrajectoryController(JOINTS, ZERO, **options)


def request(*points, stamp_ns=0, names=JOINTS):
    return TrajectoryRequest(stamp_ns, names, points)


def point(offset_sec, *positions, **fields):
    return TrajectoryPoint(round(offset_sec * SECOND), positions, **fields)


def run(it, begin_ns, count, position=ZERO, velocity=ZERO):
    return it.sample(begin_ns + np.arange(count) * MS, position, velocity)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (request(), "no points"),
        (request(point(1, 0.0), names=("a",)), "joints are"),
        (request(point(1, 0.0, 0.0), names=("a", "a")), "joints are"),
        (request(point(1, 0.0, 0.0, 0.0), names=("a", "b", "c")), "joints are"),
        (request(point(1, 0.0)), "point 0 has 1 positions"),
        (request(point(1, 0.0, 0.0, velocities=(0.0,))), "1 velocities"),
        (request(point(1, 0.0, 0.0, accelerations=(0.0,) * 3)), "3 accelerations"),
        (request(point(1, 0.0, 0.0, effort=(0.0, 0.0))), "efforts"),
        (request(point(1, 0.0, 0.0), point(1, 1.0, 0.0)), "time_from_start of point 1"),
        (request(point(1, 0.0, 0.0), stamp_ns=NOW - 2 * SECOND), "ended 1.000 s ago"),
        (request(point(1, 0.0, 0.0, velocities=(0.0, 0.1))), "velocity of b at the end"),
        (request(point(1, 0.0, float("nan"))), "not finite"),
        (request(point(1, 0.0, 0.0, velocities=(float("inf"), 0.0))), "velocit"),
    ],
)
def test_a_bad_trajectory_is_rejected_with_its_reason_and_changes_nothing(bad, reason):
    it = controller()
    it.accept(request(point(0.01, 1.0, 1.0)), NOW)
    with pytest.raises(RejectedError, match=reason):
        it.accept(bad, NOW)
    assert run(it, NOW, 20).positions[-1].tolist() == [1.0, 1.0]


def test_joints_may_come_in_any_order():
    it = controller()
    it.accept(request(point(0.01, 2.0, 1.0), names=("b", "a")), NOW)
    assert run(it, NOW, 20).positions[-1].tolist() == [1.0, 2.0]


def test_an_end_velocity_is_accepted_when_allowed():
    it = controller(allow_end_velocity=True)
    it.accept(request(point(0.01, 0.0, 0.0, velocities=(0.0, 0.1))), NOW)
    assert run(it, NOW, 20).velocities[-1].tolist() == [0.0, 0.1]


def test_stamp_zero_starts_at_the_next_sample():
    it = controller()
    it.accept(request(point(0.0, 0.0, 0.0), point(0.010, 1.0, 0.0)), NOW)
    out = run(it, NOW + 5 * SECOND, 11)
    np.testing.assert_allclose(out.positions[:, 0], np.arange(11) / 10, atol=1e-12)
    assert it.is_moving(NOW + 5 * SECOND + 9 * MS)
    assert not it.is_moving(NOW + 5 * SECOND + 10 * MS)


def test_a_first_point_ahead_starts_from_the_measured_state():
    it = controller()
    it.accept(request(point(0.010, 1.0, 0.0)), NOW)
    out = run(it, NOW, 3, position=np.array([0.5, 0.0]))
    np.testing.assert_allclose(out.positions[:, 0], [0.5, 0.55, 0.6], atol=1e-12)


def test_a_first_point_ahead_starts_from_the_last_command_when_asked():
    it = controller(interpolate_from_desired_state=True)
    it.accept(request(point(0.010, 1.0, 0.0)), NOW)
    out = run(it, NOW, 3, position=np.array([0.5, 0.0]))
    np.testing.assert_allclose(out.positions[:, 0], [0.0, 0.1, 0.2], atol=1e-12)


def test_the_measured_state_has_no_accelerations_and_so_starts_with_a_cubic():
    it = controller()
    end = {"velocities": (0.0, 0.0), "accelerations": (0.0, 0.0)}
    it.accept(request(point(1.0, 1.0, 0.0, **end)), NOW)
    u = np.arange(1000) / 1000
    out = run(it, NOW, 1000)
    np.testing.assert_allclose(out.positions[:, 0], 3 * u**2 - 2 * u**3, atol=1e-12)


def test_a_first_point_in_the_past_jumps_into_the_segment_of_now():
    it = controller()
    points = (point(0.0, 0.0, 0.0), point(1.0, 1.0, 0.0))
    it.accept(request(*points, stamp_ns=NOW - SECOND // 2), NOW)
    assert run(it, NOW, 1).positions[0, 0] == pytest.approx(0.5)


def test_a_new_trajectory_replaces_the_old_one_at_once():
    it = controller()
    it.accept(request(point(1.0, 1.0, 0.0)), NOW)
    run(it, NOW, 100)
    it.accept(request(point(0.0, -1.0, 0.0), stamp_ns=NOW + 100 * MS), NOW + 100 * MS)
    assert run(it, NOW + 100 * MS, 10).positions[:, 0].tolist() == [-1.0] * 10


def test_repeating_the_running_plan_leaves_no_seam():
    fields = {"velocities": (0.0, 0.0), "accelerations": (0.0, 0.0)}
    points = (point(0.0, 0.0, 0.0, **fields), point(0.2, 0.1, 0.0, **fields))
    once, twice = controller(), controller()
    for it in (once, twice):
        it.accept(request(*points, stamp_ns=NOW), NOW)
    whole = run(once, NOW, 200).positions
    first = run(twice, NOW, 100).positions
    twice.accept(request(*points, stamp_ns=NOW), NOW + 100 * MS)
    np.testing.assert_array_equal(
        whole, np.vstack((first, run(twice, NOW + 100 * MS, 100).positions))
    )


def test_holds_at_first_and_after_hold():
    it = controller()
    it.accept(request(point(1.0, 1.0, 0.0)), NOW)
    run(it, NOW, 10)
    it.hold(np.array([0.3, 0.4]))
    out = run(it, NOW + 10 * MS, 5)
    assert out.positions.tolist() == [[0.3, 0.4]] * 5
    assert not it.is_moving(NOW + 10 * MS)
    np.testing.assert_array_equal(out.velocities, 0.0)


def test_samples_from_before_it_came_in_follow_the_trajectory_before():
    it = controller()
    it.accept(request(point(0.0, 0.0, 0.0), point(0.1, 1.0, 0.0), stamp_ns=NOW), NOW)
    it.accept(request(point(0.0, -1.0, 0.0), stamp_ns=NOW + 50 * MS), NOW + 50 * MS)
    late = [run(it, NOW + begin * MS, 5).positions[:, 0] for begin in range(0, 60, 5)]
    np.testing.assert_allclose(np.concatenate(late[:10]), np.arange(50) / 100, atol=1e-12)
    np.testing.assert_array_equal(np.concatenate(late[10:]), -1.0)
