import numpy as np
import pytest
import torch

from dust_model.config import TargetScale
from dust_model.init import HOME, home_statistics
from dust_model.policy import Policy
from dust_model.robot import RobotSpec
from dust_model.statistics import ChannelStatistics, Statistics

STATE = np.array([*HOME, 1.0])


@pytest.fixture(scope="module")
def policy(tiny):
    return tiny.policy()


@pytest.fixture(scope="module")
def observation():
    generator = np.random.default_rng(0)
    return generator.normal(size=(79, 192)).astype(np.float32), np.ones(79, bool)


def test_shapes_and_types(policy, observation):
    actions, embedding = policy.sample(*observation, STATE)
    assert (actions.shape, actions.dtype) == ((16, 8), np.float64)
    assert (embedding.shape, embedding.dtype) == ((16, 192), np.float32)
    assert np.isfinite(embedding).all()


@pytest.mark.parametrize("steps", [(1, 1), (4, 4), (4, 16), (2, 0)])
def test_an_untrained_policy_stays_near_home(policy, observation, steps):
    chunks = [
        policy.sample(*observation, STATE, action_steps=steps[0], vision_steps=steps[1], seed=seed)
        for seed in range(5)
    ]
    actions = np.stack([chunk.actions for chunk in chunks])
    assert np.abs(actions[..., :7] - HOME).max() <= 0.1 + 1e-12
    assert actions[..., 7].min() >= 0
    assert actions[..., 7].max() <= 1
    assert actions.std() > 0.01


def test_the_seed_decides(policy, observation):
    first, again, other = (policy.sample(*observation, STATE, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.actions, again.actions)
    np.testing.assert_array_equal(first.embedding, again.embedding)
    assert np.abs(first.actions - other.actions).max() > 0.01


def test_candidates_are_the_chunks_of_their_seeds(policy, observation):
    candidates = policy.sample_batch(*observation, STATE, seeds=(4, 5))
    for seed, candidate in zip((4, 5), candidates, strict=True):
        alone = policy.sample(*observation, STATE, seed=seed)
        np.testing.assert_allclose(candidate.actions, alone.actions, atol=1e-5)
        np.testing.assert_allclose(candidate.embedding, alone.embedding, atol=1e-3)


@pytest.mark.parametrize("vision_steps", [4, 16])
def test_the_future_can_be_spared(policy, observation, vision_steps):
    whole, alone = (
        policy.sample(*observation, STATE, vision_steps=vision_steps, future=future)
        for future in (True, False)
    )
    np.testing.assert_array_equal(whole.actions, alone.actions)
    assert alone.embedding is None


def test_policy_mode_predicts_no_future(policy, observation):
    assert policy.sample(*observation, STATE, vision_steps=0).embedding is None


def test_features_may_come_as_tensors_or_float16(policy, observation):
    features, mask = observation
    expected = policy.sample(features.astype(np.float16), mask, STATE).actions
    tensors = policy.sample(torch.from_numpy(features).half(), torch.from_numpy(mask), STATE)
    np.testing.assert_array_equal(tensors.actions, expected)


def test_read_only_arrays_are_left_alone(policy, observation):
    features, mask, state = (np.array(part) for part in (*observation, STATE))
    for part in (features, mask, state):
        part.flags.writeable = False
    expected = policy.sample(*observation, STATE).actions
    np.testing.assert_array_equal(policy.sample(features, mask, state).actions, expected)


@pytest.mark.parametrize("held", [0, 1, 5, 16])
def test_committed_actions_come_back_as_they_are(policy, observation, held):
    prefix = STATE + np.linspace(0, 0.3, held)[:, None]
    actions = policy.sample(*observation, STATE, prefix=prefix).actions
    np.testing.assert_array_equal(actions[:held], prefix)
    assert np.abs(actions[held:, :7] - HOME).max(initial=0) <= 0.1 + 1e-12


def policy_of(build_head, config, statistics):
    return Policy(build_head(config, seed=3), statistics, RobotSpec())


def test_padded_tokens_are_not_seen(micro, build_head):
    policy = policy_of(build_head, micro(), home_statistics(32))
    features = np.random.default_rng(0).normal(size=(9, 32)).astype(np.float32)
    mask = np.arange(9) >= 3
    expected = policy.sample(features[3:], mask[3:], STATE)
    features[:3] = 50
    actual = policy.sample(features, mask, STATE)
    np.testing.assert_allclose(actual.actions, expected.actions, atol=1e-5)


def test_wider_heads_are_padded(micro, build_head):
    policy = policy_of(build_head, micro(state_dim=12, action_dim=10), home_statistics(32))
    features, mask = np.zeros((9, 32), np.float32), np.ones(9, bool)
    prefix = np.tile(STATE, (2, 1))
    assert policy.sample(features, mask, STATE, prefix=prefix).actions.shape == (16, 8)


def test_embeddings_come_back_in_the_towers_scale(micro, build_head):
    home = home_statistics(32)
    scaled = Statistics(
        state=home.state,
        action=home.action,
        embedding=ChannelStatistics(mean=(5.0,) * 32, std=(2.0,) * 32),
    )
    features, mask = np.zeros((9, 32), np.float32), np.ones(9, bool)

    def future(statistics, **head):
        policy = policy_of(build_head, micro(**head), statistics)
        return policy.sample(features, mask, STATE).embedding

    network = future(home)
    np.testing.assert_allclose(future(scaled), network * 2 + 5, rtol=1e-5)
    np.testing.assert_array_equal(future(scaled, target_scale=TargetScale.RAW), network)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": np.zeros((79, 100))}, r"features must have shape \[tokens, 192\]"),
        ({"mask": np.ones(78, bool)}, r"mask must have shape \[79\] with a real token, got \[78\]"),
        ({"mask": np.zeros(79, bool)}, r"got \[79\] with 0"),
        ({"state": np.zeros(7)}, r"state must have shape \[8\], got \[7\]"),
        ({"state": np.full(8, np.nan)}, "state is not finite"),
        ({"prefix": np.zeros((17, 8))}, r"prefix must have shape \[n <= 16, 8\], got \[17, 8\]"),
        ({"prefix": np.zeros((2, 7))}, r"prefix must have shape \[n <= 16, 8\], got \[2, 7\]"),
        ({"prefix": np.full((2, 8), np.inf)}, "prefix is not finite"),
        ({"vision_steps": 6}, "vision_steps=6 must be a multiple of action_steps=4"),
    ],
)
def test_wrong_input_is_one_clear_line(policy, observation, change, message):
    good = {"features": observation[0], "mask": observation[1], "state": STATE}
    with pytest.raises(ValueError, match=message):
        policy.sample(**good | change)
