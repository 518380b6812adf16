"""One field switches between DUST, its ablations and its baselines, and all of them run."""

import dataclasses

import numpy as np
import pytest
import torch

from dust_model.config import GROOT_N1_2B, N1, TINY, Architecture, ModelConfig, UpdateOrder
from dust_model.head import DualStreamHead, Head
from dust_model.init import HOME, home_statistics
from dust_model.policy import Policy
from dust_model.robot import RobotSpec
from dust_model.sampler import Noise, Sampler, draw_noise, integrate
from dust_model.schedule import Plan, fitting_plan
from dust_model.variants import build_head as build_plain

BATCH = 3
VISUAL = [a for a in Architecture if a.predicts_vision]
ACTION_ONLY = [Architecture.GROOT_N1, Architecture.FLARE]
SINGLE = [a for a in Architecture if not a.dual_stream]
STATE = np.array([*HOME, 1.0])


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def heads(micro, build_head):
    return {name: build_head(micro(architecture=name)) for name in Architecture}


@pytest.fixture(params=Architecture)
def head(request, heads):
    return heads[request.param]


def moved(before, after):
    return (before - after).abs().max().item()


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def on_meta(config: ModelConfig) -> Head:
    with torch.device("meta"):
        return build_plain(config)


def test_one_field_switches_between_them(micro):
    for architecture in Architecture:
        built = build_plain(micro(architecture=str(architecture)))
        assert isinstance(built, DualStreamHead) == architecture.dual_stream
        assert built.config.architecture is architecture
        assert built.predicts_vision == architecture.predicts_vision


def test_groot_n1_has_nvidias_number_of_weights():
    head = on_meta(GROOT_N1_2B)
    assert count(head.trunk) == 537_803_776
    assert count(head) == 854_736_896


@pytest.mark.parametrize(
    ("architecture", "parameters"),
    [
        (Architecture.DUST, 1_320_825_504),
        (Architecture.MMDIT_JOINT, 1_318_069_920),
        (Architecture.DIT_DECOUPLED, 639_405_728),
        (Architecture.DIT_JOINT, 556_381_856),
        (Architecture.GROOT_N1, 547_658_784),
        (Architecture.FLARE, 557_461_664),
    ],
)
def test_parameter_counts_at_n1_size(architecture, parameters):
    assert count(on_meta(N1.variant(architecture))) == parameters


def test_what_each_head_gives(head, inputs):
    action, vision, aligned = head(**inputs)
    assert action.shape == (BATCH, 16, 8)
    assert (vision is not None) == head.predicts_vision
    assert (aligned is not None) == (head.config.architecture is Architecture.FLARE)
    for other in (vision, aligned):
        assert other is None or other.shape == (BATCH, 4, 32)


@pytest.mark.parametrize("architecture", ACTION_ONLY)
def test_an_action_only_head_needs_no_vision(heads, inputs, architecture):
    head = heads[architecture]
    expected = head(**inputs).action
    without = head(**inputs | {"embedding_BOV": None, "tau_vision": None})
    assert torch.equal(without.action, expected)


@pytest.mark.parametrize("name", ["actions_BKA", "state_BS", "features_BTD", "tau_action"])
def test_every_input_reaches_every_output(head, inputs, name):
    before = head(**inputs)
    after = head(**inputs | {name: (inputs[name] + 0.3) % 1})
    for old, new in zip(before, after, strict=True):
        assert old is None or moved(old, new) > 1e-5


@pytest.mark.parametrize("architecture", VISUAL)
@pytest.mark.parametrize("name", ["embedding_BOV", "tau_vision"])
def test_vision_reaches_the_actions(heads, inputs, architecture, name):
    head = heads[architecture]
    before, after = head(**inputs), head(**inputs | {name: (inputs[name] + 0.3) % 1})
    assert moved(before.action, after.action) > 1e-5
    assert moved(before.vision, after.vision) > 1e-5


