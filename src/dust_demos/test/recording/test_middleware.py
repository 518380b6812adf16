"""Arrival times by the node's clock, and messages that did not arrive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_demos.recording.middleware import ArrivalClock, InOrder, Numbers

SEC = 1_000_000_000


@given(ago=st.integers(0, SEC), stall=st.integers(0, SEC))
def test_a_node_on_the_systems_clock_sees_the_middlewares_times(ago: int, stall: int) -> None:
    clock = ArrivalClock()
    clock.update(100 * SEC, 100 * SEC - stall, is_simulated=False)
    assert clock.node_ns(100 * SEC - ago) == 100 * SEC - ago


@pytest.mark.parametrize("factor", [0.5, 1.0, 4.0])
def test_simulated_time_is_followed_at_its_pace(factor: float) -> None:
    clock = ArrivalClock()
    for step in range(3):
        node_ns = 50 * SEC + round(step * 20_000_000 * factor)
        clock.update(100 * SEC + step * 20_000_000, node_ns, is_simulated=True)
    assert clock.node_ns(100 * SEC + 30_000_000) == 50 * SEC + round(30_000_000 * factor)


def test_simulated_time_may_stand_still_or_go_back() -> None:
    clock = ArrivalClock()
    clock.update(100 * SEC, 50 * SEC, is_simulated=True)
    clock.update(101 * SEC - 1, 20 * SEC, is_simulated=True)
    assert clock.node_ns(100 * SEC) == 20 * SEC


def test_times_are_never_negative_and_may_be_unknown() -> None:
    clock = ArrivalClock()
    clock.update(100 * SEC, 3 * SEC, is_simulated=True)
    assert clock.node_ns(90 * SEC) == 0
    assert clock.node_ns(0) == 3 * SEC


@given(lost=st.sets(st.integers(2, 60)), first=st.integers(1, 1000))
def test_holes_in_the_numbers_are_losses(lost: set[int], first: int) -> None:
    numbers = Numbers()
    sent = [number for number in range(1, 62) if number not in lost]
    assert sum(numbers.missed(first + number) for number in sent) == len(lost)


def test_a_new_publisher_or_several_lose_nothing() -> None:
    numbers = Numbers()
    assert [numbers.missed(number) for number in (7, 8, 1, 2, None, 9, 10)] == [0] * 7
    numbers.publishers = 2
    assert [numbers.missed(number) for number in (40, 11, 90)] == [0] * 3


@given(st.lists(st.integers(0, SEC), min_size=1))
def test_what_was_sent_again_keeps_its_place(times: list[int]) -> None:
    order = InOrder()
    told = [order.at(time_ns) for time_ns in times]
    assert told == sorted(told)
    assert all(late >= time_ns for late, time_ns in zip(told, times, strict=True))
    assert told[0] == times[0]


def test_a_clock_that_was_set_back_is_followed() -> None:
    order = InOrder()
    assert [order.at(second * SEC) for second in (100, 5, 6)] == [100 * SEC, 5 * SEC, 6 * SEC]
