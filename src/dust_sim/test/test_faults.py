"""Faults: what may be asked for, how long it lasts."""

import pytest

from dust_sim.faults import CAMERAS, Fault, FaultBoard, FaultRequest, JointStateFaults

SECOND = 1_000_000_000


def test_a_fault_lasts_for_its_duration():
    board = FaultBoard()
    board.inject(FaultRequest("joint_states_stop", duration=2.0), 0)
    assert board.active(Fault.JOINT_STATES_STOP, SECOND)
    assert not board.active(Fault.JOINT_STATES_STOP, 2 * SECOND)
    assert not board.active(Fault.REFLEX, SECOND)


def test_without_duration_it_lasts_until_cleared():
    board = FaultBoard()
    board.inject(FaultRequest("gripper_stuck"), 0)
    assert board.active(Fault.GRIPPER_STUCK, 10**18)
    board.inject(FaultRequest("clear"), 10**18)
    assert not board.active(Fault.GRIPPER_STUCK, 10**18)


def test_camera_faults_strike_the_named_camera_or_all():
    board = FaultBoard()
    board.inject(FaultRequest("camera_stop", target="wrist"), 0)
    assert board.active(Fault.CAMERA_STOP, 1, target="wrist")
    assert not board.active(Fault.CAMERA_STOP, 1, target="side")
    board.inject(FaultRequest("camera_delay", value=0.3), 0)
    assert board.delay("wrist", 1) == board.delay("side", 1) == 0.3
    board.mend(Fault.CAMERA_DELAY)
    assert board.delay("side", 1) == 0.0


def test_a_frozen_camera_is_one_or_all_and_a_swap_is_of_both():
    board = FaultBoard()
    board.inject(FaultRequest("camera_freeze", target="side"), 0)
    assert [board.active(Fault.CAMERA_FREEZE, 1, target=name) for name in CAMERAS] == [False, True]
    board.inject(FaultRequest("camera_swap"), 0)
    assert board.active(Fault.CAMERA_SWAP, 1)


def test_joint_states_can_be_broken_in_several_ways_at_once():
    board = FaultBoard()
    assert board.joint_states(0) == JointStateFaults()
    board.inject(FaultRequest("joint_states_stale", value=2.5, duration=1.0), 0)
    board.inject(FaultRequest("joint_states_reorder"), 0)
    board.inject(FaultRequest("joint_states_missing", target="fr3_finger_joint1"), 0)
    board.inject(FaultRequest("joint_states_missing"), 0)
    missing = frozenset(("fr3_finger_joint1", "fr3_joint7"))
    expected = {"is_shuffled": True, "missing": missing}
    assert board.joint_states(1) == JointStateFaults(age_ns=2_500_000_000, **expected)
    assert board.joint_states(SECOND) == JointStateFaults(**expected)
    board.inject(FaultRequest("joint_states_stop"), SECOND)
    assert board.joint_states(SECOND).is_silent


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (FaultRequest("earthquake"), "allowed: camera_stop"),
        (FaultRequest("camera_stop", target="top"), "no target 'top'"),
        (FaultRequest("reflex", target="wrist"), "no target 'wrist'"),
        (FaultRequest("camera_delay", value=11.0), "0 to 10 s"),
        (FaultRequest("camera_delay", value=float("nan")), "0 to 10 s"),
        (FaultRequest("reflex", duration=-1.0), "duration"),
        (FaultRequest("camera_swap", target="side"), "no target 'side'; allowed: ''"),
        (FaultRequest("joint_states_missing", target="panda_joint1"), "'fr3_joint1'"),
        (FaultRequest("joint_states_stale", value=-1.0), "0 to 3600 s"),
    ],
)
def test_bad_requests_change_nothing(request_, text):
    board = FaultBoard()
    with pytest.raises(ValueError, match=text):
        board.inject(request_, 0)
    targets = ("", *CAMERAS)
    assert not any(board.active(fault, 1, target=name) for fault in Fault for name in targets)
    assert board.joint_states(1) == JointStateFaults()


def test_a_fault_lasts_no_longer_on_a_clock_that_was_set_back():
    board = FaultBoard()
    board.inject(FaultRequest("joint_states_stop", duration=2.0), 9 * SECOND)
    board.inject(FaultRequest("reflex"), 9 * SECOND)
    board.set_back(9 * SECOND)
    assert board.active(Fault.JOINT_STATES_STOP, SECOND)
    assert not board.active(Fault.JOINT_STATES_STOP, 2 * SECOND)
    assert board.active(Fault.REFLEX, 2 * SECOND)
