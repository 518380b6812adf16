"""Clocks that jump, and joint states that are of no use: what the executor then does not do."""

import numpy as np
import pytest

from dust_executor.quintic import NS
from dust_executor.watchdog import JointState

HOUR = 3600 * NS
STEP = 30_000_000  # between two ticks, ns


@pytest.fixture
def bench(make_bench):
    """An arm in the middle of a motion."""
    bench = make_bench()
    bench.start()
    assert bench.send(bench.now, swing(bench), sequence=1) == ""
    bench.run(bench.now + NS // 2)
    assert np.any(bench.controller.sample(np.array([bench.now]))[0, 1])
    return bench


def swing(bench):
    """Return actions that turn joint 1."""
    actions = np.tile(bench.controller.position, (16, 1))
    actions[:, 0] += np.linspace(0.0, 0.5, 16)
    return actions


def test_a_chunk_behind_a_jump_of_the_clock_is_not_published(bench):
    published = bench.published
    bench.now += HOUR
    assert "joint states are 3600" in bench.send(bench.now, swing(bench), sequence=2)
    assert bench.published == published


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_jump_of_the_clock_is_a_stop_without_a_word_to_the_controller(bench, jump):
    bench.executor.tick(0)
    published = bench.published
    bench.now += STEP + jump
    bench.executor.tick(STEP)
    assert bench.executor.modes.reason == f"the clock jumped by {jump / NS:.3f} s"
    assert bench.published == published


def test_joint_states_from_the_future_are_no_reason_to_move(bench):
    watchdog = bench.executor.watchdog
    state = watchdog.joint_state
    ahead = JointState(bench.now + HOUR, bench.now, state.position, state.velocity)
    watchdog.joints(ahead, None)
    assert watchdog.not_ready(bench.now) == (
        "joint states are stamped 3600.00 s in the future; are the clocks in step?"
    )


def test_what_is_wrong_with_joint_states_is_told(bench):
    watchdog = bench.executor.watchdog
    watchdog.defect = "joint fr3_joint4 is missing"
    assert watchdog.not_ready(bench.now + NS).endswith("allowed (joint fr3_joint4 is missing)")
