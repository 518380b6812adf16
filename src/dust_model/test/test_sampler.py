"""The fast sampler against a naive one that runs the whole network every time, and Equation 5."""

import itertools
from dataclasses import replace

import pytest
import torch

from dust_model.config import TINY, CrossAttention, UpdateOrder
from dust_model.head import DualStreamHead, Velocity
from dust_model.sampler import Noise, Sampler, draw_noise, integrate
from dust_model.schedule import Plan, fitting_plan


def naive(head, inputs, plan, *, prefix=None):
    """Sample with `head.forward` and nothing kept between evaluations."""
    features, state, noise, mask = inputs
    held = 0 if prefix is None else prefix.shape[1]
    actions = noise.action.clone()
    if held:
        actions[:, :held] = prefix

    def field(step, actions, embedding):
        tau_action = torch.full((1, 17 if held else 1), step.tau_action)
        tau_action[:, 1 : 1 + held] = 1.0
        return head(
            actions,
            embedding,
            state,
            features,
            tau_action=tau_action,
            tau_vision=torch.full((1, 1), step.tau_vision),
            mask_BT=mask,
        )

    with torch.inference_mode():
        fixed = (torch.arange(16) < held)[:, None] if held else None
        return integrate(plan, Noise(actions, noise.vision), field, held=fixed)


def draw_inputs(head, *, tokens=79, masked=0):
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(1, tokens, head.config.width, generator=generator)
    state = torch.randn(1, head.config.state_dim, generator=generator)
    mask = torch.arange(tokens)[None] >= masked if masked else None
    return features, state, draw_noise(head, (3,)), mask


@pytest.fixture(scope="module")
def tiny_head(build_head):
    return build_head(TINY)


@pytest.fixture(scope="module")
def micro_head(micro, build_head):
    return build_head(micro())


def fast(head, inputs, plan, **options):
    features, state, noise, mask = inputs
    return Sampler(head).sample(features, state, noise, plan, mask_BT=mask, **options)


@pytest.mark.parametrize("order", UpdateOrder)
@pytest.mark.parametrize("q", [1, 2, 4, 8, 16])
def test_fast_is_exactly_naive(tiny_head, q, order):
    plan, inputs = Plan(4, 4 * q, order), draw_inputs(tiny_head)
    expected, actual = naive(tiny_head, inputs, plan), fast(tiny_head, inputs, plan)
    assert torch.equal(actual.action, expected.action)
    assert torch.equal(actual.vision, expected.vision)


@pytest.mark.parametrize("cross", CrossAttention)
@pytest.mark.parametrize("blocks", [2, 3, 5])
@pytest.mark.parametrize("order", UpdateOrder)
def test_fast_is_exactly_naive_for_every_layout(micro, build_head, cross, blocks, order):
    head = build_head(micro(cross_attention=cross, dual_blocks=blocks, stream_blocks=1))
    plan, inputs = Plan(2, 6, order), draw_inputs(head, masked=5)
    expected, actual = naive(head, inputs, plan), fast(head, inputs, plan)
    assert torch.equal(actual.action, expected.action)
    assert torch.equal(actual.vision, expected.vision)


@pytest.mark.parametrize("order", UpdateOrder)
@pytest.mark.parametrize("steps", [(4, 4), (4, 16), (1, 1), (4, 0)])
def test_actions_are_the_same_without_the_future(tiny_head, steps, order):
    inputs, plan = draw_inputs(tiny_head), Plan(*steps, order)
    whole = fast(tiny_head, inputs, plan)
    alone = fast(tiny_head, inputs, replace(plan, future=False))
    assert torch.equal(alone.action, whole.action)


def test_fast_is_exactly_naive_in_policy_mode(tiny_head):
    inputs = draw_inputs(tiny_head)
    expected, actual = (sample(tiny_head, inputs, Plan(4, 0)) for sample in (naive, fast))
    assert torch.equal(actual.action, expected.action)
    assert torch.equal(actual.vision, inputs[2].vision)


