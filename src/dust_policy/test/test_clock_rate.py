"""Durations by a clock that goes at its own pace."""

import pytest

from dust_policy.clock_rate import ClockRate

S = 1_000_000_000


def test_it_goes_like_the_wall_clock_until_it_is_known() -> None:
    rate = ClockRate()
    rate.read(5.0, 7 * S)
    rate.read(5.1, 7 * S)
    assert rate.of(0.02) == 0.02


@pytest.mark.parametrize("pace", [0.0, 0.2, 1.0, 3.0])
def test_ticks_do_not_matter(pace: float) -> None:
    rate = ClockRate()
    for step in range(200):
        wall = 0.05 * step
        tick = int(wall * pace * 100) * S // 100
        rate.read(wall, 9 * S + tick)
    assert rate.of(0.02) == pytest.approx(0.02 * pace, abs=3e-4)


def test_a_clock_that_was_set_back_is_measured_anew() -> None:
    rate = ClockRate()
    for wall in range(5):
        rate.read(float(wall), (100 + wall) * S)
    for wall in range(5, 9):
        rate.read(float(wall), (wall - 5) * S // 2)
    assert rate.of(1.0) == pytest.approx(0.5)
