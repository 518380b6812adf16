"""Tests of a checkpoint that is shown demonstrations."""

from types import SimpleNamespace

import numpy as np
import pytest

from dust_eval.joining import Continuation, Request
from dust_eval.replayed_policy import ReplayedPolicy
from dust_model.continuation import Method
from dust_model.data.sample import Sample

FRAMES = 6


class Head:
    """Remembers what it was asked."""

    def __init__(self):
        self.calls = []

    def sample(self, features, mask, state, **options):
        self.calls.append({"features": features, "state": state, **options})
        return SimpleNamespace(actions=np.full((16, 8), 0.5))


def moment(frame):
    actions = np.tile(np.append(np.full(7, 0.1 * frame), frame % 2), (16, 1)).astype(np.float32)
    state = np.full(8, frame, np.float32)
    return Sample(
        views={}, state=state, actions=actions, action_mask=actions > -1, instruction="go"
    )


@pytest.fixture
def policy():
    encoded = []

    def encode(sample):
        encoded.append(float(sample.state[0]))
        return np.zeros((3, 4), np.float32)

    head = Head()
    samples = [moment(frame) for frame in range(FRAMES)]
    made = ReplayedPolicy(samples, head, encode, seed=1, steps=4)
    return SimpleNamespace(policy=made, head=head, encoded=encoded)


def test_the_picture_of_the_time_is_shown_and_encoded_once(policy):
    for number in (1, 2):
        request = Request(2 / 15 + 0.01, number, np.empty((0, 7)), 0, Continuation.NONE)
        assert policy.policy.chunk(request).shape == (16, 7)
    assert policy.encoded == [2.0]
    first, second = policy.head.calls
    assert first["state"][0] == 2.0
    assert (first["prefix"], first["leftover"]) == (None, None)
    assert first["seed"] != second["seed"]


@pytest.mark.parametrize(
    ("continuation", "method"),
    [
        (Continuation.PREFIX, None),
        (Continuation.GUIDED, Method.GUIDED),
        (Continuation.BLENDED, Method.BLENDED),
    ],
)
def test_committed_actions_come_with_the_gripper(policy, continuation, method):
    policy.policy.chunk(Request(1 / 15, 1, np.full((5, 7), 0.3), 2, continuation))
    (call,) = policy.head.calls
    np.testing.assert_allclose(call["prefix"][:, :7], 0.3)
    assert call["prefix"][:, 7].tolist() == [1.0, 0.0]
    if method is None:
        assert call["leftover"] is None
    else:
        assert call["leftover"].method is method
        assert call["leftover"].actions.shape == (3, 8)


def test_the_truth_is_what_was_commanded(policy):
    np.testing.assert_allclose(policy.policy.home, 0.0)
    times = np.array([0.0, 0.5 / 15, 100.0])
    np.testing.assert_allclose(policy.policy.truth(times)[:, 0], [0.0, 0.05, 0.5], atol=1e-6)
