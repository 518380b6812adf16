"""Simulated time against a wall clock that the test moves."""

import pytest

from dust_sim.clock import STEP_NS, SimulationClock

SECOND = 1_000_000_000
START = 1_800_000_000 * SECOND


class Wall:
    def __init__(self):
        self.now_ns = START

    def __call__(self):
        return self.now_ns

    def pass_(self, seconds):
        self.now_ns += round(seconds * SECOND)


def run_due(clock):
    steps = max(clock.due(), 0)
    clock.settle()
    clock.advance(steps)
    return steps


def test_steps_follow_the_wall_clock_and_stamps_agree_with_it():
    wall = Wall()
    clock = SimulationClock(wall)
    wall.pass_(0.0105)
    assert run_due(clock) == 10
    assert clock.now_ns == START + 10 * STEP_NS
    assert clock.due() == 0
    assert clock.wait_sec(5) == pytest.approx(0.0045)


def test_a_stall_is_made_up_for():
    wall = Wall()
    clock = SimulationClock(wall, max_lag_ns=SECOND)
    wall.pass_(0.8)
    assert run_due(clock) == 800
    assert clock.skipped_ns == 0


def test_a_long_stall_is_skipped_in_the_stamps():
    wall = Wall()
    clock = SimulationClock(wall, max_lag_ns=SECOND)
    wall.pass_(3.0)
    assert clock.due() == 0
    assert clock.now_ns == wall.now_ns
    assert clock.skipped_ns == 3 * SECOND
    wall.pass_(0.01)
    assert run_due(clock) == 10
    assert clock.real_time_factor == pytest.approx(0.01 / 3.01)


def test_with_its_own_clock_simulated_time_stays_behind_instead():
    wall = Wall()
    clock = SimulationClock(wall, follows_wall=False, max_lag_ns=SECOND)
    wall.pass_(3.0)
    assert clock.due() == 0
    assert clock.now_ns == START
    wall.pass_(0.01)
    assert run_due(clock) == 10


def test_a_factor_scales_simulated_time():
    wall = Wall()
    clock = SimulationClock(wall, factor=4.0, follows_wall=False)
    for _ in range(100):
        wall.pass_(0.02)
        run_due(clock)
    assert clock.now_ns == START + 8 * SECOND
    assert clock.real_time_factor == pytest.approx(4.0)
    assert clock.wait_sec(4) == pytest.approx(0.001)


def test_a_factor_needs_its_own_clock():
    with pytest.raises(ValueError, match="/clock"):
        SimulationClock(Wall(), factor=2.0)


@pytest.mark.parametrize("seconds", [0.1, 3600.0])
def test_stamps_follow_a_wall_clock_that_is_set_back_and_no_step_is_lost(seconds):
    wall = Wall()
    clock = SimulationClock(wall)
    wall.pass_(0.01)
    run_due(clock)
    wall.pass_(-seconds)
    assert clock.due() == 0
    wall.pass_(0.01)
    assert clock.due() == 10
    # What goes by the stamps has to be moved with them, so they wait for it.
    assert clock.now_ns == START + 10 * STEP_NS
    assert clock.settle() == round(seconds * SECOND)
    assert clock.settle() == 0
    assert run_due(clock) == 10
    assert clock.now_ns == wall.now_ns
    assert clock.skipped_ns == 0


def test_the_factor_is_measured_anew_after_the_wall_clock_was_set_back():
    wall = Wall()
    clock = SimulationClock(wall)
    for seconds in [0.01] * 30 + [-3600.0] + [0.01] * 300:
        wall.pass_(seconds)
        run_due(clock)
    assert clock.real_time_factor == pytest.approx(1.0)
    assert len(clock._ticks) < 110


def test_a_wall_clock_set_back_during_a_pause_counts_too():
    wall = Wall()
    clock = SimulationClock(wall)
    wall.pass_(-3600.0)
    clock.restart()
    assert clock.settle() == 3600 * SECOND
    assert clock.now_ns == wall.now_ns
    wall.pass_(0.01)
    assert run_due(clock) == 10


def test_a_clock_of_its_own_goes_on_with_its_stamps():
    wall = Wall()
    clock = SimulationClock(wall, follows_wall=False)
    wall.pass_(-3600.0)
    assert clock.due() == 0
    wall.pass_(0.01)
    assert run_due(clock) == 10
    assert clock.now_ns == START + 10 * STEP_NS


def test_restart_does_not_make_up_for_the_pause():
    wall = Wall()
    clock = SimulationClock(wall)
    wall.pass_(0.5)
    clock.restart()
    assert clock.due() == 0
    assert clock.now_ns == wall.now_ns


def test_others_are_ahead_while_it_catches_up():
    wall = Wall()
    clock = SimulationClock(wall)
    wall.pass_(0.3)
    assert clock.outside_ns == clock.now_ns + 300 * STEP_NS
    own = SimulationClock(wall, follows_wall=False)
    wall.pass_(0.3)
    assert own.outside_ns == own.now_ns


def test_the_factor_is_as_wanted_until_it_can_be_told():
    clock = SimulationClock(Wall(), factor=2.0, follows_wall=False)
    clock.advance(10)
    assert clock.real_time_factor == 2.0
