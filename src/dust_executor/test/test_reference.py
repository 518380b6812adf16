import numpy as np
import pytest

from dust_executor.reference import reference_at, smooth, spline_states

H = 1 / 15
GRID = np.arange(16) * H
TIMES = np.round(GRID * 1e9).astype(np.int64)


def test_five_points_make_quartics_exact():
    rows = np.polynomial.Polynomial([0.3, -1.0, 2.0, 0.5, -0.7])
    states = spline_states(rows(GRID)[:, None], H)
    np.testing.assert_allclose(states[2:-2, 1, 0], rows.deriv(1)(GRID)[2:-2], atol=1e-9)
    np.testing.assert_allclose(states[2:-2, 2, 0], rows.deriv(2)(GRID)[2:-2], atol=1e-9)


def test_parabolas_are_exact_up_to_the_ends():
    rows = np.polynomial.Polynomial([0.3, -1.0, 2.0])
    states = spline_states(rows(GRID)[:, None], H)
    np.testing.assert_allclose(states[:, 1, 0], rows.deriv()(GRID), atol=1e-9)
    np.testing.assert_allclose(states[:-1, 2, 0], 4.0, atol=1e-9)
    assert states[-1, 2, 0] == 0.0
    early = reference_at(TIMES, states, TIMES[:1] - 20_000_000)[0, :, 0]
    np.testing.assert_allclose(early, [rows(-0.02), rows.deriv()(-0.02), 4.0], atol=1e-8)


def test_a_sine_is_followed_closely():
    states = spline_states(0.3 * np.sin(3 * GRID)[:, None], H)
    at = np.linspace(TIMES[2], TIMES[-3], 500).astype(np.int64)
    error = reference_at(TIMES, states, at)[:, 0, 0] - 0.3 * np.sin(3e-9 * at)
    assert np.abs(error).max() < 1e-5


def test_a_waypoint_acts_on_its_neighbours_only():
    waypoints = np.random.default_rng(0).normal(size=(16, 7))
    changed = waypoints.copy()
    changed[8] += 1.0
    same = spline_states(waypoints, H) == spline_states(changed, H)
    assert same[:6].all()
    assert same[11:].all()


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_few_waypoints_are_enough(count):
    waypoints = np.arange(count)[:, None] * np.ones(7)
    states = spline_states(waypoints, H)
    np.testing.assert_array_equal(states[:, 0], waypoints)
    if count > 1:
        np.testing.assert_allclose(states[:, 1], 1 / H)


def test_smoothing_calms_and_keeps_lines_and_ends():
    noise = np.random.default_rng(1).normal(size=(16, 7))
    calm = smooth(noise, 4)
    np.testing.assert_array_equal(calm[[0, -1]], noise[[0, -1]])
    assert (
        np.abs(np.diff(calm, n=2, axis=0)).max() < 0.4 * np.abs(np.diff(noise, n=2, axis=0)).max()
    )
    line = np.arange(16.0)[:, None] * np.ones(7)
    np.testing.assert_allclose(smooth(line, 5), line)
    np.testing.assert_array_equal(smooth(noise, 0), noise)
