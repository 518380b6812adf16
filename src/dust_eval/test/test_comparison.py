"""Tests of dust_eval.comparison against SciPy and by trying every choice of signs."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, permutation_test

from dust_eval.comparison import compare, compare_all, holm, sign_flip_test

SCORES = st.sampled_from([0.0, 0.5, 1.0])


@given(st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0]), max_size=10))
def test_the_p_value_is_the_share_of_sign_choices(differences):
    seen = abs(sum(differences))
    choices = itertools.product([-1, 1], repeat=len(differences))
    sums = [abs(sum(s * d for s, d in zip(signs, differences, strict=True))) for signs in choices]
    expected = sum(total >= seen for total in sums) / len(sums)
    assert sign_flip_test(differences) == pytest.approx(expected, abs=1e-12)


@given(st.integers(0, 50), st.integers(0, 50))
def test_without_half_successes_it_is_mcnemars_exact_test(wins, losses):
    differences = [1.0] * wins + [-1.0] * losses + [0.0] * 7
    expected = binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
    assert sign_flip_test(differences) == pytest.approx(expected, abs=1e-9)


def test_with_half_successes_it_is_scipys_permutation_test():
    random = np.random.default_rng(0)
    one, other = random.choice([0, 0.5, 1], 12, p=[0.2, 0.2, 0.6]), random.choice([0, 0.5, 1], 12)

    def mean_difference(a, b, axis):
        return np.mean(a - b, axis=axis)

    reference = permutation_test(
        (one, other), mean_difference, permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip_test(list(one - other)) == pytest.approx(reference.pvalue, abs=1e-12)


@given(st.lists(st.tuples(SCORES, SCORES), min_size=1, max_size=30))
def test_a_comparison_has_two_sides(pairs):
    one = {str(i): pair[0] for i, pair in enumerate(pairs)}
    other = {str(i): pair[1] for i, pair in enumerate(pairs)}
    there, back = compare("a", "b", one, other), compare("b", "a", other, one)
    assert there.difference == pytest.approx(-back.difference)
    assert (there.wins, there.losses) == (back.losses, back.wins)
    assert there.p == pytest.approx(back.p)
    assert there.low <= there.difference + 0.35
    assert there.high == pytest.approx(-back.low)


def test_only_common_trials_count():
    comparison = compare("a", "b", {"1": 1.0, "2": 1.0}, {"2": 0.0, "3": 1.0})
    assert (comparison.trials, comparison.wins, comparison.difference) == (1, 1, 1.0)


def test_several_comparisons_are_corrected_for_their_number():
    even = {str(i): float(i % 2) for i in range(12)}
    perfect = dict.fromkeys(even, 1.0)
    nothing = dict.fromkeys(even, 0.0)
    found = compare_all({"a": perfect, "b": nothing, "c": even, "d": {}})
    assert [(c.first, c.second) for c in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert found[0].p == pytest.approx(2 * 0.5**12)
    assert found[0].p_holm == pytest.approx(3 * found[0].p)
    assert all(c.p_holm >= c.p for c in found)


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holms_correction(values):
    corrected = holm(values)
    order = sorted(range(len(values)), key=lambda i: values[i])
    assert all(corrected[i] >= values[i] for i in order)
    assert [corrected[i] for i in order] == sorted(corrected)
    if values:
        assert corrected[order[0]] == min(1.0, len(values) * values[order[0]])
