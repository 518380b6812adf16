"""Actions relative to the state: there and back, and what a network sees of them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dust_model.actions import LEAST_STEP, ActionNormaliser, measure_steps
from dust_model.statistics import ColumnStatistics, Normaliser, Scaling

HORIZON, JOINTS = 4, 2
RNG = np.random.default_rng(0)
# Two joints that wander, and a gripper.
EPISODES = [
    (np.hstack([way, np.ones((30, 1))]), np.hstack([way + 0.02, RNG.integers(0, 2, (30, 1))]))
    for way in np.cumsum(RNG.normal(0, 0.05, (5, 30, JOINTS)), axis=1)
]


def statistics(*, relative=True, scaling=Scaling.MIN_MAX):
    actions = np.concatenate([action for _, action in EPISODES])
    measured = ColumnStatistics.measure(actions, [scaling] * (JOINTS + 1))
    if not relative:
        return measured
    mean, std = measure_steps(EPISODES, horizon=HORIZON, joints=JOINTS)
    return replace(measured, step_mean=mean, step_std=std)


def chunks():
    for state, action in EPISODES:
        for moment in range(len(state) - HORIZON + 1):
            yield state[moment], action[moment : moment + HORIZON]


def test_there_and_back():
    normaliser = ActionNormaliser(statistics())
    for state, chunk in chunks():
        back = normaliser.denormalise(normaliser.normalise(chunk, state), state)
        np.testing.assert_allclose(back, chunk, atol=1e-6)


def test_absolute_actions_do_not_depend_on_the_state():
    plain = statistics(relative=False)
    state, chunk = next(chunks())
    scaled = ActionNormaliser(plain).normalise(chunk, state + 1)
    np.testing.assert_array_equal(scaled, Normaliser(plain).normalise(chunk))


def test_each_step_has_mean_0_and_deviation_1():
    normaliser = ActionNormaliser(statistics())
    seen = np.stack([normaliser.normalise(chunk, state) for state, chunk in chunks()])
    joints = seen[..., :JOINTS]
    # The statistics also count the moments too near to an episode's end for a whole chunk.
    np.testing.assert_allclose(joints.mean(0), 0, atol=0.1)
    np.testing.assert_allclose(joints[:, 1:].std(0), 1, atol=0.1)
    assert set(np.unique(seen[..., JOINTS])) == {-1.0, 1.0}


@given(arrays(np.float64, 3, elements=st.floats(-1, 1)))
def test_where_the_arm_is_does_not_matter_to_the_network(shift):
    normaliser = ActionNormaliser(statistics())
    state, chunk = next(chunks())
    shift[JOINTS] = 0
    np.testing.assert_allclose(
        normaliser.normalise(chunk + shift, state + shift),
        normaliser.normalise(chunk, state),
        atol=1e-4,
    )


def test_a_prefix_is_the_beginning_of_a_chunk():
    normaliser = ActionNormaliser(statistics())
    state, chunk = next(chunks())
    whole = normaliser.normalise(chunk, state)
    for count in range(HORIZON + 1):
        np.testing.assert_array_equal(normaliser.normalise(chunk[:count], state), whole[:count])


def test_nothing_leaves_the_range_of_the_data():
    measured = statistics()
    state, _ = next(chunks())
    wild = np.array([[1e3, -1e3, 0.3]] * HORIZON)
    raw = ActionNormaliser(measured).denormalise(wild, state)
    assert (raw >= np.array(measured.min) - 1e-9).all()
    assert (raw <= np.array(measured.max) + 1e-9).all()
    free = ActionNormaliser(statistics(scaling=Scaling.MEAN_STD)).denormalise(wild, state)
    assert free[0, 0] > 1


def test_a_joint_that_stands_still_is_not_magnified():
    still = [(np.zeros((9, 1)), np.full((9, 1), 1e-6))]
    _, std = measure_steps(still, horizon=3, joints=1)
    assert std == ((LEAST_STEP,),) * 3


def test_rows_between_two_actions_are_stepped_over():
    ramp = np.arange(20.0)[:, None]
    mean, _ = measure_steps([(ramp, ramp)], horizon=3, joints=1, stride=2)
    assert mean == ((0.0,), (2.0,), (4.0,))


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="no episode is as long as a chunk of 9 actions"):
        measure_steps([(np.zeros((5, 1)), np.zeros((5, 1)))], horizon=9, joints=1)
    state, chunk = next(chunks())
    with pytest.raises(ValueError, match="of chunks of 4 actions, not of 8"):
        ActionNormaliser(statistics()).normalise(np.concatenate([chunk, chunk]), state)
    with pytest.raises(ValueError, match="step_std must be above 0"):
        replace(statistics(), step_std=((0.0,) * JOINTS,) * HORIZON)
    with pytest.raises(ValueError, match="step_mean has rows of"):
        replace(statistics(), step_std=())
