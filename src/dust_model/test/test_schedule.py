import dataclasses
import re

import pytest

from dust_model.config import UpdateOrder
from dust_model.schedule import Plan


def moves(plan):
    return [step.action_stride > 0 for step in plan]


def test_block_start_is_the_table_of_the_docstring():
    plan = Plan(2, 6)
    assert [step.tau_vision for step in plan] == [n / 6 for n in range(6)]
    assert [step.tau_action for step in plan] == [0, 0.5, 0.5, 0.5, 1, 1]
    assert moves(plan) == [True, False, False, True, False, False]


def test_block_end_updates_with_the_last_evaluation():
    plan = Plan(2, 6, UpdateOrder.BLOCK_END)
    assert [step.tau_action for step in plan] == [0, 0, 0, 0.5, 0.5, 0.5]
    assert moves(plan) == [False, False, True, False, False, True]


def test_orders_coincide_for_q_1():
    assert list(Plan(4, 4)) == list(Plan(4, 4, UpdateOrder.BLOCK_END))


@pytest.mark.parametrize("order", UpdateOrder)
@pytest.mark.parametrize(("action_steps", "q"), [(1, 1), (1, 7), (4, 1), (4, 16), (5, 3), (64, 16)])
def test_both_streams_go_from_noise_to_data(action_steps, q, order):
    plan = Plan(action_steps, action_steps * q, order)
    steps = list(plan)
    assert plan.q == q
    assert len(steps) == plan.evaluations == action_steps * q
    assert sum(moves(plan)) == action_steps
    assert sum(step.action_stride for step in steps) == pytest.approx(1)
    assert sum(step.vision_stride for step in steps) == pytest.approx(1)


def test_equation_5_condition():
    """In order block_start, actions move when tau_o N_o mod q == 0, at tau_A = tau_o."""
    plan = Plan(4, 16)
    for step in plan:
        n = round(step.tau_vision * plan.vision_steps)
        assert (step.action_stride > 0) == (n % plan.q == 0)
        if step.action_stride:
            assert step.tau_action == step.tau_vision


def test_policy_mode_holds_vision_at_noise():
    plan = Plan(4, 0)
    assert plan.evaluations == 4
    assert {(step.tau_vision, step.vision_stride) for step in plan} == {(0.0, 0.0)}
    assert [step.tau_action for step in plan] == [0, 0.25, 0.5, 0.75]
    assert all(moves(plan))


@pytest.mark.parametrize(
    ("action_steps", "vision_steps", "message"),
    [
        (4, 6, "vision_steps=6 must be a multiple of action_steps=4, or 0 for policy mode"),
        (4, 2, "vision_steps=2 must be a multiple of action_steps=4"),
        (0, 4, "action_steps must lie in 1..1024, got 0"),
        (4, -4, "vision_steps must lie in 0..1024, got -4"),
        (4, 2048, "vision_steps must lie in 0..1024, got 2048"),
    ],
)
def test_impossible_counts_are_refused(action_steps, vision_steps, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Plan(action_steps, vision_steps)


@pytest.mark.parametrize("order", UpdateOrder)
@pytest.mark.parametrize(("action_steps", "q"), [(1, 1), (4, 1), (4, 4), (3, 16), (4, 0)])
def test_without_future_a_plan_ends_with_the_last_action_update(action_steps, q, order):
    whole = list(Plan(action_steps, action_steps * q, order))
    plan = Plan(action_steps, action_steps * q, order, future=False)
    last = max(n for n, step in enumerate(whole) if step.action_stride)
    assert list(plan) == [*whole[:last], dataclasses.replace(whole[last], vision_stride=0.0)]
    assert plan.evaluations == last + 1
