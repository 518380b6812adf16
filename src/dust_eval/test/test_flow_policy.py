"""Tests of the imagined policy that the real sampler draws."""

import numpy as np
import pytest

from dust_eval.flow_policy import FlowPolicy
from dust_eval.imagined_policy import GaussianPolicy
from dust_eval.joining import Continuation, Request

NONE = np.empty((0, 7))


def request(committed, frozen, continuation, number=1):
    return Request(3.0, number, committed, frozen, continuation)


def free(policy, number=1):
    return policy.chunk(request(NONE, 0, Continuation.NONE, number))


def test_many_steps_draw_from_the_process():
    policy = FlowPolicy(0, seconds=10.0, steps=64)
    path = policy.truth(3.0 + np.arange(16) / 15, seen=3.0)
    draws = np.array([free(policy, number) for number in range(100)]) - path
    assert np.std(draws) == pytest.approx(0.02, rel=0.15)
    assert np.abs(draws.mean(axis=0)).max() < 0.01


@pytest.mark.parametrize(
    ("continuation", "share"), [(Continuation.GUIDED, 0.9), (Continuation.BLENDED, 0.7)]
)
def test_chunks_go_on_from_the_plan(continuation, share):
    """Guidance is weak where chunks vary little and steps are few: the pull goes through J."""
    policy = FlowPolicy(0, seconds=10.0)
    plan = free(GaussianPolicy(0, seconds=10.0), 2)[:12]
    near = policy.chunk(request(plan, 4, continuation))
    np.testing.assert_array_equal(near[:4], plan[:4])
    away = free(policy)
    assert np.abs(near[4:6] - plan[4:6]).mean() < share * np.abs(away[4:6] - plan[4:6]).mean()


def test_the_prefix_is_the_exact_one():
    plan = free(GaussianPolicy(0, seconds=10.0), 2)[:4]
    chunks = [
        kind(0, seconds=10.0).chunk(request(plan, 4, Continuation.PREFIX))
        for kind in (FlowPolicy, GaussianPolicy)
    ]
    np.testing.assert_array_equal(*chunks)
