import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_executor.limits import SETS, Limits, Shares, envelope, named


@pytest.mark.parametrize("name", SETS)
def test_sets_contain_home(name):
    home = np.array([0, -np.pi / 4, 0, -3 * np.pi / 4, 0, np.pi / 2, np.pi / 4])
    limits = named(name)
    assert np.all(limits.lower < home)
    assert np.all(home < limits.upper)


def test_rectangular_set_is_inside_the_position_dependent_one():
    inner, outer = named("fr3_rectangular"), named("fr3_position_dependent")
    assert np.all(outer.lower < inner.lower)
    assert np.all(inner.upper < outer.upper)
    for q in np.linspace(inner.lower, inner.upper, 50):
        # The rectangle alone would not be: its corners are cut by the robot's own formula.
        (low, high), (outer_low, outer_high) = inner.velocity_bounds(q), outer.velocity_bounds(q)
        assert np.all(low >= outer_low)
        assert np.all(high <= outer_high)
        assert np.all(high <= inner.velocity)


def test_position_dependent_bounds_match_the_formula():
    limits = named("fr3_position_dependent")
    q = np.array([2.5, 1.6, 2.0, -1.0, 0.0, 4.0, 3.0])
    low, high = limits.velocity_bounds(q)
    root = np.sqrt(2 * 6.0 * (2.7437 - 2.5)) - 0.6599
    assert high[0] == pytest.approx(min(2.62, root))
    root = np.sqrt(2 * 17.0 * (0.0 + 2.8065)) - 0.5757
    assert low[4] == pytest.approx(-min(5.26, root))


def test_dead_zone_is_where_the_bound_becomes_zero():
    limits = named("fr3_position_dependent")
    zone = limits.dead_zone()
    _, high = limits.velocity_bounds(limits.upper - zone)
    np.testing.assert_allclose(high, 0.0, atol=1e-9)
    _, high = limits.velocity_bounds(limits.upper - zone - 1e-3)
    assert np.all(high > 0)
    np.testing.assert_array_equal(named("panda").dead_zone(), 0.0)
    np.testing.assert_array_equal(named("fr3_rectangular").dead_zone(), 0.0)


@given(st.floats(-3, 3))
def test_bounds_allow_rest_anywhere(position):
    low, high = named("fr3_position_dependent").velocity_bounds(np.full(7, position))
    assert np.all(low <= 0)
    assert np.all(high >= 0)


def test_unknown_set_names_the_known_ones():
    with pytest.raises(ValueError, match="fr3_rectangular, fr3_position_dependent, panda"):
        named("iiwa")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("velocity", [1.0, 2.0], "needs 1 finite"),
        ("velocity", [float("nan")], "finite"),
        ("velocity", [0.0], "positive"),
        ("lower", [2.0], "below the upper"),
        ("deceleration", [-1.0], "negative"),
    ],
)
def test_wrong_limits_are_refused(field, value, words):
    fields = {
        "lower": [-1.0],
        "upper": [1.0],
        "velocity": [1.0],
        "acceleration": [1.0],
        "jerk": [1.0],
        "velocity_offset": [0.0],
        "deceleration": [0.0],
        "reach_lower": [-1.0],
        "reach_upper": [1.0],
    }
    with pytest.raises(ValueError, match=words):
        Limits(**{**fields, field: np.array(value)})


def test_shares_are_between_0_and_1():
    with pytest.raises(ValueError, match="share of jerk is"):
        Shares(jerk=1.5)


def test_envelope_leaves_time_to_brake():
    limits = named("fr3_position_dependent")
    bounds = envelope(limits, Shares(), stop_time=0.45)
    assert np.all(bounds.velocity <= 0.9 * limits.velocity)
    assert np.all(bounds.velocity / bounds.acceleration < 0.45)
    np.testing.assert_allclose(envelope(limits, Shares()).velocity, 0.9 * limits.velocity)