def test_samples_do_not_see_each_other(head, inputs):
    together = head(**inputs)
    for row in range(BATCH):
        alone = head(**{name: value[row : row + 1] for name, value in inputs.items()})
        for part, single in zip(together, alone, strict=True):
            if part is not None:
                torch.testing.assert_close(part[row], single[0], atol=1e-5, rtol=1e-4)


def test_padding_is_hidden(head, inputs):
    mask = torch.ones(BATCH, 9, dtype=torch.bool)
    mask[:, :4] = False
    changed = inputs["features_BTD"].clone()
    changed[:, :4] += 5
    before = head(**inputs, mask_BT=mask)
    after = head(**inputs | {"features_BTD": changed}, mask_BT=mask)
    for old, new in zip(before, after, strict=True):
        assert old is None or moved(old, new) < 1e-5


def test_tau_of_one_action_is_its_own(head, inputs):
    tau = inputs["tau_action"].repeat(1, 17)
    same = head(**inputs | {"tau_action": tau}).action
    torch.testing.assert_close(same, head(**inputs).action, atol=1e-5, rtol=1e-4)
    tau[:, 5] = 1.0
    assert moved(head(**inputs | {"tau_action": tau}).action, same) > 1e-5


def test_gradients_reach_every_weight(micro, build_head, inputs, head):
    learner = build_head(head_config(micro, head)).requires_grad_(True)
    parts = [part for part in learner(**inputs) if part is not None]
    sum(part.square().sum() for part in parts).backward()
    dead = [
        name
        for name, weight in learner.named_parameters()
        if weight.grad is None or not weight.grad.any()
    ]
    # Softmax does not feel a shift of all its logits, which is all that a key's bias is.
    assert [name for name in dead if not name.endswith("to_k.bias")] == []


def head_config(micro, head):
    return micro(architecture=head.config.architecture)


def test_joint_noise_has_one_timestep_embedding(heads):
    def embeddings(architecture):
        names = heads[architecture].state_dict()
        return sum(name.endswith("timestep.linear_1.weight") for name in names)

    assert {a: embeddings(a) for a in Architecture} == {
        Architecture.DUST: 2,
        Architecture.MMDIT_JOINT: 1,
        Architecture.DIT_DECOUPLED: 2,
        Architecture.DIT_JOINT: 1,
        Architecture.GROOT_N1: 1,
        Architecture.FLARE: 1,
    }


def naive(head, plan, noise, features, state, *, prefix=None):
    """Sample with `head.forward` and nothing kept between evaluations."""
    held = 0 if prefix is None else prefix.shape[1]
    actions = noise.action.clone()
    if held:
        actions[:, :held] = prefix

    def field(step, actions, embedding):
        tau = torch.full((1, 17 if held else 1), step.tau_action)
        tau[:, 1 : 1 + held] = 1.0
        tau_vision = torch.full((1, 1), step.tau_vision)
        return head(actions, embedding, state, features, tau_action=tau, tau_vision=tau_vision)

    with torch.inference_mode():
        fixed = (torch.arange(16) < held)[:, None] if held else None
        return integrate(plan, Noise(actions, noise.vision), field, held=fixed)


@pytest.mark.parametrize("order", UpdateOrder)
@pytest.mark.parametrize("architecture", Architecture)
@pytest.mark.parametrize("steps", [(4, 4), (2, 8), (4, 0), (1, 1)])
def test_fast_is_exactly_naive(heads, architecture, steps, order):
    """In both orders, which are one where the noise is joint or there is no vision: q = 1."""
    head = heads[architecture]
    joint, visual = architecture.joint_noise, architecture.predicts_vision
    plan = Plan(steps[0], steps[0] if joint else steps[1] * visual, order)
    noise, features, state = draw_noise(head, (5,)), draw(1, 9, 32), draw(1, 8)
    expected = naive(head, plan, noise, features, state)
    actual = Sampler(head).sample(features, state, noise, plan)
    assert torch.equal(actual.action, expected.action)
    assert torch.equal(actual.vision, expected.vision)
    assert torch.equal(actual.vision, noise.vision) == (plan.vision_steps == 0)