def test_the_sampler_keeps_nothing_of_the_last_observation(tiny_head):
    sampler, plan = Sampler(tiny_head), Plan(4, 8)
    first = draw_inputs(tiny_head)
    second = (first[0] * 0.5, first[1] + 1, draw_noise(tiny_head, (9,)), None)
    for features, state, noise, _ in (first, second, first):
        expected = naive(tiny_head, (features, state, noise, None), plan)
        assert torch.equal(sampler.sample(features, state, noise, plan).action, expected.action)


@pytest.mark.parametrize("held", [1, 7, 16])
@pytest.mark.parametrize("plan", [Plan(4, 4), Plan(2, 8), Plan(4, 0)])
def test_prefix_stays_clean_and_is_seen(tiny_head, plan, held):
    """Per-token tau runs other matrix shapes than the table of the fast one: equal to rounding."""
    inputs = draw_inputs(tiny_head)
    prefix = torch.linspace(-1, 1, held * 8).reshape(1, held, 8)
    expected = naive(tiny_head, inputs, plan, prefix=prefix)
    actual = fast(tiny_head, inputs, plan, prefix_BPA=prefix)
    assert torch.equal(actual.action[:, :held], prefix)
    torch.testing.assert_close(actual.action, expected.action, atol=2e-5, rtol=1e-4)
    torch.testing.assert_close(actual.vision, expected.vision, atol=2e-5, rtol=1e-4)
    if held < 16:
        free = fast(tiny_head, inputs, plan).action
        assert (free[:, held:] - actual.action[:, held:]).abs().max() > 1e-4


