"""State and prefix for a chunk."""

import numpy as np
import pytest

from dust_policy.conditions import Conditioner
from dust_policy.history import StateHistory
from dust_policy.prefix import CommittedPlan, DelayEstimate, PlanPiece

MS = 1_000_000


def conditioner(*, prefix_limit: int = 7, rolled_forward: bool = False) -> Conditioner:
    """Make one whose plan and joint states both follow the time in ms, the plan 1000 ahead."""
    states, plan = StateHistory(), CommittedPlan()
    for stamp in range(0, 400, 30):
        states.add(stamp * MS, np.array([float(stamp), 1.0]))
    rows = np.array([[1000.0 + stamp, 1.0] for stamp in range(0, 1000, 20)])
    plan.add(PlanPiece(0, 20 * MS, rows))
    return Conditioner(
        states,
        plan,
        period_ns=50 * MS,
        prefix_limit=prefix_limit,
        rolled_forward=rolled_forward,
        max_state_age_ns=100 * MS,
        lead=0.02,
    )


DELAY = DelayEstimate(initial=0.1)


def test_state_is_that_at_the_time_of_the_images() -> None:
    conditions = conditioner().at(100 * MS, DELAY, executing=True)
    np.testing.assert_allclose(conditions.state, [100, 1])


def test_prefix_reaches_to_delay_and_lead() -> None:
    conditions = conditioner().at(100 * MS, DELAY, executing=True)
    np.testing.assert_allclose(conditions.prefix[:, 0], [1100, 1150, 1200])


@pytest.mark.parametrize(("limit", "executing"), [(0, True), (7, False)])
def test_there_is_no_prefix_when_unwanted_or_at_rest(limit: int, executing: bool) -> None:
    conditions = conditioner(prefix_limit=limit, rolled_forward=True).at(
        100 * MS, DELAY, executing=executing
    )
    assert conditions.prefix.shape == (0, 2)
    np.testing.assert_allclose(conditions.state, [100, 1])


def test_rolled_forward_state_is_the_end_of_the_prefix() -> None:
    conditions = conditioner(rolled_forward=True).at(100 * MS, DELAY, executing=True)
    np.testing.assert_allclose(conditions.state, [1200, 1])


def test_joint_states_far_from_the_images_are_an_error() -> None:
    with pytest.raises(LookupError, match="nearest joint state"):
        conditioner().at(900 * MS, DELAY, executing=True)