@pytest.mark.parametrize("architecture", VISUAL)
def test_actions_are_the_same_without_the_future(heads, architecture):
    head = heads[architecture]
    steps = (2, 2) if architecture.joint_noise else (2, 6)
    noise, features, state = draw_noise(head, (5,)), draw(1, 9, 32), draw(1, 8)
    whole, alone = (
        Sampler(head).sample(features, state, noise, Plan(*steps, future=future))
        for future in (True, False)
    )
    assert torch.equal(whole.action, alone.action)


@pytest.mark.parametrize("held", [1, 7])
def test_prefix_stays_clean_and_is_seen(head, held):
    plan = fitting_plan(head.config, 4, 4)
    noise, features, state = draw_noise(head, (5,)), draw(1, 9, 32), draw(1, 8)
    prefix = torch.linspace(-1, 1, held * 8).reshape(1, held, 8)
    expected = naive(head, plan, noise, features, state, prefix=prefix)
    actual = Sampler(head).sample(features, state, noise, plan, prefix_BPA=prefix)
    assert torch.equal(actual.action[:, :held], prefix)
    torch.testing.assert_close(actual.action, expected.action, atol=2e-5, rtol=1e-4)
    free = Sampler(head).sample(features, state, noise, plan).action
    assert moved(free[:, held:], actual.action[:, held:]) > 1e-5


def policy_of(config, build_head, **robot):
    return Policy(build_head(config), home_statistics(32), RobotSpec(**robot))


def test_every_head_is_a_policy(micro, build_head, head):
    policy = policy_of(head_config(micro, head), build_head)
    features, mask = np.zeros((9, 32), np.float32), np.ones(9, bool)
    first, again = (policy.sample(features, mask, STATE, seed=seed) for seed in (1, 1))
    np.testing.assert_array_equal(first.actions, again.actions)
    assert np.abs(first.actions[:, :7] - HOME).max() <= 0.1 + 1e-12
    assert (first.embedding is not None) == head.predicts_vision


def test_the_embodiment_of_the_robot_is_used(micro, build_head):
    config = micro(architecture="groot_n1", embodiments=3)
    features, mask = np.zeros((9, 32), np.float32), np.ones(9, bool)

    def actions(slot):
        policy = policy_of(config, build_head, embodiment=slot)
        return policy.sample(features, mask, STATE, vision_steps=0).actions

    assert np.abs(actions(0) - actions(2)).max() > 1e-3


@pytest.mark.parametrize("architecture", ACTION_ONLY)
def test_vision_steps_are_none_of_an_action_only_heads_business(micro, architecture):
    config = micro(architecture=architecture).head
    for vision_steps in (0, 4, 64):
        assert fitting_plan(config, 4, vision_steps) == Plan(4, 0)
    with pytest.raises(ValueError, match="vision_steps=6 must be a multiple of action_steps=4"):
        fitting_plan(config, 4, 6)


@pytest.mark.parametrize("architecture", [a for a in Architecture if a.joint_noise])
@pytest.mark.parametrize("vision_steps", [0, 16])
def test_joint_noise_is_sampled_jointly(micro, architecture, vision_steps):
    config = micro(architecture=architecture).head
    assert fitting_plan(config, 4, 4) == Plan(4, 4)
    expected = f"architecture={architecture} learned with one noise level .* must equal action_ste"
    with pytest.raises(ValueError, match=expected):
        fitting_plan(config, 4, vision_steps)


def test_tiny_variants_have_their_own_blocks():
    for architecture in Architecture:
        head = TINY.variant(architecture).head
        assert head.halves + head.blocks == 6
        assert dataclasses.replace(TINY.head, architecture=architecture) == head
