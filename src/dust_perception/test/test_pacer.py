"""The rate limit keeps its average."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_perception.pacer import Pacer


def taken(pacer: Pacer, times_ns: list[int]) -> list[int]:
    """Return which of the events are taken."""
    result = []
    for now_ns in times_ns:
        if pacer.due(now_ns):
            pacer.take(now_ns)
            result.append(now_ns)
    return result


def test_no_limit_takes_everything() -> None:
    times = list(range(0, 100, 7))
    assert taken(Pacer(0.0), times) == times


@pytest.mark.parametrize("rate", [1.0, 4.0, 10.0, 14.0])
def test_average_rate_is_reached_on_a_grid_of_15_hz(rate: float) -> None:
    times = [round(i * 1e9 / 15) for i in range(15 * 20)]
    assert len(taken(Pacer(rate), times)) == pytest.approx(20 * rate, abs=1)


def test_missed_turns_are_not_made_up_for() -> None:
    pacer = Pacer(10.0)
    taken(pacer, [0])
    burst = [5_000_000_000 + i * 1_000_000 for i in range(150)]
    assert len(taken(pacer, burst)) <= 3


def test_a_clock_that_was_set_back_does_not_block() -> None:
    pacer = Pacer(10.0)
    taken(pacer, [10**12])
    assert taken(pacer, [0, 10**8]) == [0, 10**8]


@given(st.floats(0.5, 50.0), st.lists(st.integers(0, 10**9), min_size=2).map(lambda d: sorted(d)))
def test_no_window_holds_more_than_the_rate_allows(rate: float, times: list[int]) -> None:
    result = taken(Pacer(rate), times)
    if len(result) > 1:
        span = (result[-1] - result[0]) * 1e-9
        assert len(result) - 2 <= span * rate + 1e-6
