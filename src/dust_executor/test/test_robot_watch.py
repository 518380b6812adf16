import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_executor.quintic import NS
from dust_executor.robot_watch import RobotWatch, RobotWatchSettings

MOVE, IDLE = 2, 1
MS = NS // 1000


def heard(rates, *, mode=MOVE, step=33 * MS, steady=False):
    watch = RobotWatch()
    for index, rate in enumerate(rates):
        watch.hear(mode, rate, index * step, steady=steady)
    return watch, (len(rates) - 1) * step


def test_a_good_robot_gives_no_cause():
    watch, now = heard([1.0] * 60)
    assert watch.fault(now) == watch.warning() == ""
    assert watch.success_rate == 1.0


def test_a_rate_that_stays_low_is_a_fault_and_a_dip_is_not():
    watch, now = heard([1.0] * 5 + [0.8] * 10 + [1.0] * 5 + [0.8] * 10)
    assert watch.fault(now) == ""
    assert watch.warning() == "80% of the control commands reach the arm"
    watch, now = heard([1.0] * 5 + [0.83] * 20)
    assert watch.fault(now) == ("only 83% of the control commands reach the arm, at least 90% must")


def test_a_rate_in_between_is_a_warning_for_ever():
    watch, now = heard([0.93] * 100)
    assert watch.fault(now) == ""
    assert "93%" in watch.warning()


@pytest.mark.parametrize(("mode", "rate"), [(MOVE, 0.0), (IDLE, 0.5)])
def test_without_a_control_loop_the_rate_means_nothing(mode, rate):
    watch, now = heard([rate] * 100, mode=mode)
    assert watch.fault(now) == watch.warning() == ""
    assert math.isnan(watch.success_rate)


def test_one_state_alone_is_no_fault_however_old():
    watch, _ = heard([0.5])
    assert watch.fault(100 * NS) == ""


def test_silence_counts_for_who_speaks_all_the_time():
    watch, now = heard([1.0] * 3, steady=True)
    assert watch.fault(now + NS // 2) == ""
    assert watch.fault(now + 2 * NS) == "the robot has said nothing of its state for 2.0 s"
    watch, now = heard([1.0] * 3)
    assert watch.fault(now + 100 * NS) == ""


def test_a_clock_that_jumps_back_begins_anew():
    watch, _ = heard([0.8] * 10)
    watch.hear(MOVE, 0.8, -NS)
    assert watch.fault(-NS) == ""


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_a_fault_needs_half_a_second_below_the_limit(rates):
    watch, now = heard(rates)
    low = 0
    for rate in reversed(rates):
        if not 0.0 < rate < RobotWatchSettings().min_success_rate:
            break
        low += 1
    assert bool(watch.fault(now)) == ((low - 1) * 33 * MS >= NS // 2)
