"""Real-time chunking's guidance: against formulas, and the gradient against differences."""

from dataclasses import replace

import pytest
import torch

from dust_model.fields import Observation, build_field
from dust_model.guided import Guide, GuidedSampler, guidance, guided_field
from dust_model.head import Velocity
from dust_model.levels import NoiseLevels
from dust_model.sampler import Inputs, Sampler, draw_noise
from dust_model.schedule import Plan, Step

STEP = Step(tau_action=0.25, tau_vision=0.25, action_stride=0.25, vision_stride=0.25)


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def guide(weights, *, limit=5.0):
    target = draw(1, 4, 3, seed=9)
    return Guide(target, torch.tensor(weights)[:, None], torch.zeros(4, 1, dtype=bool), limit)


@pytest.mark.parametrize(
    ("tau", "limit", "expected"),
    [(0.0, 5.0, 5.0), (0.5, 5.0, 2.0), (0.5, 1.0, 1.0), (0.25, 9.0, 10 / 3), (1.0, 4.0, 4.0)],
)
def test_weight_is_the_formulas(tau, limit, expected):
    assert guidance(tau, limit=limit) == pytest.approx(expected)


def test_a_linear_field_is_pulled_by_its_transpose():
    """For v = x M: x_hat = x (1 + 0.75 M), so the pull is W (Y - x_hat) (1 + 0.75 M)^T."""
    matrix, actions = draw(3, 3), draw(1, 4, 3, seed=1)
    to = guide([1.0, 0.5, 0.25, 0.0])

    def field(step, x, embedding):
        return Velocity(x @ matrix, embedding)

    jacobian = torch.eye(3) + 0.75 * matrix
    error = to.weights * (to.target - actions @ jacobian)
    expected = actions @ matrix + (10 / 3) * error @ jacobian.T
    actual = guided_field(field, to)(STEP, actions, draw(2))
    torch.testing.assert_close(actual.action, expected)
    assert not actual.action.requires_grad
    assert torch.equal(actual.vision, draw(2))


def test_held_actions_are_not_guided():
    held = replace(STEP, action_stride=0.0)
    velocity = Velocity(None, draw(2))
    assert (
        guided_field(lambda *_: velocity, guide([1.0] * 4))(held, draw(4, 3), draw(2)) == velocity
    )


@pytest.fixture(scope="module", params=["dust", "groot_n1"])
def head(micro, build_head, request):
    return build_head(micro(architecture=request.param))


def inputs_of(head):
    noise = draw_noise(head, (3,))
    features, state = draw(1, 9, head.config.width), draw(1, head.config.state_dim)
    return Inputs(features, None, state, *noise)


def whole_guide(head, *, limit):
    horizon, columns = head.horizon, head.config.action_dim
    weights = torch.linspace(1, 0, horizon)[:, None]
    frozen = (torch.arange(horizon) < 2)[:, None]
    return Guide(draw(1, horizon, columns, seed=7), weights, frozen, limit)


def test_the_gradient_through_the_head_is_that_of_differences(head):
    inputs, to = inputs_of(head), whole_guide(head, limit=5.0)
    with torch.no_grad():
        observation = Observation(inputs.features, None, inputs.state, None, 0)
        field = build_field(head, NoiseLevels(head), observation)

        def expected(x):
            return x + 0.75 * field(STEP, x, inputs.embedding).action

        x, way = inputs.actions, draw(*inputs.actions.shape, seed=5)
        error = to.weights * (to.target - expected(x))
        slope = ((expected(x + 1e-2 * way) - expected(x - 1e-2 * way)) / 2e-2 * error).sum()
        pull = guided_field(field, to)(STEP, x, inputs.embedding).action
        pull = (pull - field(STEP, x, inputs.embedding).action) / (10 / 3)
    torch.testing.assert_close((pull * way).sum(), slope, rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize("steps", [(4, 4), (2, 6), (4, 0)])
def test_without_weight_it_is_the_plain_sampler(head, steps):
    steps = steps if head.predicts_vision else (steps[0], 0)
    inputs, plan = inputs_of(head), Plan(*steps)
    nothing = whole_guide(head, limit=0.0)._replace(frozen=torch.zeros(head.horizon, 1, dtype=bool))
    actual = GuidedSampler(head).sample(inputs, plan, nothing)
    plain = Sampler(head).run(inputs, plan)
    torch.testing.assert_close(actual.action, plain.action)
    torch.testing.assert_close(actual.vision, plain.vision)


def test_frozen_actions_are_the_plans(head):
    inputs, to = inputs_of(head), whole_guide(head, limit=5.0)
    end = GuidedSampler(head).sample(inputs, Plan(4, 4 * head.predicts_vision), to)
    assert torch.equal(end.action[:, :2], to.target[:, :2])


def test_the_limit_is_the_number_of_steps(head):
    inputs, plan = inputs_of(head), Plan(1, head.predicts_vision * 1)
    ends = [
        GuidedSampler(head).sample(inputs, plan, whole_guide(head, limit=limit)).action
        for limit in (1.0, 5.0)
    ]
    assert torch.equal(*ends)
