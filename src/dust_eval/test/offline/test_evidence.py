"""Tests of dust_eval.offline.evidence and of the arithmetic of single checks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_eval.offline.accuracy import first_toggle
from dust_eval.offline.chunk_shift import demonstration_noise
from dust_eval.offline.finding import Verdict, above, below, worst
from dust_eval.offline.state_copying import explained_share


def test_errors_and_effects_are_relative_to_what_was_demonstrated(judge_policy, exact):
    evidence = judge_policy(exact())
    assert evidence.error(evidence.base) < 0.01 * evidence.motion
    off = evidence.base.copy()
    off[..., 0] += evidence.motion
    # One joint of seven is off by the motion.
    assert evidence.effect(off) == pytest.approx(7**-0.5)
    assert evidence.effect(evidence.base) == 0


def test_the_gripper_does_not_count_as_a_joint(judge_policy, exact):
    evidence = judge_policy(exact())
    off = evidence.base.copy()
    off[..., 7] = 5.0
    assert evidence.effect(off) == 0


def test_demonstrations_without_motion_are_refused(judge_policy, exact, new_world):
    world = new_world(4)
    world.episodes = [
        (views, text, np.tile(rows[0], (40, 1))) for views, text, rows in world.episodes
    ]
    world.actions = world.states
    with pytest.raises(ValueError, match="do not move"):
        judge_policy(exact(), episodes=world)


def test_predictions_that_are_not_finite_are_refused(judge_policy, exact):
    class Broken(exact):
        def chunk(self, goal, state, seed):
            return np.full((8, 8), np.nan)

    with pytest.raises(ValueError, match="not finite"):
        judge_policy(Broken())


@given(st.floats(0, 2), st.floats(0, 2))
def test_verdicts_are_ordered(value, more):
    rank = above(value, warn=0.5, bad=1.0).rank
    assert above(value + more, warn=0.5, bad=1.0).rank >= rank
    assert below(-value, warn=-0.5, bad=-1.0).rank == rank


def test_the_worst_verdict_wins():
    assert worst([Verdict.OK, Verdict.BAD, Verdict.WARN]) is Verdict.BAD
    assert worst([]) is Verdict.OK


def test_white_noise_is_measured_and_smooth_motion_is_none():
    random = np.random.default_rng(0)
    time = np.linspace(0, 1, 16)[None, :, None]
    smooth = np.sin(time * np.ones((300, 1, 7)))
    assert demonstration_noise(smooth) < 1e-3
    noisy = smooth + random.normal(scale=0.05, size=smooth.shape)
    assert demonstration_noise(noisy) == pytest.approx(0.05, rel=0.05)


@pytest.mark.parametrize(
    ("right", "wrong", "share"),
    [(0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (0.0, 0.5, 0.75), (0.2, 0.2, 1.0), (1.5, 1.5, 1.0)],
)
def test_the_share_that_the_state_explains(right, wrong, share):
    assert explained_share(right, wrong, 1.0) == pytest.approx(share)


def test_the_first_change_of_a_gripper():
    assert first_toggle(np.array([1.0, 1, 0, 0, 1])) == (2, True)
    assert first_toggle(np.array([0.0, 0.6])) == (1, False)
    assert first_toggle(np.ones(4)) is None
