import pytest

from dust_doctor.checks.robot import (
    judge_controller,
    judge_joint_states,
    judge_mode,
    judge_success_rate,
)
from dust_doctor.evidence import Controller, RobotReport
from dust_doctor.finding import Verdict
from dust_doctor.wishes import Robot, Wishes

BENCH = Wishes(robot=Robot.FR3)


def test_a_good_graph_passes(graph):
    assert judge_joint_states(graph()).verdict is Verdict.OK
    for judge in (judge_mode, judge_success_rate, judge_controller):
        assert judge(graph(), BENCH).verdict is Verdict.OK


def test_joint_states_must_be_whole_and_often(graph, stream):
    slow = judge_joint_states(graph(joint_states=stream("joint_states", rate=10.0)))
    assert slow.verdict is Verdict.WARN
    lacking = judge_joint_states(graph(joint_names=("fr3_joint1",)))
    assert lacking.verdict is Verdict.FAIL
    assert "fr3_joint7" in lacking.says
    assert judge_joint_states(graph(joint_states=None)).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("silence", "verdict"),
    [(0.1, Verdict.OK), (0.3, Verdict.WARN), (2.0, Verdict.FAIL)],
)
def test_joint_states_must_go_on_to_the_end(graph, stream, silence, verdict):
    states = stream("joint_states", rate=30.0, silence=silence)
    found = judge_joint_states(graph(joint_states=states))
    assert found.verdict is verdict
    assert verdict is Verdict.OK or f"silent for the last {silence:.1f} s" in found.says


@pytest.mark.parametrize(
    ("modes", "errors", "verdict", "words"),
    [
        ((2,), (), Verdict.OK, "MOVE"),
        ((2, 4), ("cartesian_reflex",), Verdict.FAIL, "REFLEX (cartesian_reflex)"),
        ((5,), (), Verdict.FAIL, "USER_STOPPED"),
        ((1,), (), Verdict.WARN, "IDLE"),
        ((3,), (), Verdict.FAIL, "GUIDING"),
        ((9,), (), Verdict.FAIL, "mode 9"),
        ((), (), Verdict.FAIL, "says nothing"),
    ],
)
def test_modes_are_judged(graph, modes, errors, verdict, words):
    found = judge_mode(graph(robot=RobotReport("robot_state", modes, errors)), BENCH)
    assert found.verdict is verdict
    assert words in found.says
    assert bool(found.remedy) == (verdict is not Verdict.OK)


def test_a_simulated_arm_may_be_silent(graph):
    assert judge_mode(graph(robot=None), Wishes()).verdict is Verdict.WARN
    assert judge_mode(graph(robot=None), BENCH).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("rates", "verdict"),
    [
        ((1.0,) * 100, Verdict.OK),
        ((0.0,) * 100, Verdict.SKIP),
        ((0.0,) * 50 + (1.0,) * 50, Verdict.OK),
        ((0.93,) * 100, Verdict.WARN),
        ((1.0,) * 99 + (0.5,), Verdict.WARN),
        ((0.8,) * 100, Verdict.FAIL),
    ],
)
def test_success_rates_are_judged(graph, rates, verdict):
    robot = RobotReport("robot_state", (2,), (), rates)
    assert judge_success_rate(graph(robot=robot), BENCH).verdict is verdict


@pytest.mark.parametrize(
    ("controllers", "verdict", "words"),
    [
        (None, Verdict.SKIP, "controller_manager_msgs"),
        ((), Verdict.FAIL, "none is loaded"),
        ((Controller("fr3_arm_controller", "inactive"),), Verdict.FAIL, "is inactive"),
        (
            (Controller("fr3_arm_controller", "active", ("fr3_joint1/position",)),),
            Verdict.FAIL,
            "active on position",
        ),
        (
            (Controller("joint_impedance_controller", "active", ("fr3_joint1/effort",)),),
            Verdict.OK,
            "active on effort",
        ),
    ],
)
def test_controllers_are_judged(graph, controllers, verdict, words):
    found = judge_controller(graph(controllers=controllers), BENCH)
    assert found.verdict is verdict
    assert words in found.says
