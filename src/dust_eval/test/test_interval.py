"""Tests of dust_eval.interval against SciPy and the published formula."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from dust_eval.interval import Z_95, Rate, paired_interval, wilson_interval


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilsons_interval_agrees_with_scipy(case):
    successes, trials = case
    reference = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    low, high = wilson_interval(successes, trials)
    assert low == pytest.approx(reference.low, abs=1e-6)
    assert high == pytest.approx(reference.high, abs=1e-6)


def test_half_successes_count_half():
    assert Rate.of([1, 0.5, 0.5, 0]).rate == 0.5
    assert Rate.of([0.5, 0.5]) == Rate.of([1, 0])
    assert str(Rate.of([1.0] * 96)) == "100.0% (96.2% to 100.0%)"


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 40))
def test_the_paired_interval_is_agresti_and_mins(wins, losses, ties):
    # Agresti & Min (2005): half a trial is added to each cell of the 2 x 2 table, n* = n + 2.
    n = wins + losses + ties + 2
    b, c = wins + 0.5, losses + 0.5
    margin = Z_95 * math.sqrt((b + c) - (b - c) ** 2 / n) / n
    low, high = paired_interval([1.0] * wins + [-1.0] * losses + [0.0] * ties)
    assert low == pytest.approx(max(-1, (b - c) / n - margin))
    assert high == pytest.approx(min(1, (b - c) / n + margin))


def test_agreement_on_everything_leaves_doubt():
    low, high = paired_interval([0.0] * 20)
    assert low == -high
    assert 0.05 < high < 0.2
