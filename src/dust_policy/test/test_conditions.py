"""State, prefix and leftover for a chunk."""

import numpy as np
import pytest

from dust_policy.conditions import Conditioner
from dust_policy.continuation import Kind, Way
from dust_policy.history import StateHistory
from dust_policy.prefix import CommittedPlan, PlanPiece

MS = 1_000_000


def conditioner(
    *,
    kind: Kind = Kind.PREFIX,
    limit: int = 7,
    rolled_forward: bool = False,
    otherwise: Kind | None = None,
) -> Conditioner:
    """Make one whose plan and joint states both follow the time in ms, the plan 1000 ahead."""
    states, plan = StateHistory(), CommittedPlan()
    for stamp in range(0, 400, 30):
        states.add(stamp * MS, np.array([float(stamp), 1.0]))
    rows = np.array([[1000.0 + stamp, 1.0] for stamp in range(0, 1000, 20)])
    plan.add(PlanPiece(0, 20 * MS, rows, until_ns=400 * MS))
    return Conditioner(
        states,
        plan,
        period_ns=50 * MS,
        horizon=16,
        way=Way(kind, limit, otherwise),
        rolled_forward=rolled_forward,
        max_state_age_ns=100 * MS,
    )


def test_state_is_that_at_the_time_of_the_images() -> None:
    conditions = conditioner().at(100 * MS, 220 * MS, executing=True)
    np.testing.assert_allclose(conditions.state, [100, 1])


def test_prefix_reaches_to_when_the_chunk_takes_effect() -> None:
    conditions = conditioner().at(100 * MS, 220 * MS, executing=True)
    np.testing.assert_allclose(conditions.prefix[:, 0], [1100, 1150, 1200, 1250])
    assert (conditions.kind, len(conditions.leftover)) == (Kind.PREFIX, 0)
    assert conditions.good_until_ns == 250 * MS


@pytest.mark.parametrize("kind", [Kind.GUIDED, Kind.BLENDED])
def test_others_get_the_leftover_up_to_the_last_action(kind: Kind) -> None:
    conditions = conditioner(kind=kind).at(100 * MS, 220 * MS, executing=True)
    assert conditions.kind == kind
    np.testing.assert_allclose(conditions.prefix[:, 0], [1100, 1150, 1200, 1250])
    np.testing.assert_allclose(conditions.leftover[:, 0], [1300, 1350, 1400])


def test_a_short_limit_makes_the_chunk_good_for_less() -> None:
    conditions = conditioner(limit=2).at(100 * MS, 220 * MS, executing=True)
    assert conditions.good_until_ns == 150 * MS


def test_a_chunk_that_takes_longer_than_the_prefix_lasts_is_another_one() -> None:
    made = conditioner(limit=3, otherwise=Kind.BLENDED)
    short = made.at(100 * MS, 200 * MS, executing=True)
    assert (short.kind, len(short.prefix), len(short.leftover)) == (Kind.PREFIX, 3, 0)
    long = made.at(100 * MS, 201 * MS, executing=True)
    assert (long.kind, len(long.prefix), len(long.leftover)) == (Kind.BLENDED, 4, 3)
    kinds = [example.kind for example in made.examples()]
    assert kinds == [Kind.FREE, Kind.PREFIX, Kind.BLENDED]


@pytest.mark.parametrize(("kind", "executing"), [(Kind.FREE, True), (Kind.PREFIX, False)])
def test_there_is_no_prefix_when_unwanted_or_at_rest(kind: Kind, executing: bool) -> None:
    conditions = conditioner(kind=kind, rolled_forward=True).at(
        100 * MS, 220 * MS, executing=executing
    )
    assert conditions.prefix.shape == (0, 2)
    assert (conditions.kind, conditions.good_until_ns) == (Kind.FREE, None)
    np.testing.assert_allclose(conditions.state, [100, 1])


def test_without_any_promise_the_chunk_is_free() -> None:
    conditions = conditioner().at(300 * MS, 250 * MS, executing=True)
    assert conditions.kind == Kind.FREE


def test_rolled_forward_state_is_the_end_of_the_prefix() -> None:
    conditions = conditioner(rolled_forward=True).at(100 * MS, 220 * MS, executing=True)
    np.testing.assert_allclose(conditions.state, [1250, 1])


def test_joint_states_far_from_the_images_are_an_error() -> None:
    with pytest.raises(LookupError, match="nearest joint state"):
        conditioner().at(900 * MS, 950 * MS, executing=True)


@pytest.mark.parametrize("kind", Kind)
def test_examples_show_all_kinds_that_may_occur(kind: Kind) -> None:
    examples = conditioner(kind=kind).examples()
    assert [example.kind for example in examples] == sorted({Kind.FREE, kind})
    last = examples[-1]
    rest = 15 if kind in (Kind.GUIDED, Kind.BLENDED) else 0
    assert (len(last.prefix), len(last.leftover)) == (0 if kind is Kind.FREE else 1, rest)
    with pytest.raises(LookupError, match="no joint state"):
        Conditioner(StateHistory(), CommittedPlan(), 1, 16, Way(kind, 7), False, 1).examples()
