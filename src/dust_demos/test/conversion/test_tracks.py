import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_demos.conversion.tracks import (
    Plan,
    Samples,
    StepSamples,
    in_order,
    longest_silence,
    plans_in_order,
)
from dust_policy.history import StateHistory

BASE = 1_700_000_000_000_000_000
stamps = st.lists(st.integers(0, 10**9), min_size=1, max_size=20, unique=True).map(sorted)


@given(stamps, st.lists(st.integers(-(10**8), 11 * 10**8), min_size=1, max_size=10))
def test_samples_are_read_as_the_live_policy_reads_its_states(known, asked):
    values = np.cos(np.arange(2 * len(known))).reshape(-1, 2)
    history = StateHistory()
    for stamp, value in zip(known, values, strict=True):
        history.add(BASE + stamp, value)
    track = Samples("x", BASE + np.array(known), values)
    found = track.at(BASE + np.array(asked))
    live = [history.at(BASE + moment, max_age_ns=10**12) for moment in asked]
    np.testing.assert_allclose(found, np.array(live), atol=1e-9)


def test_commands_hold_until_the_next():
    track = StepSamples("x", np.array([10, 20]), np.array([[1.0], [2.0]]))
    assert track.at(np.array([0, 10, 19, 20, 99])).ravel().tolist() == [1, 1, 1, 2, 2]
    assert not track.steady


def test_of_trajectories_the_newest_that_has_begun_counts():
    first = Plan(np.array([0, 10]), np.array([[0.0], [1.0]]))
    second = Plan(np.array([0, 4]), np.array([[5.0], [9.0]]))
    track = plans_in_order("x", [(106, second), (100, first)])
    found = track.at(np.array([90, 100, 105, 106, 108, 999])).ravel()
    assert found.tolist() == [0.0, 0.0, 0.5, 5.0, 7.0, 9.0]


def test_of_equal_stamps_the_last_stays():
    times, values = in_order([(5, [1.0]), (3, [2.0]), (5, [3.0])])
    assert times.tolist() == [3, 5]
    assert values.ravel().tolist() == [2.0, 3.0]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([0, 10, 20, 50, 60], (30, 20)),
        ([0, 10, 90, 100], (80, 10)),
        ([30, 60], (30, 0)),  # nothing before the start: silence from there
        ([-40, 60], (100, -40)),  # the last one before the start is what would be used
    ],
)
def test_the_longest_silence(times, expected):
    assert longest_silence(np.array(times), 0, 60) == expected
