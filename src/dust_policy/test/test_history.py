"""State vectors by name and by time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_policy.history import StateHistory, StateReader

ARM = ("j1", "j2", "j3")
FINGERS = ("f1", "f2")
VALUES = {"j1": 0.1, "j2": -0.2, "j3": 0.3, "f1": 0.01, "f2": 0.03}


def read(values: dict[str, float]) -> np.ndarray:
    """Read a state from positions by name."""
    return StateReader(ARM, FINGERS, 0.08).read(list(values), list(values.values()))


@given(st.permutations(list(VALUES)))
def test_order_and_other_joints_do_not_matter(names: list[str]) -> None:
    state = read({name: VALUES[name] for name in names} | {"other": 9.0})
    np.testing.assert_allclose(state, [0.1, -0.2, 0.3, 0.5])


@pytest.mark.parametrize(("finger", "opening"), [(-0.001, 0), (0.0, 0), (0.04, 1), (0.041, 1)])
def test_opening_stays_between_closed_and_open(finger: float, opening: float) -> None:
    assert read(VALUES | {"f1": finger, "f2": finger})[-1] == pytest.approx(opening)


def test_missing_joints_are_named() -> None:
    with pytest.raises(ValueError, match="joint states lack j2, f2"):
        read({name: VALUES[name] for name in ("j1", "j3", "f1")})


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_named(value: float) -> None:
    with pytest.raises(ValueError, match="no finite position of j3"):
        read(VALUES | {"j3": value})


def test_names_without_positions_are_refused() -> None:
    with pytest.raises(ValueError, match="5 joint names, but 0 positions"):
        StateReader(ARM, FINGERS, 0.08).read(list(VALUES), [])


def history(*stamps_ns: int, **limits: int) -> StateHistory:
    """Fill a history with states that equal their stamps."""
    result = StateHistory(**limits)
    for stamp_ns in stamps_ns:
        result.add(stamp_ns, np.array([float(stamp_ns)]))
    return result


def test_between_two_states_it_is_interpolated() -> None:
    assert history(100, 200).at(125, max_age_ns=25)[0] == pytest.approx(125)
    assert history(100, 200).at(200, max_age_ns=0)[0] == 200


@pytest.mark.parametrize("asked", [126, 150, 174])
def test_across_a_gap_nothing_is_interpolated(asked: int) -> None:
    with pytest.raises(LookupError, match="away from the images"):
        history(100, 200).at(asked, max_age_ns=25)


@given(st.lists(st.integers(0, 1000), min_size=2, unique=True), st.integers(0, 1000))
def test_the_nearest_state_is_never_exceeded(stamps: list[int], asked: int) -> None:
    value = history(*sorted(stamps)).at(asked, max_age_ns=10**6)[0]
    assert value == pytest.approx(np.clip(asked, min(stamps), max(stamps)))


@pytest.mark.parametrize(("asked", "value"), [(90, 100.0), (230, 200.0)])
def test_outside_the_nearest_state_is_taken(asked: int, value: float) -> None:
    assert history(100, 200).at(asked, max_age_ns=30)[0] == value


@pytest.mark.parametrize("asked", [69, 231])
def test_too_far_from_any_state_is_an_error(asked: int) -> None:
    with pytest.raises(LookupError, match="away from the images"):
        history(100, 200).at(asked, max_age_ns=30)


def test_an_empty_history_says_so() -> None:
    with pytest.raises(LookupError, match="no joint state has arrived"):
        history().at(0, max_age_ns=10**12)
    used = history(1)
    used.clear()
    with pytest.raises(LookupError, match="no joint state"):
        used.at(1, max_age_ns=1)


def test_a_clock_that_was_set_back_starts_anew() -> None:
    hour = 3_600_000_000_000
    assert history(hour, hour + 100, 50, 60).at(55, max_age_ns=5)[0] == pytest.approx(55)
    with pytest.raises(LookupError, match="nearest joint state"):
        history(hour, hour + 100, 50, 60).at(hour, max_age_ns=10)


def test_states_that_overtook_each_other_are_put_in_order() -> None:
    used = history(1000, 1200, 1100, 1300)
    for stamp_ns in (1050, 1150, 1250):
        assert used.at(stamp_ns, max_age_ns=50)[0] == pytest.approx(stamp_ns)
    assert used.newest()[0] == 1300


def test_only_the_states_of_a_span_are_kept_and_one_before_it() -> None:
    used = history(0, 1000, 2000, 3000, span_ns=1500)
    assert used.at(1500, max_age_ns=500)[0] == 1500
    with pytest.raises(LookupError):
        used.at(0, max_age_ns=10)


MS = 1_000_000


@pytest.mark.parametrize("rate", [30, 100, 200, 1000])
@pytest.mark.parametrize("age", [0, 100, 300, 450, 800])
def test_the_state_fits_the_images_at_any_rate(rate: int, age: int) -> None:
    stamps = [round(number * 1e9 / rate) for number in range(2 * rate + 1)]
    used = history(*stamps, span_ns=800 * MS, spacing_ns=5 * MS)
    asked = (2000 - age) * MS
    assert used.at(asked, max_age_ns=40 * MS)[0] == pytest.approx(asked, abs=1)


def test_thinned_out_the_newest_stays() -> None:
    used = history(*range(0, 20 * MS + 1, MS), spacing_ns=5 * MS)
    assert used.newest()[0] == 20 * MS
    for asked in range(0, 20 * MS, 5 * MS):
        assert used.at(asked, max_age_ns=0)[0] == asked
    with pytest.raises(LookupError):
        used.at(13 * MS, max_age_ns=MS)
