import numpy as np
import pytest

from dust_executor.feedback import Change, Feedback
from dust_executor.plan import Plan

NS = 1_000_000_000
MS = 1_000_000


def ramp(speed_after: float) -> Plan:
    """Return a plan at rest until 1 s, then on its way."""
    times = np.array([0, NS, NS + NS // 10, 3 * NS], dtype=np.int64)
    states = np.zeros((4, 3, 7))
    states[2:, 0] = np.array([0.05, 1.95])[:, None] * speed_after
    states[2, 1] = speed_after
    return Plan(times, states, 3 * NS, times[:1], np.ones(1))


OLD, NEW = ramp(0.0), ramp(0.2)


@pytest.fixture
def feedback():
    made = Feedback()
    made.published(Change(OLD, NEW, NS, 0.08))
    return made


def ask(feedback, plan, at, stamp_error=0):
    return feedback.reference(at + stamp_error, plan.at(at)[0])


def test_before_and_at_the_splice_nothing_can_be_told(feedback):
    assert ask(feedback, OLD, NS - 10 * MS) is None
    assert ask(feedback, OLD, NS + 2 * MS) is None


@pytest.mark.parametrize("stamp_error", [-2 * MS, 0, 2 * MS])
def test_whoever_follows_the_new_plan_is_in_time(feedback, stamp_error):
    assert ask(feedback, NEW, NS + 200 * MS, stamp_error) is None
    # Settled: what comes after is not judged by this change.
    assert ask(feedback, OLD, NS + 200 * MS) is None


def test_whoever_follows_the_old_plan_is_late_by_at_least_that(feedback):
    finding = ask(feedback, OLD, NS + 150 * MS)
    assert finding.late == pytest.approx(0.15)
    assert not finding.lost
    assert finding.change.new is NEW


def test_long_after_it_is_lost_once(feedback):
    assert ask(feedback, OLD, NS + 400 * MS).lost
    assert ask(feedback, OLD, NS + 420 * MS) is None


def test_somebody_elses_trajectory_tells_nothing(feedback):
    assert feedback.reference(NS + 200 * MS, np.ones(7)) is None


def test_what_is_no_number_tells_nothing(feedback):
    assert feedback.reference(NS + 500 * MS, np.full(7, np.nan)) is None


def test_plans_that_agree_tell_nothing():
    feedback = Feedback()
    feedback.published(Change(OLD, ramp(1e-4), NS, 0.08))
    assert ask(feedback, OLD, NS + 300 * MS) is None


def test_the_newest_change_that_is_due_is_judged(feedback):
    newest = ramp(0.4)
    feedback.published(Change(NEW, newest, NS + 500 * MS, 0.08))
    assert ask(feedback, OLD, NS + 350 * MS).lost is False
    feedback.forget()
    assert ask(feedback, OLD, NS + 400 * MS) is None
