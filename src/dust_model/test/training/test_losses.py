import pytest
import torch

from dust_model.training.losses import (
    Counts,
    LossConfig,
    Losses,
    action_loss,
    alignment_loss,
    world_loss,
)
from dust_model.training.noise import NoiseConfig, add_noise, draw

B, K, A, TOKENS, V = 3, 5, 4, 4, 6


@pytest.fixture
def noisy():
    generator = torch.Generator().manual_seed(0)
    drawn = draw(NoiseConfig(), range(B), action_shape=(K, A), world_shape=(TOKENS, V))
    mask = torch.rand(B, K, A, generator=generator) < 0.6
    actions = torch.randn(B, K, A, generator=generator)
    return add_noise(
        NoiseConfig(), drawn, actions, mask, torch.randn(B, TOKENS, V, generator=generator)
    )


def test_the_action_loss_is_the_mean_over_what_is_learned(noisy):
    velocity = torch.randn(B, K, A)
    expected = (velocity - noisy.action_velocity)[noisy.learned].square().mean()
    torch.testing.assert_close(action_loss(velocity, noisy, Counts.of(noisy).action), expected)


def test_what_is_not_learned_does_not_matter(noisy):
    velocity = torch.randn(B, K, A)
    count = Counts.of(noisy).action
    before = action_loss(velocity, noisy, count)
    wild = torch.where(noisy.learned, velocity, torch.inf).requires_grad_()
    after = action_loss(wild, noisy, count)
    assert torch.equal(before, after)
    after.backward()
    assert torch.equal(wild.grad != 0, noisy.learned)


def test_the_world_loss_is_the_mean_squared_error(noisy):
    velocity = torch.randn(B, TOKENS, V)
    expected = torch.nn.functional.mse_loss(velocity, noisy.vision_velocity)
    torch.testing.assert_close(world_loss(velocity, noisy, Counts.of(noisy).world), expected)


def test_alignment_is_one_minus_the_cosine():
    aligned, embedding = torch.randn(B, TOKENS, V), torch.randn(B, TOKENS, V)
    norms = aligned.norm(dim=-1) * embedding.norm(dim=-1)
    expected = 1 - ((aligned * embedding).sum(-1) / norms).mean()
    count = torch.tensor(float(B * TOKENS))
    torch.testing.assert_close(alignment_loss(aligned, embedding, count), expected)
    torch.testing.assert_close(alignment_loss(3 * embedding, embedding, count), torch.tensor(0.0))


def test_equation_4():
    losses = Losses(torch.tensor(2.0), torch.tensor(3.0), None)
    assert losses.total(LossConfig(world=0.5)) == 3.5
    assert Losses(None, torch.tensor(3.0), None).total(LossConfig()) == 3
    flare = Losses(torch.tensor(2.0), None, torch.tensor(1.0))
    assert flare.total(LossConfig(alignment=0.2)) == pytest.approx(2.2)


def test_parts_of_a_batch_add_up_to_the_whole(noisy):
    velocity = torch.randn(B, K, A)
    count = Counts.of(noisy).action
    parts = [type(noisy)(*(part[row : row + 1] for part in noisy)) for row in range(B)]
    split = sum(action_loss(velocity[row : row + 1], part, count) for row, part in enumerate(parts))
    torch.testing.assert_close(split, action_loss(velocity, noisy, count))
    counts = torch.stack([torch.stack(Counts.of(part)) for part in parts]).sum(0)
    assert torch.equal(counts, torch.stack(Counts.of(noisy)))


def test_a_batch_without_actions_has_a_loss_of_zero(noisy):
    nothing = noisy._replace(learned=torch.zeros_like(noisy.learned))
    assert action_loss(torch.randn(B, K, A), nothing, Counts.of(nothing).action) == 0


def test_weights_are_checked():
    with pytest.raises(ValueError, match="world must be >= 0, got -1"):
        LossConfig(world=-1)


def test_nothing_to_learn_is_said():
    with pytest.raises(ValueError, match="nothing to learn"):
        Losses(None, None, None).total(LossConfig())
