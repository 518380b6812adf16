import numpy as np
import pytest

from dust_executor.lead import Lead, LeadSettings, tolerated_lateness
from dust_executor.limits import named
from dust_executor.plan import Plan

NS = 1_000_000_000
FR3 = named("fr3_rectangular")


def test_a_fast_machine_keeps_the_shortest_lead():
    lead = Lead(LeadSettings())
    for _ in range(200):
        lead.worked(0.005)
    assert lead.value == 0.08


def test_one_hiccup_does_not_count_and_two_do_for_a_while():
    lead = Lead(LeadSettings())
    lead.worked(0.1)
    assert lead.value == 0.08
    lead.worked(0.06)
    assert lead.value == pytest.approx(0.12)
    for _ in range(100):
        lead.worked(0.005)
    assert lead.value == 0.08


def test_one_late_trajectory_counts_at_once_within_bounds():
    lead = Lead(LeadSettings())
    lead.late(0.08, 0.03)
    assert lead.value == pytest.approx(0.12)
    lead.late(0.12, 3.0)
    assert lead.value == 0.25


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"transport": 0.08}, "plan.transport .0.08 s. must be less than plan.lead"),
        ({"lead_max": 0.05}, "plan.lead .0.08 s. must not be more than plan.lead_max"),
    ],
)
def test_settings_must_fit_together(changes, words):
    with pytest.raises(ValueError, match=words):
        LeadSettings(**changes)


def plan_with(acceleration_after: float) -> Plan:
    """Return a plan whose jerk changes at 1 s; at rest before."""
    times = np.array([0, NS, 2 * NS], dtype=np.int64)
    states = np.zeros((3, 3, 7))
    states[2] = np.array([1 / 6, 0.5, 1.0])[:, None] * acceleration_after
    return Plan(times, states, 2 * NS, times[:1], np.ones(1))


def test_lateness_is_tolerated_while_the_plans_have_hardly_parted():
    old = plan_with(0.0)
    assert tolerated_lateness(old, old, NS, FR3) == 0.1
    # Jerk of 24 rad/s^3: 4 t^3 reaches the 2.5 um that half the jerk limit grants after 8.5 ms.
    assert tolerated_lateness(old, plan_with(24.0), NS, FR3) == pytest.approx(0.008)
    # With 2000 rad/s^3, a fast blend's, hardly a sample is tolerated.
    assert tolerated_lateness(old, plan_with(2000.0), NS, FR3) <= 0.002
