"""Tests of dust_eval.table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from dust_eval.table import success_table, wilson_interval
from dust_eval.trial import TrialResult, TrialSpec


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_interval_agrees_with_scipy(case):
    successes, trials = case
    reference = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    low, high = wilson_interval(successes, trials)
    assert low == pytest.approx(reference.low, abs=1e-6)
    assert high == pytest.approx(reference.high, abs=1e-6)


def result(task, score, outside=0):
    spec = TrialSpec(task, "sponge", 0)
    return TrialResult(spec, score, "", 10.0, 5, 1000, outside, (0.1, 0.2, 0.3, 0.4))


def test_rows_add_up():
    table = success_table(
        [
            result("box_to_plate", 1.0),
            result("box_to_bowl", 0.5, outside=2),
            result("box_to_plate", 0.0),
        ]
    )
    rows = [line.split() for line in table.splitlines()[1:]]
    assert [row[0] for row in rows] == ["box_to_bowl", "box_to_plate", "all"]
    assert rows[0][1:4] == ["0.5", "of", "1"]
    assert rows[2][1:5] == ["1.5", "of", "3", "50.0%"]
    assert rows[2][-1] == "2"
