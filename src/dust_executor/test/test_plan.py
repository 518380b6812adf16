import numpy as np
import pytest

from dust_executor.plan import MIN_GAP, Plan
from dust_executor.quintic import NS

MS = 1_000_000


@pytest.fixture
def plan():
    times = np.array([0, 100, 200, 400]) * MS
    states = np.random.default_rng(0).normal(size=(4, 3, 7))
    states[-1, 1:] = 0
    return Plan(times, states, 200 * MS, np.array([0, 150]) * MS, np.array([1.0, 0.0]))


def test_rest_is_for_ever():
    plan = Plan.at_rest(np.arange(7.0), since=5, grip=1.0)
    for time in (0, 5, NS):
        np.testing.assert_array_equal(plan.at(time)[0], np.arange(7.0))
        assert not plan.at(time)[1:].any()
    assert plan.start == plan.end == 5


def test_buffer_counts_down_to_the_tail(plan):
    assert plan.buffer(50 * MS) == pytest.approx(0.15)
    assert plan.buffer(300 * MS) == 0.0


def test_grips_hold_until_the_next(plan):
    at = np.array([-5, 0, 149, 150, 900]) * MS
    assert plan.grip_at(at).tolist() == [1, 1, 1, 0, 0]


def test_knots_from_begin_not_after_the_time(plan):
    assert plan.knots_from(150 * MS)[0][0] == 100 * MS
    assert plan.knots_from(100 * MS)[0][0] == 100 * MS
    assert plan.knots_from(-7)[0][0] == 0


def test_snap_keeps_knots_apart(plan):
    assert plan.snap(100 * MS + MIN_GAP - 1) == 100 * MS
    assert plan.snap(100 * MS + MIN_GAP) == 100 * MS + MIN_GAP
    assert plan.snap(100 * MS - 1) == 100 * MS - 1


def test_splice_keeps_the_past_and_replaces_the_future(plan):
    start = 130 * MS
    state = plan.at(start)
    rest = np.zeros((3, 7))
    new = plan.spliced(
        np.array([start, 300 * MS]),
        np.stack([state, rest]),
        action_end=start,
        keep_from=-NS,
    )
    at = np.linspace(0, start, 40).astype(np.int64)
    np.testing.assert_allclose(new.sample(at), plan.sample(at), atol=1e-9)
    assert new.end == 300 * MS
    assert new.buffer(0) == pytest.approx(0.13)


def test_grips_are_replaced_from_the_first_new_one_on(plan):
    new = plan.regripped(np.array([130, 140]) * MS, np.array([0.5, 0.6]), keep_from=-NS)
    assert new.grip_at(np.array([129, 130, 500]) * MS).tolist() == [1.0, 0.5, 0.6]


def test_splice_forgets_what_is_long_over(plan):
    new = plan.spliced(
        np.array([350, 600]) * MS,
        np.stack([plan.at(350 * MS), np.zeros((3, 7))]),
        action_end=350 * MS,
        keep_from=250 * MS,
    )
    assert (new.times // MS).tolist() == [200, 350, 600]
    new = plan.regripped(np.array([350 * MS]), np.array([0.0]), keep_from=250 * MS)
    assert (new.grip_times // MS).tolist() == [150, 350]


def test_shifted_is_the_same_motion_later(plan):
    later = plan.shifted(NS)
    np.testing.assert_allclose(later.at(NS + 170 * MS), plan.at(170 * MS))
    assert later.buffer(NS + 50 * MS) == plan.buffer(50 * MS)
