"""Rates in simulated time."""

from itertools import pairwise

import pytest

from dust_sim.schedule import Schedule

MS = 1_000_000


@pytest.mark.parametrize(("rate", "block"), [(15.0, 5), (30.0, 5), (100.0, 5), (20.0, 7)])
def test_the_rate_holds_on_the_average(rate, block):
    schedule = Schedule(rate)
    times = [t for t in range(0, 10_000 * MS, block * MS) if schedule.due(t)]
    assert len(times) == pytest.approx(10 * rate, abs=1)
    spacing = [b - a for a, b in pairwise(times)]
    assert max(spacing) - min(spacing) <= block * MS


def test_what_was_missed_is_left_out():
    schedule = Schedule(10.0)
    assert schedule.due(0)
    assert schedule.due(1050 * MS)
    assert not schedule.due(1060 * MS)
    assert schedule.next_ns == 1100 * MS


def test_it_begins_anew_on_a_clock_that_was_set_back():
    schedule = Schedule(10.0)
    assert schedule.due(5000 * MS)
    assert schedule.due(1000 * MS)
    assert not schedule.due(1099 * MS)
    assert schedule.due(1100 * MS)
