"""Tests of dust_node.meters."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_node.meters import LatencyMeter, RateMeter


@given(st.floats(0.5, 200), st.integers(3, 200))
def test_a_steady_stream_has_its_rate(hertz, count):
    meter = RateMeter(window_sec=1e6)
    times = [index / hertz for index in range(count)]
    for time in times:
        meter.tick(time)
    assert meter.rate(times[-1]) == pytest.approx(hertz, rel=1e-6)
    assert meter.age(times[-1] + 0.25) == pytest.approx(0.25)
    assert meter.count == count


def test_a_stream_that_stopped_has_no_rate():
    meter = RateMeter(window_sec=1.0)
    for index in range(10):
        meter.tick(index * 0.1)
    assert meter.rate(100.0) == 0.0
    assert math.isinf(meter.age(100.0))


def test_a_clock_that_jumps_back_is_survived():
    meter = RateMeter(window_sec=1.0)
    for time in (3600.0, 3600.1, 0.0, 0.1, 0.2):
        meter.tick(time)
    assert meter.rate(0.2) == pytest.approx(10.0)


def test_percentiles():
    meter = LatencyMeter(size=100)
    assert all(math.isnan(value) for value in meter.percentiles())
    for value in range(1000):
        meter.observe(float(value))
    assert meter.percentiles((0, 50, 100)) == (900.0, np.median(range(900, 1000)), 999.0)
