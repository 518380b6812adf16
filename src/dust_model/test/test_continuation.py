"""Weights of the plan's leftover, and chunks that go on from it without being trained to."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dust_model.continuation import Leftover, Method, blend_strengths, guidance_weights
from dust_model.init import HOME

STATE = np.array([*HOME, 1.0])
counts = st.tuples(st.integers(0, 16), st.integers(0, 16)).map(sorted)


@given(counts)
def test_guidance_is_whole_on_frozen_actions_and_falls_to_nothing(count):
    frozen, reach = count
    weights = guidance_weights(frozen, reach, 16)[:, 0]
    assert (weights[:frozen] == 1).all()
    assert (weights[reach:] == 0).all()
    assert (np.diff(weights) <= 0).all()
    between = weights[frozen:reach]
    assert ((between > 0) & (between < 1)).all()


def test_guidance_weights_are_those_of_the_paper():
    """d = 2, e = 5: w = 3/4, 2/4, 1/4 linearly, then w (e^w - 1) / (e - 1)."""
    linear = np.array([0.75, 0.5, 0.25])
    expected = [1, 1, *(linear * np.expm1(linear) / np.expm1(1)), 0]
    np.testing.assert_allclose(guidance_weights(2, 5, 6)[:, 0], expected, rtol=1e-6)


@given(counts)
def test_blending_freezes_and_then_lets_go(count):
    frozen, reach = count
    strengths = blend_strengths(frozen, reach, 16)[:, 0]
    assert (strengths[:frozen] == 0).all()
    assert (strengths[reach:] == 1).all()
    assert (np.diff(strengths) >= 0).all()
    assert ((strengths[frozen:reach] > 0) & (strengths[frozen:reach] < 1)).all()


@pytest.fixture(scope="module")
def policy(micro, build_head):
    from dust_model.init import home_statistics
    from dust_model.policy import Policy
    from dust_model.robot import RobotSpec

    return Policy(build_head(micro(), seed=3), home_statistics(32), RobotSpec())


@pytest.fixture(scope="module")
def observation():
    features = np.random.default_rng(0).normal(size=(9, 32)).astype(np.float32)
    return {"features": features, "mask": np.ones(9, bool), "state": STATE}


def way(first, last):
    """Return a straight path near home of a few actions, the gripper open."""
    path = np.linspace(first, last, 12)[:, None] * np.ones(8) * 0.05 + STATE
    path[:, -1] = 1.0
    return path


@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize(("frozen", "rest"), [(0, 0), (0, 6), (3, 6), (5, 0), (3, 16), (16, 0)])
def test_frozen_actions_come_back_and_all_is_finite(policy, observation, method, frozen, rest):
    prefix = np.tile(STATE, (frozen, 1))
    leftover = Leftover(method, np.tile(STATE, (rest, 1)))
    actions, future = policy.sample(**observation, prefix=prefix, leftover=leftover)
    np.testing.assert_array_equal(actions[:frozen], prefix)
    assert np.isfinite(actions).all()
    assert np.isfinite(future).all()


@pytest.mark.parametrize("method", Method)
def test_without_a_plan_nothing_changes(policy, observation, method):
    free = policy.sample(**observation, seed=4)
    alone = policy.sample(**observation, seed=4, leftover=Leftover(method, np.empty((0, 8))))
    np.testing.assert_allclose(alone.actions, free.actions, atol=1e-6)
    np.testing.assert_allclose(alone.embedding, free.embedding, atol=1e-4)


@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize("vision_steps", [0, 4, 8])
def test_chunks_come_nearer_to_the_plan(policy, observation, method, vision_steps):
    plan = way(-1.0, 1.0)

    def distance(**options):
        chunks = [
            policy.sample(**observation, seed=seed, vision_steps=vision_steps, **options).actions
            for seed in range(6)
        ]
        return np.abs(np.stack(chunks)[:, 3:7, :7] - plan[3:7, :7]).mean()

    near = distance(prefix=plan[:3], leftover=Leftover(method, plan[3:]))
    assert near < 0.7 * distance()


def test_the_rest_of_the_chunk_stays_free(policy, observation):
    for method in Method:
        leftover = Leftover(method, way(0.0, 1.0)[:5])
        chunks = [policy.sample(**observation, seed=s, leftover=leftover).actions for s in (1, 2)]
        assert np.abs(chunks[0][8:] - chunks[1][8:]).max() > 0.01


def test_the_leftover_is_checked(policy, observation):
    with pytest.raises(ValueError, match=r"leftover must have shape \[n <= 16, 8\], got \[3, 7\]"):
        policy.sample(**observation, leftover=Leftover(Method.BLENDED, np.zeros((3, 7))))
    with pytest.raises(ValueError, match="guidance must be at least 0, got -1"):
        Leftover(Method.GUIDED, np.zeros((3, 8)), guidance=-1.0)
    with pytest.raises(ValueError, match="rate must be above 0, got 0"):
        Leftover(Method.BLENDED, np.zeros((3, 8)), rate=0.0)


def test_a_lower_rate_leaves_the_plan_later(policy, observation):
    plan, gaps = way(-1.0, 1.0), []
    for rate in (0.3, 6.0):
        leftover = Leftover(Method.BLENDED, plan[3:], rate=rate)
        actions = policy.sample(**observation, prefix=plan[:3], leftover=leftover).actions
        gaps.append(np.abs(actions[3:12, :7] - plan[3:12, :7]).mean())
    assert gaps[0] < 0.5 * gaps[1]


def test_candidates_share_the_plan(policy, observation):
    for method in Method:
        leftover = Leftover(method, way(0.0, 1.0))
        together = policy.sample_batch(**observation, seeds=(1, 2), leftover=leftover)
        for seed, chunk in zip((1, 2), together, strict=True):
            alone = policy.sample(**observation, seed=seed, leftover=leftover)
            np.testing.assert_allclose(chunk.actions, alone.actions, atol=1e-4)


def test_inference_mode_of_the_caller_is_no_obstacle(policy, observation):
    leftover = Leftover(Method.GUIDED, way(0.0, 1.0))
    expected = policy.sample(**observation, leftover=leftover).actions
    with torch.inference_mode():
        tensor = torch.from_numpy(observation["features"]) * 1
        actual = policy.sample(tensor, observation["mask"], STATE, leftover=leftover).actions
    np.testing.assert_array_equal(actual, expected)
