"""Trajectories are followed as ros2_controllers follows them, limits judged as the robot does."""

from types import SimpleNamespace as Fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dust_sim.audit import CommandAudit
from dust_sim.trajectory import Knots
from dust_sim.trajectory import Trajectory as Reference
from dust_view.fr3 import ARM_JOINTS
from dust_view.limits import limit_use, shares
from dust_view.trajectory import NS, Trajectory, milliseconds

HOME = np.array([0.0, -np.pi / 4, 0.0, -3 * np.pi / 4, 0.0, np.pi / 2, np.pi / 4])


def random_trajectory(seed: int, points: int) -> Trajectory:
    rng = np.random.default_rng(seed)
    times = 1_700_000_000 * NS + np.cumsum(rng.integers(10**7, 10**8, points))
    states = rng.normal(size=(points, 3, 7))
    states[-1, 1:] = 0.0
    return Trajectory(times.astype(np.int64), states)


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6))
def test_it_moves_as_the_simulated_controller_does(seed: int, points: int) -> None:
    ours = random_trajectory(seed, points)
    offsets = ours.times - ours.start_ns
    given_rows = np.ones(points, bool)
    theirs = Reference(
        ours.start_ns, Knots(offsets, *ours.states.transpose(1, 0, 2), given_rows, given_rows)
    )
    at = ours.start_ns + np.linspace(0, offsets[-1] + 10**8, 57).astype(np.int64)
    expected = theirs.sample(at)
    found = ours.sample(at)
    np.testing.assert_allclose(found[:, 0], expected.positions, atol=1e-9)
    np.testing.assert_allclose(found[:, 1], expected.velocities, atol=1e-6)
    np.testing.assert_allclose(found[:, 2], expected.accelerations, atol=1e-3, rtol=1e-6)


def test_points_that_are_not_due_are_reached_from_the_command() -> None:
    later = Trajectory.at_rest(HOME + 0.1, since_ns=NS)
    command = np.zeros((3, 7))
    command[0] = HOME
    followed = later.taken_up(NS // 2, command)
    np.testing.assert_array_equal(followed.sample(np.array([NS // 2]))[0, 0], HOME)
    middle = followed.sample(np.array([3 * NS // 4]))[0, 0]
    np.testing.assert_allclose(middle, HOME + 0.05)
    assert later.taken_up(2 * NS, command) is later


def message(**changes: object) -> Fields:
    point = Fields(
        positions=list(range(8)),
        velocities=[],
        accelerations=[],
        time_from_start=Fields(sec=0, nanosec=5),
    )
    fields = {
        "header": Fields(stamp=Fields(sec=1, nanosec=0)),
        "joint_names": [*reversed(ARM_JOINTS), "other"],
        "points": [point],
    }
    return Fields(**(fields | changes))


def test_columns_come_in_the_order_asked_for() -> None:
    read = Trajectory.from_message(message(), ARM_JOINTS)
    assert read.start_ns == NS + 5
    np.testing.assert_array_equal(read.states[0], [[6, 5, 4, 3, 2, 1, 0], [0] * 7, [0] * 7])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"points": []}, "no points"),
        ({"joint_names": list(ARM_JOINTS[1:])}, "no joint fr3_joint1"),
        ({"joint_names": list(ARM_JOINTS)}, "8 values for 7"),
    ],
)
def test_messages_that_do_not_fit_are_refused(changes: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Trajectory.from_message(message(**changes), ARM_JOINTS)


def test_milliseconds_lie_on_one_grid() -> None:
    assert list(milliseconds(999_999, 3_000_000)) == [1_000_000, 2_000_000, 3_000_000]
    assert list(milliseconds(3_000_000, 3_000_001)) == []


@settings(deadline=None)
@given(st.integers(0, 10**6))
def test_limits_are_judged_as_the_cells_audit_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    moves = rng.normal(scale=10.0 ** rng.uniform(-9, -2), size=(40, 7)).cumsum(axis=0)
    positions = HOME + moves
    audit = CommandAudit()
    audit.add(positions)
    found = limit_use(positions)
    assert dict(found.outside) == audit.counts.outside
    assert found.kept == (not any(audit.counts.outside.values()))
    for kind, peak in audit.counts.peak.items():
        assert found.peak[kind] == pytest.approx(peak, rel=1e-6)


def test_standing_still_uses_no_speed() -> None:
    used = shares(np.tile(HOME, (5, 1)))
    assert all(not used[kind].any() for kind in ("velocity", "acceleration", "jerk"))
    assert limit_use(np.empty((0, 7))).kept
