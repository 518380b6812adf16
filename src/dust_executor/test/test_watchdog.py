import numpy as np
import pytest

from dust_executor.watchdog import JointState, Watchdog, WatchdogSettings

NS = 1_000_000_000
NOW = 50 * NS
NAMES = tuple(f"fr3_joint{index}" for index in range(1, 8))


def state(stamp=NOW, *, position=0.0, velocity=0.0, received=None):
    rows = np.full(7, position), np.full(7, velocity)
    return JointState(stamp, stamp if received is None else received, *rows)


@pytest.fixture
def watchdog():
    watchdog = Watchdog(WatchdogSettings(), NAMES)
    watchdog.joints(state(), None)
    watchdog.chunk(NOW)
    return watchdog


def test_all_is_well(watchdog):
    assert watchdog.fault(NOW) == ""
    assert watchdog.moving() == ""


def test_no_joint_state_yet():
    assert "is joint_states published?" in Watchdog(WatchdogSettings(), NAMES).not_ready(NOW)


def test_stale_joint_states(watchdog):
    assert watchdog.fault(NOW + NS // 4) == ""
    assert watchdog.fault(NOW + NS) == "joint states are 1.00 s old; at most 0.5 s are allowed"


def test_fresh_messages_with_old_stamps_are_stale(watchdog):
    watchdog.joints(state(NOW - NS, received=NOW), None)
    assert "1.00 s old" in watchdog.not_ready(NOW)


def test_silence_of_the_policy(watchdog):
    watchdog.joints(state(NOW + 3 * NS), None)
    assert watchdog.fault(NOW + 3 * NS) == "no valid chunk for 2 s"


def test_robot_modes(watchdog):
    watchdog.robot(2)
    assert watchdog.fault(NOW) == ""
    watchdog.robot(1)
    says = "robot mode is IDLE; is the arm's controller active?"
    assert watchdog.not_ready(NOW) == watchdog.fault(NOW) == says
    watchdog.robot(4, ["joint_reflex", "cartesian_reflex"])
    assert watchdog.fault(NOW) == "robot mode is REFLEX (joint_reflex, cartesian_reflex)"
    watchdog.robot(99)
    assert watchdog.robot_fault() == "robot mode is 99"


def test_an_arm_that_does_not_follow(watchdog):
    planned = np.full(7, 0.5)
    watchdog.joints(state(NOW), planned)
    assert watchdog.fault(NOW) == ""
    watchdog.joints(state(NOW + NS // 4), planned)
    assert "more than 0.2 rad away" in watchdog.fault(NOW + NS // 4)
    watchdog.joints(state(NOW + NS // 4, position=0.4), planned)
    assert watchdog.fault(NOW + NS // 4) == ""


def test_moving_names_the_joint(watchdog):
    velocity = np.zeros(7)
    velocity[2] = -0.3
    watchdog.joints(JointState(NOW, NOW, np.zeros(7), velocity), None)
    assert watchdog.moving().startswith("fr3_joint3 moves at 0.300 rad/s")


def test_clock_jumps_are_measured_against_the_steady_clock(watchdog):
    assert watchdog.clock_jump(NOW, 0) == 0
    assert watchdog.clock_jump(NOW + NS, NS) == 0
    assert watchdog.clock_jump(NOW + 3602 * NS, 2 * NS) == 3600 * NS
    assert watchdog.clock_jump(NOW, 3 * NS) == -3603 * NS


def test_simulated_time_may_only_jump_back(watchdog):
    assert watchdog.clock_jump(NOW, None) == 0
    assert watchdog.clock_jump(NOW + 9 * NS, None) == 0
    assert watchdog.clock_jump(NOW, None) == -9 * NS
