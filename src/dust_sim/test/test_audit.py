"""The audit of commanded samples against motions whose derivatives are known."""

import numpy as np
import pytest

from dust_sim.audit import (
    POSITION_HIGH,
    POSITION_LOW,
    VELOCITY,
    CommandAudit,
    velocity_bounds,
)

HOME = np.array([0, -np.pi / 4, 0, -3 * np.pi / 4, 0, np.pi / 2, np.pi / 4])


def smooth(samples, amplitude):
    """Minimum-jerk motion of joint 1 over the samples."""
    u = np.linspace(0, 1, samples)
    motion = np.tile(HOME, (samples, 1))
    motion[:, 0] += amplitude * (10 * u**3 - 15 * u**4 + 6 * u**5)
    return motion


def feed(audit, motion, block):
    for begin in range(0, len(motion), block):
        audit.add(motion[begin : begin + block])


@pytest.mark.parametrize("block", [1, 2, 3, 5, 1000])
def test_peaks_are_those_of_the_motion_whatever_the_blocks(block):
    audit = CommandAudit()
    feed(audit, smooth(1001, 1.0), block)
    assert audit.counts.samples == 1001
    assert sum(audit.counts.outside.values()) == 0
    assert audit.counts.peak["velocity"] == pytest.approx(1.875 / 2.62, rel=1e-3)
    assert audit.counts.peak["acceleration"] == pytest.approx(5.7735 / 10, rel=1e-3)
    assert audit.counts.peak["jerk"] == pytest.approx(60 / 5000, rel=1e-2)


@pytest.mark.parametrize("block", [1, 4, 100])
def test_a_step_is_seen_by_every_derivative_once(block):
    motion = np.tile(HOME, (100, 1))
    motion[50:, 2] += 0.1
    audit = CommandAudit()
    feed(audit, motion, block)
    assert audit.counts.outside == {
        "position": 0,
        "velocity": 1,
        "acceleration": 2,
        "jerk": 3,
    }
    assert audit.counts.peak["velocity"] == pytest.approx(100 / 2.62)


def test_positions_outside_are_counted():
    motion = np.tile(HOME, (10, 1))
    motion[:, 3] = -0.1
    audit = CommandAudit()
    audit.add(motion)
    assert audit.counts.outside["position"] == 10


def test_an_interruption_is_not_a_motion():
    audit = CommandAudit()
    audit.add(np.tile(HOME, (10, 1)))
    audit.interrupt()
    audit.add(np.tile(HOME + 0.2, (10, 1)))
    assert sum(audit.counts.outside.values()) == 0
    audit.reset()
    assert audit.counts.samples == 0


def test_velocity_bounds_shrink_towards_the_end_of_the_range():
    low, high = velocity_bounds(HOME)
    assert (high <= VELOCITY).all()
    assert (low >= -VELOCITY).all()
    assert high[0] == 2.62
    low, high = velocity_bounds(POSITION_HIGH)
    np.testing.assert_array_equal(high, 0.0)
    np.testing.assert_array_equal(velocity_bounds(POSITION_LOW)[0], 0.0)
    # Value by hand: joint 2 at 1.0 rad: sqrt(2 * 2.585 * 0.7837) - 0.2517.
    at = HOME.copy()
    at[1] = 1.0
    assert velocity_bounds(at)[1][1] == pytest.approx(1.76118, abs=1e-4)


def test_fast_is_outside_where_the_bound_is_tighter():
    audit = CommandAudit()
    motion = np.tile(HOME, (20, 1))
    motion[:, 1] = 1.0 + 1.9e-3 * np.arange(20)
    audit.add(motion)
    assert audit.counts.outside["velocity"] == 19
