import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dust_executor.limits import Shares, envelope, named
from dust_executor.tail import ruckig_tail, tails
from dust_executor.verify import violation

LIMITS = named("fr3_rectangular")
PLANNING = envelope(LIMITS, Shares(), stop_time=0.45)
PROOF = envelope(LIMITS, Shares(velocity=1, acceleration=0.98, jerk=0.9))
HOME = np.array([0, -np.pi / 4, 0, -3 * np.pi / 4, 0, np.pi / 2, np.pi / 4])
shares = st.lists(st.floats(-1, 1), min_size=7, max_size=7)


def state_of(velocity, acceleration):
    rows = np.array(velocity) * PLANNING.velocity, np.array(acceleration) * PLANNING.acceleration
    return np.stack([HOME, *rows])


@given(shares, shares)
def test_there_is_always_a_way_to_rest(velocity, acceleration):
    state = state_of(velocity, acceleration)
    found = list(tails(state, 0, PLANNING, soft=0.3, longest=0.45, step=0.02))
    assert found
    for times, states in found:
        np.testing.assert_array_equal(states[0], state)
        assert not states[-1, 1:].any()
        assert np.all(np.diff(times) > 0)
        assert times[-1] <= 0.45e9
    # At least one keeps every limit, the top speed aside that the arm has already.
    excess = [violation(*tail, PROOF) for tail in found]
    assert any(not text or text.startswith("velocity") for text in excess)


def test_slow_arms_stop_softly():
    state = state_of([0.2] * 7, [0] * 7)
    times, states = next(tails(state, 0, PLANNING, soft=0.3, longest=0.45, step=0.02))
    assert times[-1] == 0.3e9
    assert violation(times, states, PLANNING) == ""
    assert np.all(np.abs(states[:, 1]) <= np.abs(state[1]) + 1e-12)


def test_rest_stays_rest():
    (times, states), *others = tails(
        state_of([0] * 7, [0] * 7), 5, PLANNING, soft=0.3, longest=0.45, step=0.02
    )
    assert not others
    assert times[0] == 5
    np.testing.assert_array_equal(states[0], states[-1])


def test_ruckig_stops_sooner_than_the_soft_tail():
    state = state_of([0.3] * 7, [0] * 7)
    times, states = ruckig_tail(state, 0, PLANNING, step=0.02)
    assert times[-1] < 0.3e9
    assert violation(times, states, PROOF) == ""


def test_each_joint_by_itself_takes_the_least_room():
    state = state_of([1, 0.1, 0, 0, 0, 0, 0], [0] * 7)
    _, together = ruckig_tail(state, 0, PLANNING, step=0.02)
    times, alone = ruckig_tail(state, 0, PLANNING, step=0.02, together=False)
    assert alone[-1, 0, 1] - HOME[1] < 0.5 * (together[-1, 0, 1] - HOME[1])
    assert violation(times, alone, PROOF) == ""
