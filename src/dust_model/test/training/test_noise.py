import pytest
import torch

from dust_model.training.noise import NoiseConfig, TauDistribution, add_noise, draw

K, A, TOKENS, V = 16, 8, 4, 6
SHAPES = {"action_shape": (K, A), "world_shape": (TOKENS, V)}


def drawn(config=None, count=1000, **options):
    return draw(config or NoiseConfig(), range(count), **SHAPES, **options)


def noisy(config, d, mask=None):
    count = len(d.tau_action)
    generator = torch.Generator().manual_seed(1)
    actions = torch.randn(count, K, A, generator=generator)
    embedding = torch.randn(count, TOKENS, V, generator=generator)
    mask = torch.ones(count, K, A, dtype=torch.bool) if mask is None else mask
    return actions, embedding, add_noise(config, d, actions, mask, embedding)


def test_uniform_tau_covers_its_range_and_the_modalities_are_independent():
    d = drawn(count=4000)
    for tau in (d.tau_action, d.tau_vision):
        assert 0 <= tau.min() < 0.01
        assert 0.99 < tau.max() < 1
        assert abs(tau.mean() - 0.5) < 0.02
    correlation = torch.corrcoef(torch.cat((d.tau_action, d.tau_vision), 1).T)[0, 1]
    assert abs(correlation) < 0.05


def test_joint_noise_has_one_tau():
    d = drawn(joint=True)
    assert torch.equal(d.tau_action, d.tau_vision)


def test_beta_is_the_papers():
    """tau = (s - x) / s with x ~ Beta(1.5, 1), E[x] = 0.6, P(x > s) = 0.15 % clamped to 0."""
    tau = drawn(NoiseConfig(tau=TauDistribution.BETA), count=20_000).tau_action
    expected = torch.distributions.Beta(1.5, 1.0).sample((200_000,))
    expected = ((0.999 - expected) / 0.999).clamp(min=0)
    shares = torch.tensor([0.05, 0.25, 0.5, 0.75, 0.95])
    torch.testing.assert_close(tau.quantile(shares), expected.quantile(shares), atol=0.02, rtol=0)
    assert tau.min() == 0


def test_a_samples_numbers_depend_on_its_seed_only():
    together = draw(NoiseConfig(prefix_max=3), [5, 6, 7], **SHAPES)
    alone = draw(NoiseConfig(prefix_max=3), [6], **SHAPES)
    for whole, part in zip(together, alone, strict=True):
        assert torch.equal(whole[1:2], part)


def test_noise_is_the_straight_line_between_noise_and_data():
    config, d = NoiseConfig(), drawn(count=3)
    actions, embedding, n = noisy(config, d)
    tau = d.tau_action[..., None]
    torch.testing.assert_close(n.actions, tau * actions + (1 - tau) * d.action_noise)
    # Following the velocity from where it is to tau = 1 gives the data.
    torch.testing.assert_close(n.actions + (1 - tau) * n.action_velocity, actions)
    rest = 1 - d.tau_vision[..., None]
    torch.testing.assert_close(n.embedding + rest * n.vision_velocity, embedding)
    assert n.tau_action.shape == (3, 1)
    assert n.learned.all()


def test_prefixes_are_clean_and_have_no_loss():
    config = NoiseConfig(prefix_max=7)
    d = drawn(config, count=400)
    counts = torch.bincount(d.prefix, minlength=8)
    assert len(counts) == 8
    assert counts.min() > 25
    actions, _, n = noisy(config, d)
    given = torch.arange(K) < d.prefix[:, None]
    assert torch.equal(n.actions[given], actions[given])
    assert (n.tau_action[:, 1:][given] == 1).all()
    assert torch.equal(n.tau_action[:, :1], d.tau_action)
    assert torch.equal(n.learned, ~given[..., None].expand(-1, -1, A))


def test_some_samples_have_no_prefix():
    d = drawn(NoiseConfig(prefix_max=7, prefix_share=0.25), count=4000)
    assert 0.19 < (d.prefix > 0).float().mean() < 0.25  # one in eight draws a prefix of none
    assert torch.equal(
        drawn(NoiseConfig(prefix_max=7)).prefix,
        drawn(NoiseConfig(prefix_max=7, prefix_drift=1.0)).prefix,
    )


def test_prefixes_that_err_are_shown_and_the_way_back_is_the_target():
    config = NoiseConfig(prefix_max=7, prefix_drift=0.5, prefix_back=4)
    d = drawn(config, count=400, joints=A - 1)
    actions, _, n = noisy(config, d)
    aim = n.action_velocity + d.action_noise
    erring = aim - actions
    rows = torch.arange(len(aim))[d.prefix > 0]
    last = d.prefix[rows] - 1
    torch.testing.assert_close(erring[rows, last], d.drift[rows])
    assert 0.45 < d.drift[:, :-1].std() < 0.55
    assert (d.drift[:, -1] == 0).all()
    given = torch.arange(K) < d.prefix[:, None]
    torch.testing.assert_close(n.actions[given], aim[given])
    torch.testing.assert_close(erring[rows, last + 4], torch.zeros(len(rows), A))
    torch.testing.assert_close(aim[d.prefix == 0], actions[d.prefix == 0])


def test_nothing_of_what_was_not_demonstrated_gets_in():
    config, d = NoiseConfig(prefix_max=3), drawn(NoiseConfig(prefix_max=3), count=4)
    mask = torch.ones(4, K, A, dtype=torch.bool)
    mask[0, 10:] = False
    mask[1, :, 5:] = False
    mask[2] = False
    actions, embedding, before = noisy(config, d, mask)
    changed = torch.where(mask, actions, torch.nan)
    after = add_noise(config, d, changed, mask, embedding)
    for a, b in zip(before, after, strict=True):
        torch.testing.assert_close(a, b, atol=0, rtol=0)
    assert not before.learned[~mask].any()
    # Whole actions that are missing are pure noise, and known to be.
    assert torch.equal(before.actions[0, 10:], d.action_noise[0, 10:])
    assert (before.tau_action[0, 11:] == 0).all()
    assert (before.tau_action[2, 1:] == 0).all()
    assert (before.tau_action[1, 4:] == d.tau_action[1]).all()


def test_action_free_shows_noise_only():
    config = NoiseConfig(action_free=True)
    d = drawn(config, count=5)
    _, _, n = noisy(config, d)
    assert torch.equal(n.actions, d.action_noise)
    assert (n.tau_action == 0).all()
    assert not n.learned.any()


@pytest.mark.parametrize(("share", "low", "high"), [(0.0, 1, 1), (0.3, 0.6, 0.8), (1.0, 0, 0)])
def test_states_are_dropped_at_their_rate(share, low, high):
    kept = drawn(NoiseConfig(state_drop=share)).keeps_state.float().mean()
    assert low <= kept <= high


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"prefix_max": -1}, "prefix_max must be >= 0, got -1"),
        ({"prefix_share": -0.1}, r"prefix_share must lie in \[0, 1\], got -0.1"),
        ({"prefix_drift": -1.0}, "prefix_drift must be >= 0, got -1.0"),
        ({"prefix_back": 0}, "prefix_back must be >= 1, got 0"),
        ({"state_drop": 1.5}, r"state_drop must lie in \[0, 1\], got 1.5"),
        ({"action_free": True, "prefix_max": 2}, "set prefix_max=0"),
    ],
)
def test_mistakes(values, message):
    with pytest.raises(ValueError, match=message):
        NoiseConfig(**values)
