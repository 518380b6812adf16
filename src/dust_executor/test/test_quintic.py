import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dust_executor.quintic import (
    enclosure,
    evaluate,
    evaluate_at,
    extremes,
    sample_pieces,
)

MS = 1_000_000


def polynomial(seed, at):
    """Return a random quintic of 2 joints and its derivatives [N, 4, 2]."""
    rows = np.random.default_rng(seed).normal(size=(6, 2))
    t = at * 1e-9
    result = np.zeros((len(at), 4, 2))
    for joint in range(2):
        p = np.polynomial.Polynomial(rows[:, joint])
        for derivative in range(4):
            result[:, derivative, joint] = (p.deriv(derivative) if derivative else p)(t)
    return result


@given(st.integers(0, 1000), st.lists(st.integers(1, 300), min_size=1, max_size=8))
def test_any_knots_on_a_quintic_give_it_back(seed, gaps):
    times = np.concatenate([[0], np.cumsum(gaps)]).astype(np.int64) * MS
    states = polynomial(seed, times)[:, :3]
    at = np.linspace(0, times[-1], 57).astype(np.int64)
    np.testing.assert_allclose(evaluate(times, states, at), polynomial(seed, at)[:, :3], atol=1e-6)


def test_samples_hold_all_derivatives_and_both_ends():
    times = np.array([0, 20, 50]) * MS
    states = polynomial(3, times)[:, :3]
    samples = sample_pieces(times, states)
    assert samples.shape == (4, 2, 31, 2)
    at = np.linspace(20 * MS, 50 * MS, 31).astype(np.int64)
    expected = polynomial(3, at).transpose(1, 0, 2)
    np.testing.assert_allclose(samples[:, 1], expected, atol=1e-5)


def test_knots_come_back_to_the_last_bit():
    times = np.array([0, 7, 23, 29]) * MS
    states = np.random.default_rng(0).normal(size=(4, 3, 7))
    np.testing.assert_array_equal(evaluate(times, states, times), states)


def test_outside_the_knots_the_ends_stay():
    times = np.array([10, 20]) * MS
    states = np.random.default_rng(1).normal(size=(2, 3, 7))
    result = evaluate(times, states, np.array([0, 99]) * MS)
    np.testing.assert_array_equal(result, states)


def test_one_knot_is_a_rest():
    states = np.random.default_rng(1).normal(size=(1, 3, 7))
    result = evaluate(np.array([5]), states, np.array([0, 5, 9]))
    np.testing.assert_array_equal(result, np.repeat(states, 3, axis=0))


@given(st.integers(0, 1000), st.lists(st.integers(2, 300), min_size=1, max_size=6))
def test_extremes_are_those_of_the_samples(seed, gaps):
    times = np.concatenate([[0], np.cumsum(gaps)]).astype(np.int64) * MS
    states = np.random.default_rng(seed).normal(size=(len(times), 3, 3))
    samples = sample_pieces(times, states)
    low, high = extremes(times, states)
    np.testing.assert_allclose(low, samples.min(axis=(1, 2)), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(high, samples.max(axis=(1, 2)), rtol=1e-9, atol=1e-9)


@given(st.integers(0, 1000), st.lists(st.integers(2, 300), min_size=1, max_size=6))
def test_the_enclosure_holds_all_samples(seed, gaps):
    times = np.concatenate([[0], np.cumsum(gaps)]).astype(np.int64) * MS
    states = np.random.default_rng(seed).normal(size=(len(times), 3, 3))
    samples = sample_pieces(times, states)
    low, high = enclosure(times, states)
    slack = 1e-9 * np.abs(samples).max(axis=(1, 2))
    assert np.all(low <= samples.min(axis=(1, 2)) + slack)
    assert np.all(high >= samples.max(axis=(1, 2)) - slack)


def test_the_enclosure_of_a_minimum_jerk_move_is_close():
    states = np.zeros((2, 3, 1))
    states[1, 0] = 1.0
    low, high = enclosure(np.array([0, 1000]) * MS, states)
    # Its derivatives peak at 1, 1.875, 5.774 and 60.
    np.testing.assert_allclose(high[:, 0], [1.0, 5.0, 20.0, 60.0], atol=1e-9)
    np.testing.assert_allclose(low[:, 0], [0.0, 0.0, -20.0, -120.0], atol=1e-9)


@given(st.integers(0, 1000), st.lists(st.integers(2, 300), max_size=6), st.integers(-50, 2000))
def test_one_time_is_evaluated_as_many_are(seed, gaps, at):
    times = np.concatenate([[0], np.cumsum(gaps)]).astype(np.int64) * MS
    states = np.random.default_rng(seed).normal(size=(len(times), 3, 3))
    for time in (at * MS, at * MS + 1, int(times[-1]), int(times[0])):
        one = evaluate_at(times, states, time)
        many = evaluate(times, states, np.array([time]))[0]
        np.testing.assert_allclose(one, many, rtol=1e-12, atol=1e-12 * (1 + np.abs(many).max()))
        if time in times:
            np.testing.assert_array_equal(one, states[times == time][0])
