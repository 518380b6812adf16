"""What may and what may not reach the gradient, for every architecture."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from dust_model.config import Architecture
from dust_model.training.learner import Example, Learner, losses_of, noisy_of
from dust_model.training.losses import Counts, LossConfig
from dust_model.training.noise import NoiseConfig, draw
from dust_model.training.optim import OptimizerConfig, build_optimizer
from dust_model.variants import build_head

B, K, T = 3, 16, 7
DECOUPLED = (Architecture.DUST, Architecture.DIT_DECOUPLED)


def make_learner(micro, architecture=Architecture.DUST):
    torch.manual_seed(0)
    head = build_head(micro(architecture=architecture, dropout=0.0, alignment_width=16))
    with torch.no_grad():
        for name, weight in head.named_parameters():
            if "modulation" in name:
                nn.init.normal_(weight, std=0.3)  # AdaLN-Zero's closed gates hide everything
            elif name.endswith(".W"):
                nn.init.normal_(weight, std=weight.shape[1] ** -0.5)
    return Learner(head)


@pytest.fixture(params=Architecture)
def learner(request, micro):
    return make_learner(micro, request.param)


@pytest.fixture
def example():
    generator = torch.Generator().manual_seed(3)
    mask = torch.ones(B, T, dtype=torch.bool)
    mask[1, :3] = False
    action_mask = torch.ones(B, K, 8, dtype=torch.bool)
    action_mask[0, 11:] = False
    action_mask[:, :, 6:] = False
    return Example(
        hidden=torch.randn(B, T, 32, generator=generator),
        mask=mask,
        state=torch.randn(B, 8, generator=generator),
        actions=torch.randn(B, K, 8, generator=generator),
        action_mask=action_mask,
        embedding=torch.randn(B, 4, 32, generator=generator),
        slot=torch.zeros(B, dtype=torch.int64),
    )


def run(learner, example, config=None, *, world=1.0):
    """Return the loss and the gradient by the weights."""
    config = config or NoiseConfig()
    head = learner.head
    drawn = draw(
        config,
        range(len(example.state)),
        action_shape=(K, 8),
        world_shape=head.world_shape,
        joint=head.config.architecture.joint_noise,
    )
    noisy = noisy_of(config, example, drawn)
    output = learner(example, noisy, drawn.keeps_state)
    free = config.action_free
    losses = losses_of(output, example, noisy, Counts.of(noisy), action_free=free)
    total = losses.total(LossConfig(world=world))
    learner.zero_grad(set_to_none=True)
    total.backward()
    gradients = {n: w.grad for n, w in learner.named_parameters()}
    return total.item(), gradients, noisy, output


def equal(first, second):
    return all(
        (a is None and b is None) or torch.equal(a, b)
        for a, b in zip(first.values(), second.values(), strict=True)
    )


def test_every_weight_is_trained(learner, example):
    _, gradients, _, _ = run(learner, example)
    assert [name for name, gradient in gradients.items() if gradient is None] == []


def test_padded_actions_do_not_matter(learner, example):
    loss, gradients, _, _ = run(learner, example)
    other = replace(example, actions=torch.where(example.action_mask, example.actions, 9.0))
    changed, after, _, _ = run(learner, other)
    assert changed == loss
    assert equal(gradients, after)


def test_padded_tokens_do_not_matter(learner, example):
    loss, gradients, _, _ = run(learner, example)
    hidden = torch.where(example.mask[..., None], example.hidden, 9.0)
    changed, after, _, _ = run(learner, replace(example, hidden=hidden))
    assert changed == pytest.approx(loss, rel=1e-6)
    for name, gradient in gradients.items():
        torch.testing.assert_close(after[name], gradient, atol=1e-6, rtol=1e-4)


def test_what_is_demonstrated_does_matter(learner, example):
    loss, _, _, _ = run(learner, example)
    for name in ("hidden", "state", "actions"):
        changed = replace(example, **{name: getattr(example, name) + 1})
        assert abs(run(learner, changed)[0] - loss) > 1e-5, name


def test_samples_do_not_see_each_other(learner, example):
    _, _, _, before = run(learner, example)
    shift = torch.tensor([0.0, 5.0, 5.0])
    other = replace(
        example,
        hidden=example.hidden + shift[:, None, None],
        state=example.state + shift[:, None],
        actions=example.actions + shift[:, None, None],
        embedding=example.embedding + shift[:, None, None],
    )
    _, _, _, after = run(learner, other)
    for a, b in zip(before, after, strict=True):
        if a is not None:
            torch.testing.assert_close(a[0], b[0], atol=1e-5, rtol=1e-4)


def test_dropped_states_do_not_matter(learner, example):
    config = NoiseConfig(state_drop=1.0)
    loss, _, _, _ = run(learner, example, config)
    assert run(learner, replace(example, state=example.state + 3), config)[0] == loss


def test_given_actions_get_no_loss_but_are_seen(learner, example):
    config = NoiseConfig(prefix_max=12)
    _, _, noisy, output = run(learner, example, config)
    assert noisy.learned.any(-1).sum() < example.action_mask.any(-1).sum()
    wrong = output._replace(action=torch.where(noisy.learned, output.action, 1e6))
    counts = Counts.of(noisy)
    same = [losses_of(o, example, noisy, counts).action for o in (output, wrong)]
    assert torch.equal(*same)
    given = (noisy.tau_action[:, 1:] == 1)[..., None] & example.action_mask
    seen = replace(example, actions=torch.where(given, example.actions + 1, example.actions))
    after = run(learner, seen, config)[3]
    assert (after.action - output.action).abs().max() > 1e-4


@pytest.mark.parametrize("architecture", DECOUPLED)
def test_action_free_training_leaves_the_action_decoder_untouched(micro, example, architecture):
    learner = make_learner(micro, architecture)
    decoder = learner.head.action_codec
    parts = (decoder.decode_1, decoder.decode_2)
    before = [weight.detach().clone() for part in parts for weight in part.parameters()]
    optimizer = build_optimizer(learner, OptimizerConfig(learning_rate=0.1, weight_decay=0.1))
    _, gradients, _, _ = run(learner, example, NoiseConfig(action_free=True))
    optimizer.step()
    after = [weight for part in parts for weight in part.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert gradients["head.vision_codec.decode_2.weight"].abs().max() > 0


def test_action_free_training_does_not_see_actions(micro, example):
    learner, config = make_learner(micro), NoiseConfig(action_free=True)
    loss, gradients, _, _ = run(learner, example, config)
    changed, after, _, _ = run(learner, replace(example, actions=example.actions + 5), config)
    assert changed == loss
    assert equal(gradients, after)


def test_lambda_weighs_the_world_model(micro, example):
    learner = make_learner(micro)
    losses = [run(learner, example, world=world)[0] for world in (0.0, 1.0, 2.0)]
    assert losses[2] - losses[1] == pytest.approx(losses[1] - losses[0], rel=1e-5)
    assert losses[1] > losses[0]


@pytest.mark.parametrize("architecture", [Architecture.FLARE, Architecture.GROOT_N1])
def test_only_flare_aligns_with_the_future(micro, example, architecture):
    learner = make_learner(micro, architecture)
    before = run(learner, example)[0]
    after = run(learner, replace(example, embedding=-example.embedding))[0]
    assert (before != after) == (architecture is Architecture.FLARE)