@pytest.mark.parametrize("architecture", ["dust", "groot_n1"])
@pytest.mark.parametrize("held", [1, 7, 16])
def test_inpainting_keeps_the_prefix_on_its_path(micro, build_head, architecture, held):
    """Restated: at every step the committed actions are noised to the tau of the rest."""
    head = build_head(micro(architecture=architecture, prefix="inpaint"))
    features, state, noise, _ = draw_inputs(head)
    prefix = torch.linspace(-1, 1, held * 8).reshape(1, held, 8)
    actions, embedding = noise
    for n in range(4):
        tau = torch.full((1, 1), n / 4)
        actions = actions.clone()
        actions[:, :held] = n / 4 * prefix + (1 - n / 4) * noise.action[:, :held]
        levels = {"tau_action": tau, "tau_vision": tau}
        with torch.inference_mode():
            velocity = head(actions, embedding, state, features, **levels)
        actions = actions + velocity.action / 4
        embedding = embedding if velocity.vision is None else embedding + velocity.vision / 4
    plan = fitting_plan(head.config, 4, 4)
    actual = Sampler(head).sample(features, state, noise, plan, prefix_BPA=prefix)
    assert torch.equal(actual.action[:, :held], prefix)
    rest = (actual.action[:, held:], actions[:, held:])
    torch.testing.assert_close(*rest, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(actual.vision, embedding, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("order", UpdateOrder)
@pytest.mark.parametrize(("action_steps", "vision_steps"), [(4, 4), (4, 16), (2, 6), (3, 0)])
def test_work_is_what_equation_5_needs(micro_head, monkeypatch, action_steps, vision_steps, order):
    """N_o evaluations; actions are encoded and decoded only when they move."""
    plan = Plan(action_steps, vision_steps, order)
    calls = {"evaluate": 0, "action_decode": 0, "vision_decode": 0, "context": 0}

    def counted(owner, name, key):
        original = getattr(owner, name)

        def wrapper(*args, **kwargs):
            calls[key] += 1
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, wrapper)

    counted(micro_head, "evaluate", "evaluate")
    counted(micro_head, "contexts", "context")
    counted(micro_head.action_codec, "decode", "action_decode")
    counted(micro_head.vision_codec, "decode", "vision_decode")
    fast(micro_head, draw_inputs(micro_head), plan)
    assert calls == {
        "evaluate": vision_steps or action_steps,
        "action_decode": action_steps,
        "vision_decode": vision_steps,
        "context": 1,
    }


@pytest.mark.parametrize("order", UpdateOrder)
@pytest.mark.parametrize(("action_steps", "q"), [(1, 1), (4, 1), (4, 4), (3, 16)])
def test_a_true_velocity_oracle_recovers_the_data(action_steps, q, order):
    generator = torch.Generator().manual_seed(0)
    noise = Noise(*(torch.randn(2, 4, 3, generator=generator) for _ in range(2)))
    data = Noise(*(torch.randn(2, 4, 3, generator=generator) for _ in range(2)))

    def oracle(step, actions, embedding):
        """Check that the state lies on the path at the plan's tau; return data - noise."""
        for tau, state, start, end in (
            (step.tau_action, actions, noise.action, data.action),
            (step.tau_vision, embedding, noise.vision, data.vision),
        ):
            torch.testing.assert_close(state, tau * end + (1 - tau) * start, atol=1e-5, rtol=1e-4)
        return Velocity(data.action - noise.action, data.vision - noise.vision)

    end = integrate(Plan(action_steps, action_steps * q, order), noise, oracle)
    torch.testing.assert_close(end.action, data.action, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(end.vision, data.vision, atol=1e-5, rtol=1e-4)


def test_orders_differ_once_q_is_above_one(tiny_head):
    inputs = draw_inputs(tiny_head)
    ends = [fast(tiny_head, inputs, Plan(4, 16, order)).action for order in UpdateOrder]
    assert (ends[0] - ends[1]).abs().max() > 1e-5


def test_noise_is_of_the_seed_alone(micro_head):
    together = draw_noise(micro_head, (5, 6))
    alone = draw_noise(micro_head, (6,))
    assert torch.equal(together.action[1:], alone.action)
    assert torch.equal(together.vision[1:], alone.vision)
    assert not torch.equal(together.action[0], together.action[1])


def test_candidates_equal_singles(tiny_head):
    features, state, _, _ = draw_inputs(tiny_head)
    sampler, plan = Sampler(tiny_head), Plan(4, 8)
    together = sampler.sample(features, state, draw_noise(tiny_head, (1, 2, 3)), plan)
    for row, seed in enumerate((1, 2, 3)):
        alone = sampler.sample(features, state, draw_noise(tiny_head, (seed,)), plan)
        torch.testing.assert_close(together.action[row], alone.action[0], atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(together.vision[row], alone.vision[0], atol=1e-4, rtol=1e-4)


def test_bfloat16_weights_keep_a_float32_state(build_head):
    exact = build_head(TINY)
    features, state, noise, _ = draw_inputs(exact)
    expected = Sampler(exact).sample(features, state, noise, Plan(4, 4))
    rough: DualStreamHead = build_head(TINY).to(torch.bfloat16)
    cast = (part.to(torch.bfloat16) for part in (features, state))
    actual = Sampler(rough).sample(*cast, noise, Plan(4, 4))
    assert actual.action.dtype == torch.float32
    for part, truth in itertools.zip_longest(actual, expected):
        assert (part - truth).abs().mean() < 0.02 * truth.abs().mean()


def test_a_prepared_plan_finds_its_noise_levels(micro_head, monkeypatch):
    sampler, plan, inputs = Sampler(micro_head), Plan(2, 6), draw_inputs(micro_head)
    expected = sampler.sample(*inputs[:3], plan)
    prepared = Sampler(micro_head)
    prepared.prepare(plan)
    monkeypatch.setattr(micro_head, "condition_action", None)
    monkeypatch.setattr(micro_head, "condition_vision", None)
    actual = prepared.sample(*inputs[:3], plan)
    assert torch.equal(actual.action, expected.action)
    assert torch.equal(actual.vision, expected.vision)
