"""The line through samples and its interval, against scipy and against chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dust_eval.bench_trend import LEAST_SAMPLES, fit_trend, student_quantile

TIMES = np.arange(0, 1800, 10.0)


@given(st.floats(-1, 1), st.floats(0, 500), st.integers(LEAST_SAMPLES, 200))
def test_a_straight_line_is_found_for_sure(slope, start, count):
    times = 10.0 * np.arange(count)
    trend = fit_trend(times, start + slope * times)
    assert trend.slope == pytest.approx(slope, abs=1e-9)
    assert trend.margin == pytest.approx(0, abs=1e-7)
    assert trend.growth == pytest.approx(slope * times[-1], abs=1e-6)
    assert trend.first == pytest.approx(start)


def test_nothing_that_changes_has_no_slope():
    trend = fit_trend(TIMES, np.full(len(TIMES), 80.0))
    assert (trend.slope, trend.margin, trend.growth) == (0.0, 0.0, 0.0)


def test_too_few_samples_tell_nothing():
    assert fit_trend(TIMES[: LEAST_SAMPLES - 1], TIMES[: LEAST_SAMPLES - 1]) is None


def test_independent_samples_have_the_usual_interval():
    rng = np.random.default_rng(1)
    # Neighbours that happen to be correlated widen it a little.
    values = 80 + 1e-4 * TIMES + rng.normal(0, 0.3, len(TIMES))
    known = stats.linregress(TIMES, values)
    trend = fit_trend(TIMES, values)
    usual = stats.t.ppf(0.975, len(TIMES) - 2) * known.stderr
    assert trend.slope == pytest.approx(known.slope)
    assert usual * 0.99 <= trend.margin <= usual * 1.4


@pytest.mark.parametrize("memory", [0.0, 0.9], ids=["independent", "correlated"])
def test_the_interval_has_the_true_slope_in_it_about_as_often_as_it_says(memory):
    rng, hits, runs = np.random.default_rng(0), 0, 300
    for _ in range(runs):
        noise = np.zeros(len(TIMES))
        for index in range(1, len(TIMES)):
            noise[index] = memory * noise[index - 1] + rng.normal()
        trend = fit_trend(TIMES, 80 + 0.001 * TIMES + noise)
        hits += abs(trend.slope - 0.001) <= trend.margin
    assert 0.87 <= hits / runs <= 1.0


@pytest.mark.parametrize("freedom", [4, 5, 8, 20, 178, 1e6])
def test_students_quantile(freedom):
    assert student_quantile(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=0.01)
