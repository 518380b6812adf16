import numpy as np
import pytest

from dust_executor.limits import Shares, envelope, named
from dust_executor.verify import inside, violation

MS = 1_000_000
HOME = np.array([0, -np.pi / 4, 0, -3 * np.pi / 4, 0, np.pi / 2, np.pi / 4])
BOUNDS = envelope(named("fr3_rectangular"), Shares(velocity=1, acceleration=1, jerk=1))


def move(distance, duration):
    """Return a minimum-jerk move of joint 1 from home."""
    states = np.zeros((2, 3, 7))
    states[:, 0] = HOME
    states[1, 0, 0] += distance
    return np.array([0, round(duration * 1000)]) * MS, states


# A minimum-jerk move peaks at 1.875 d/T, 5.774 d/T^2 and 60 d/T^3.
@pytest.mark.parametrize(
    ("distance", "duration", "words"),
    [
        (2.36, 8.0, "position of joint 1 would be 2.348"),
        (1.1, 1.0, "velocity of joint 1 would be 2.0"),
        (0.1, 0.22, "acceleration of joint 1"),
        (1e-4, 0.01, "jerk of joint 1"),
        (float("nan"), 1.0, "position of joint 1 would be nan"),
    ],
)
def test_each_excess_is_found_and_named(distance, duration, words):
    times, states = move(distance, duration)
    assert words in violation(times, states, BOUNDS)
    assert not inside(times, states, BOUNDS)


@pytest.mark.parametrize(
    ("distance", "duration"), [(2.34, 8.0), (1.05, 1.0), (0.1, 0.25), (1e-5, 0.01)]
)
def test_what_is_just_inside_passes(distance, duration):
    times, states = move(distance, duration)
    assert violation(times, states, BOUNDS) == ""
    assert inside(times, states, BOUNDS)


def test_speed_limit_depends_on_position():
    bounds = envelope(named("fr3_position_dependent"), Shares(velocity=1, acceleration=1, jerk=1))
    times, states = move(1.0, 1.0)
    assert inside(times, states, bounds)
    # The same move closer to the limit of 2.7437 rad.
    states[:, 0, 0] += 1.7
    assert "velocity of joint 1" in violation(times, states, bounds)
