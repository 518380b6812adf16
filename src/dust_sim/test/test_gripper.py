"""Timing, success and faults of the gripper against an ideal hand."""

import numpy as np
import pytest

from dust_sim.gripper import MAX_WIDTH, Command, Gripper, GripperGoal

MS = 1_000_000


class Hand:
    """Fingers that follow the reference exactly, down to an object's width."""

    def __init__(self, object_width=0.0):
        self.gripper = Gripper()
        self.now_ns = 5_000_000_000
        self.object_width = object_width
        self.width = MAX_WIDTH
        self.references = []

    def run(self, *, until_result=True, limit_ms=8000):
        """Advance in blocks of 5 ms; return the result and the milliseconds it took."""
        begin = self.now_ns
        while self.now_ns - begin < limit_ms * MS:
            times = self.now_ns + np.arange(1, 6) * MS
            reference = self.gripper.reference(times)
            self.references.extend(reference)
            self.width = max(float(reference[-1]), self.object_width)
            self.now_ns = int(times[-1])
            self.gripper.update(self.now_ns, self.width)
            result = self.gripper.take_result()
            if result and until_result:
                return result, (self.now_ns - begin) // MS
        return None, limit_ms

    def do(self, command, **fields):
        self.gripper.begin(GripperGoal(command, **fields), self.now_ns)
        return self.run()


def test_a_full_stroke_takes_about_one_second():
    hand = Hand()
    result, took = hand.do(Command.MOVE, width=0.0)
    assert result.success
    assert 900 <= took <= 1300
    assert result.width == pytest.approx(0.0, abs=1e-3)


def test_speed_is_limited_and_the_reference_continuous():
    hand = Hand()
    hand.do(Command.MOVE, width=0.0, speed=0.2)
    hand.do(Command.MOVE, width=0.06, speed=0.2)
    assert np.abs(np.diff(hand.references)).max() <= 0.1e-3 + 1e-12


def test_a_stroke_goes_on_although_the_clock_was_set_back():
    hand = Hand()
    hand.gripper.begin(GripperGoal(Command.MOVE, width=0.0), hand.now_ns)
    hand.run(limit_ms=500)
    hand.gripper.set_back(4_000_000_000)
    hand.now_ns -= 4_000_000_000
    result, took = hand.run()
    assert result.success
    assert 400 <= took <= 800
    assert np.abs(np.diff(hand.references)).max() <= 0.1e-3 + 1e-12


def test_a_slower_speed_takes_longer():
    hand = Hand()
    _, took = hand.do(Command.MOVE, width=0.04, speed=0.02)
    assert 2100 <= took <= 2500


def test_a_second_goal_is_refused_while_one_runs():
    hand = Hand()
    hand.gripper.begin(GripperGoal(Command.MOVE, width=0.0), hand.now_ns)
    with pytest.raises(ValueError, match="busy with move"):
        hand.gripper.begin(GripperGoal(Command.GRASP, width=0.0), hand.now_ns)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"width": 0.09}, "width"),
        ({"width": float("nan")}, "width"),
        ({"speed": 0.0}, "speed"),
        ({"force": 71.0}, "force"),
        ({"epsilon_inner": -0.1}, "epsilon_inner"),
        ({"epsilon_outer": 0.1}, "epsilon_outer"),
    ],
)
def test_fields_out_of_range_are_refused(fields, name):
    with pytest.raises(ValueError, match=name):
        Gripper().begin(GripperGoal(Command.MOVE, **fields), 0)


def test_a_grasp_ends_on_the_object_and_keeps_pressing():
    hand = Hand(object_width=0.04)
    result, took = hand.do(Command.GRASP, width=0.0, epsilon_outer=0.08)
    assert result.success
    assert took < 1000
    hand.run(until_result=False, limit_ms=1000)
    assert hand.references[-1] == 0.0


def test_a_repeated_grasp_does_not_let_go():
    hand = Hand(object_width=0.04)
    hand.do(Command.GRASP, width=0.0, epsilon_outer=0.08)
    hand.run(until_result=False, limit_ms=1000)
    hand.references.clear()
    result, _ = hand.do(Command.GRASP, width=0.0, epsilon_outer=0.08)
    assert result.success
    assert max(hand.references) == 0.0


def test_a_grasp_outside_its_width_fails():
    hand = Hand(object_width=0.04)
    result, _ = hand.do(Command.GRASP, width=0.02, epsilon_inner=0.005, epsilon_outer=0.005)
    assert not result.success
    assert "0.0400 m" in result.error


def test_homing_closes_and_opens():
    hand = Hand()
    result, took = hand.do(Command.HOMING)
    assert result.success
    assert min(hand.references) == pytest.approx(0.0, abs=1e-4)
    assert hand.width == pytest.approx(MAX_WIDTH)
    assert 1800 <= took <= 2600


def test_stop_ends_the_goal_where_the_fingers_are():
    hand = Hand()
    hand.gripper.begin(GripperGoal(Command.MOVE, width=0.0), hand.now_ns)
    hand.run(limit_ms=500)
    hand.gripper.stop()
    result = hand.gripper.take_result()
    assert not result.success
    assert result.error == "stopped"
    assert hand.gripper.reference(np.array([hand.now_ns + MS]))[0] == pytest.approx(hand.width)


def test_stop_without_a_goal_does_not_let_go():
    hand = Hand(object_width=0.04)
    hand.do(Command.GRASP, width=0.0, epsilon_outer=0.08)
    hand.run(until_result=False, limit_ms=1000)
    hand.gripper.stop()
    assert hand.gripper.reference(np.array([hand.now_ns + MS]))[0] == 0.0
    assert hand.gripper.take_result() is None


def test_stuck_fingers_do_not_move_and_the_goal_times_out():
    hand = Hand()
    hand.gripper.stuck = True
    result, took = hand.do(Command.MOVE, width=0.0)
    assert not result.success
    assert "stuck" in result.error
    assert took < 4000
    assert hand.width == MAX_WIDTH
    hand.gripper.stuck = False
    hand.run(until_result=False, limit_ms=100)
    assert hand.width == MAX_WIDTH
    assert hand.do(Command.MOVE, width=0.0)[0].success


def test_reset_drops_the_goal():
    hand = Hand()
    hand.gripper.begin(GripperGoal(Command.MOVE, width=0.0), hand.now_ns)
    hand.gripper.reset(0.03)
    assert not hand.gripper.busy
    assert hand.gripper.take_result().error == "dropped by a reset"
    assert hand.gripper.reference(np.array([hand.now_ns]))[0] == 0.03
