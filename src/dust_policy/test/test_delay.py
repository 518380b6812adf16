"""Delays to expect, and how they are measured."""

import math

import pytest

from dust_policy.delay import DelayEstimate, Departures

MS = 1_000_000


def test_it_is_the_guess_until_the_warm_up_is_over() -> None:
    delay = DelayEstimate(initial=0.2, warm_up=2)
    delay.add(5.0)
    delay.add(4.0)
    assert delay.value == delay.typical == 0.2
    delay.add(0.1)
    assert delay.value == pytest.approx(0.1)


def test_it_is_a_high_percentile_of_the_newest() -> None:
    delay = DelayEstimate(initial=0.2, warm_up=0, size=20)
    for _ in range(50):
        delay.add(9.0)
    for i in range(20):
        delay.add(0.1 + 0.01 * i)
    assert 0.27 < delay.value <= 0.29
    assert delay.typical == pytest.approx(0.195)


def test_the_executor_s_answer_tells_lead_and_delay() -> None:
    departures = Departures(lead=0.1)
    for number in (1, 2, 3):
        departures.leave(number, number * 100 * MS)
    assert departures.lead.value == 0.1
    # The first one is left out: it found the arm at rest.
    assert departures.splice(1, 40 * MS, 400 * MS) == pytest.approx((0.3, 0.36))
    assert departures.lead.value == 0.1
    assert departures.splice(2, 150 * MS, 280 * MS) == pytest.approx((0.08, 0.13))
    assert departures.lead.value == pytest.approx(0.08)
    assert departures.delay == pytest.approx(0.13)


def test_an_answer_counts_once_and_only_for_a_chunk_that_left() -> None:
    departures = Departures(lead=0.1)
    departures.leave(1, 100 * MS)
    assert departures.splice(0, 0, 0) is None
    assert departures.splice(7, 0, 300 * MS) is None
    assert departures.splice(1, 0, 300 * MS) is not None
    assert departures.splice(1, 0, 300 * MS) is None
    assert math.isnan(Departures(lead=0.1).delay)


def test_a_chunk_is_answered_by_its_number_or_by_time() -> None:
    departures = Departures(lead=0.1)
    assert departures.is_answered(0, 0, patience_ns=MS)
    departures.leave(1, 100 * MS)
    assert not departures.is_answered(0, 120 * MS, patience_ns=50 * MS)
    assert departures.is_answered(1, 90 * MS, patience_ns=50 * MS)
    assert departures.is_answered(0, 150 * MS, patience_ns=50 * MS)


def test_what_left_long_ago_is_forgotten() -> None:
    departures = Departures(lead=0.1)
    for number in range(1, 200):
        departures.leave(number, number * MS)
    assert departures.splice(1, 0, 300 * MS) is None
    assert departures.splice(199, 0, 300 * MS) is not None
