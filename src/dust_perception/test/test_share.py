"""Tests of dust_perception.share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_perception.share import Share


class Clock:
    def __init__(self):
        self.now = 5.0

    def __call__(self):
        return self.now


def work(share, clock, seconds, *, failure=None):
    with share.working():
        clock.now += seconds
        if failure is not None:
            raise failure


def test_it_rests_as_long_as_its_share_asks_for():
    clock = Clock()
    share = Share(0.25, clock=clock)
    assert share.may_begin(idle=True)
    work(share, clock, 1.0)
    clock.now += 2.9
    assert not share.may_begin(idle=True)
    clock.now += 0.2
    assert share.may_begin(idle=True)
    assert share.refused == 1


def test_nothing_waits_while_something_is_under_way():
    share = Share(0.5, clock=Clock())
    assert not share.may_begin(idle=False)
    assert share.may_begin(idle=True)


def test_without_a_limit_everything_may_begin():
    clock = Clock()
    share = Share(1.0, clock=clock)
    assert share.may_begin(idle=False)
    work(share, clock, 1.0)
    assert share.may_begin(idle=True)
    assert share.refused == 0


def test_what_fails_took_its_time_too():
    clock = Clock()
    share = Share(0.5, clock=clock)
    with pytest.raises(RuntimeError):
        work(share, clock, 1.0, failure=RuntimeError())
    assert not share.may_begin(idle=True)
    clock.now += 1.1
    assert share.may_begin(idle=True)


@given(
    st.floats(0.05, 0.99),
    st.lists(st.tuples(st.floats(0.001, 0.3), st.floats(0.0, 0.1)), min_size=2, max_size=50),
)
def test_the_share_is_never_exceeded(limit, steps):
    clock = Clock()
    share = Share(limit, clock=clock)
    worked, begun = 0.0, None
    for duration, idle in steps:
        clock.now += idle
        if share.may_begin(idle=True):
            if begun is not None:
                assert worked <= limit * (clock.now - begun) * (1 + 1e-9)
            begun = clock.now if begun is None else begun
            work(share, clock, duration)
            worked += duration
