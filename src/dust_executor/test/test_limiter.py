import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dust_executor.limiter import Track, follow
from dust_executor.limits import Shares, envelope, named
from dust_executor.verify import violation

NS = 1_000_000_000
LIMITS = named("fr3_rectangular")
PLANNING = envelope(LIMITS, Shares(), stop_time=0.45)
PROOF = envelope(LIMITS, Shares(velocity=1, acceleration=0.98, jerk=0.9))
HOME = np.array([0, -np.pi / 4, 0, -3 * np.pi / 4, 0, np.pi / 2, np.pi / 4])


def rest(position):
    return np.stack([position, np.zeros(7), np.zeros(7)])


def constant(position):
    return lambda at: np.repeat(rest(position)[None], len(at), axis=0)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(0, 1), min_size=7, max_size=7))
def test_jumps_become_motions_inside_the_limits(shares):
    low, high = LIMITS.lower + 0.01, LIMITS.upper - 0.01
    target = low + (high - low) * np.array(shares)
    track = Track(constant(target), (rest(HOME), 0), 4 * NS)
    times, states = follow(track, PLANNING, step=0.02)
    assert violation(times, states, PROOF) == ""
    # Slow only next to a position limit.
    np.testing.assert_allclose(states[-1, 0], target, atol=0.01)


def test_a_feasible_path_is_followed_closely():
    def sine(at):
        t = at[:, None] * 1e-9
        move = 0.2 * (1 - np.cos(2 * t)), 0.4 * np.sin(2 * t), 0.8 * np.cos(2 * t)
        rows = np.stack([row * np.ones(7) for row in move], axis=1)
        rows[:, 0] += HOME
        return rows

    track = Track(sine, (rest(HOME), 0), 2 * NS)
    times, states = follow(track, PLANNING, step=0.02)
    assert violation(times, states, PROOF) == ""
    assert np.abs(states[:, 0] - sine(times)[:, 0])[:-3].max() < 0.02


def test_gentleness_halves_the_acceleration():
    track = Track(constant(HOME + 0.5), (rest(HOME), 0), NS)
    _, states = follow(track, PLANNING, step=0.02, gentleness=0.5)
    assert np.abs(states[:, 2]).max() <= 0.5 * PLANNING.acceleration.max()
