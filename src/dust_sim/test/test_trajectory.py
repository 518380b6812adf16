"""Splines of a trajectory against closed forms and their own end conditions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_sim.trajectory import Knots, Trajectory

SECOND = 1_000_000_000
START = 1_800_000_000 * SECOND  # a stamp of today's size: precision must survive it


def make_knots(times, positions, velocities=None, accelerations=None):
    positions = np.atleast_2d(np.array(positions, dtype=float).T).T
    zeros = np.zeros_like(positions)
    count = len(times)
    return Knots(
        np.array([round(t * SECOND) for t in times], dtype=np.int64),
        positions,
        zeros if velocities is None else np.array(velocities, float).reshape(positions.shape),
        zeros if accelerations is None else np.array(accelerations, float).reshape(positions.shape),
        np.full(count, velocities is not None),
        np.full(count, accelerations is not None),
    )


def sample(knots, times):
    stamps = START + np.array([round(t * SECOND) for t in times], dtype=np.int64)
    return Trajectory(START, knots).sample(stamps)


def test_positions_alone_give_straight_lines():
    out = sample(make_knots([0.0, 2.0], [1.0, 3.0]), [0.0, 0.5, 1.5])
    np.testing.assert_allclose(out.positions[:, 0], [1.0, 1.5, 2.5], atol=1e-12)
    np.testing.assert_allclose(out.velocities[:, 0], 1.0)
    np.testing.assert_array_equal(out.accelerations, 0.0)


def test_velocities_give_the_cubic_between_rests():
    times = np.linspace(0, 1.9, 20)
    out = sample(make_knots([0.0, 2.0], [0.0, 1.0], velocities=[0.0, 0.0]), times)
    u = times / 2
    np.testing.assert_allclose(out.positions[:, 0], 3 * u**2 - 2 * u**3, atol=1e-12)
    np.testing.assert_allclose(out.velocities[:, 0], (6 * u - 6 * u**2) / 2, atol=1e-12)


def test_accelerations_give_the_minimum_jerk_quintic_between_rests():
    times = np.linspace(0, 1.9, 20)
    knots = make_knots([0.0, 2.0], [0.0, 1.0], velocities=[0, 0], accelerations=[0, 0])
    u = times / 2
    out = sample(knots, times)
    np.testing.assert_allclose(out.positions[:, 0], 10 * u**3 - 15 * u**4 + 6 * u**5, atol=1e-12)
    np.testing.assert_allclose(
        out.accelerations[:, 0], (60 * u - 180 * u**2 + 120 * u**3) / 4, atol=1e-12
    )


def test_one_point_without_accelerations_makes_its_segments_cubic():
    knots = make_knots([0.0, 1.0], [0.0, 1.0], velocities=[0, 0], accelerations=[5, 5])
    knots.has_acceleration[1] = False
    out = sample(knots, [0.5])
    np.testing.assert_allclose(out.positions, 0.5)


def test_the_end_holds():
    out = sample(make_knots([0.0, 1.0], [0.0, 1.0], velocities=[0, 0]), [1.0, 1.001, 100.0])
    np.testing.assert_array_equal(out.positions[:, 0], 1.0)
    np.testing.assert_array_equal(out.velocities, 0.0)


def test_third_differences_at_1_khz_keep_their_precision():
    times = np.arange(0, 0.999, 0.001)
    knots = make_knots([0.0, 1.0], [0.0, 0.5], velocities=[0, 0], accelerations=[0, 0])
    jerk = np.diff(sample(knots, times).positions[:, 0], n=3) / 1e-9
    u = (times[:-3] + 0.0015) / 1.0
    np.testing.assert_allclose(jerk, 0.5 * (60 - 360 * u + 360 * u**2), atol=0.01)


value = st.floats(-3, 3)
state = st.tuples(value, value, value)


@given(
    st.lists(st.floats(0.1, 1.0), min_size=1, max_size=6),
    st.lists(state, min_size=7, max_size=7),
)
def test_quintics_meet_every_knot_from_both_sides(spans, states):
    times = np.concatenate(([0.0], np.cumsum(spans)))
    rows = np.array(states[: len(times)])
    knots = make_knots(times, rows[:, 0], rows[:, 1], rows[:, 2])
    trajectory = Trajectory(START, knots)
    at = START + knots.offsets_ns
    out = trajectory.sample(at)
    np.testing.assert_allclose(out.positions[:, 0], rows[:, 0], atol=1e-9)
    before = trajectory.sample(at[1:] - 1)
    for got, wanted, slack in (
        (before.positions, rows[1:, 0], 1e-7),
        (before.velocities, rows[1:, 1], 1e-4),
        (before.accelerations, rows[1:, 2], 0.05),
    ):
        np.testing.assert_allclose(got[:, 0], wanted, atol=slack)


@given(st.floats(0.01, 1.0), state, state, st.floats(0, 0.999))
def test_derivatives_belong_to_the_positions(span, first, last, share):
    knots = make_knots([0.0, span], [first[0], last[0]], [first[1], last[1]], [first[2], last[2]])
    step = span * 1e-3
    middle = max(share * span * 0.99, 2 * step)
    times = [middle - step, middle, middle + step]
    out = sample(knots, times)
    slope = (out.positions[2] - out.positions[0]) / (2 * step)
    scale = max(1.0, 100 / span)
    assert slope[0] == pytest.approx(out.velocities[1, 0], abs=1e-3 * scale)
