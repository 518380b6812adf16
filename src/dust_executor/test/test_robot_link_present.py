"""The link where franka_msgs and control_msgs are installed: stand-ins with the same fields."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

from dust_executor import robot_link
from dust_executor.core import Executor
from dust_executor.gripper_clients import NoGripper
from dust_executor.modes import Mode
from dust_executor.parameters import PARAMETERS, settings_from
from dust_executor.robot_link import RobotLink
from dust_executor.watchdog import JointState

AWAY = np.array([0.3, -0.7, 0.0, -2.0, 0.0, 1.6, 0.5])
MOVE, REFLEX = 2, 4


class FakeAction:
    """A controller that takes goals."""

    is_ready = True

    def __init__(self):
        self.sent, self.done = [], None

    def send(self, trajectory, done):
        self.sent.append(trajectory)
        self.done = done

    def close(self):
        pass


class FakeErrors:
    """Two of the booleans of franka_msgs/Errors."""

    def __init__(self, *names):
        self.joint_reflex = "joint_reflex" in names
        self.power_limit_violation = "power_limit_violation" in names

    @classmethod
    def get_fields_and_field_types(cls):
        return {"joint_reflex": "boolean", "power_limit_violation": "boolean"}


class FakeStates:
    """A robot that says what the test wants."""

    def __init__(self, node, topic):
        self.topic, self.newest = topic, None

    def say(self, mode, *errors, rate=1.0, last=()):
        self.newest = SimpleNamespace(
            robot_mode=mode,
            current_errors=FakeErrors(*errors),
            last_motion_errors=FakeErrors(*last),
            control_command_success_rate=rate,
        )

    def take(self):
        newest, self.newest = self.newest, None
        return newest

    def close(self):
        pass


class Bench:
    """A link on a node whose clock the test moves."""

    def __init__(self, node, monkeypatch, **values):
        node.values = {row.name: row.default for row in PARAMETERS} | values
        node.active = True
        self.action, self.now, self.published = FakeAction(), 10**12, []
        monkeypatch.setattr(robot_link, "make_trajectory_action", lambda *_: self.action)
        monkeypatch.setattr(robot_link, "FrankaStates", FakeStates)
        monkeypatch.setattr(RobotLink, "_now", lambda _: self.now)
        self.core = Executor(
            settings_from(node.values),
            clock=lambda: self.now,
            publish=lambda times, states: self.published.append((times, states)),
        )
        self.link = RobotLink(node, self.core, NoGripper())
        self.states = self.link._states
        self.see(AWAY)

    def see(self, position):
        self.core.joints(JointState(self.now, self.now, position, np.zeros(7), 1.0))
        self.core.tick()

    def pass_time(self, seconds):
        self.now += round(seconds * 1e9)
        self.see(self.core.plan.at(self.now)[0])

    def home(self):
        answer = self.link._home(None, SimpleNamespace(success=None, message=None))
        return answer.success, answer.message


@pytest.fixture
def make(probe, monkeypatch):
    made = []

    def make(**values):
        made.append(Bench(probe.node, monkeypatch, **values))
        return made[-1]

    yield make
    for bench in made:
        bench.link.close()


def test_home_goes_by_the_action_and_not_by_the_topic(make):
    bench = make()
    success, message = bench.home()
    assert success, message
    assert message.startswith("on the way home by action")
    assert bench.published == []
    (trajectory,) = bench.action.sent
    assert trajectory.points[-1].positions[0] == 0.0
    assert "on its way home" in bench.link.busy()
    bench.pass_time(60.0)
    bench.action.done("")
    assert bench.link.busy() == ""
    assert bench.core.modes.mode is Mode.IDLE


def test_no_task_begins_while_the_hand_homes_and_a_refused_call_changes_nothing(make):
    bench = make()
    asked = []
    bench.link._gripper = SimpleNamespace(home=asked.append)
    assert bench.core.start_task("task", "test") == (True, "")
    bench.core.gripper.forget = lambda: asked.append("forgotten")
    running = "task 'task' is running; end it first"
    assert home_hand(bench) == (False, running)
    assert asked == []
    assert bench.core.end_task("task") == (True, "")
    homing = bench.link._gripper_home(None, SimpleNamespace(success=None, message=None))
    homing.send(None)
    assert bench.link.busy() == "the hand is homing"
    assert home_hand(bench) == (False, "the hand is homing")
    (done,) = asked
    done(True, "")
    with pytest.raises(StopIteration):
        homing.send(None)
    assert asked[1:] == ["forgotten"]
    assert bench.link.busy() == ""


def home_hand(bench) -> tuple[bool, str]:
    """Return an answer that has not to be waited for."""
    response = SimpleNamespace(success=None, message=None)
    with pytest.raises(StopIteration):
        bench.link._gripper_home(None, response).send(None)
    return response.success, response.message


def test_a_goal_that_the_controller_refuses_is_a_stop_for_cause(make):
    bench = make()
    assert bench.home()[0]
    bench.action.done("the controller refused the trajectory; is it active?")
    assert bench.core.modes.mode is Mode.STOPPED
    assert bench.core.modes.reason.startswith("on the way home: the controller refused")


@pytest.mark.parametrize(
    ("values", "ready", "answer"),
    [
        ({"home.interface": "action"}, False, "nobody serves fr3_arm_controller/follow"),
        ({"home.interface": "auto"}, False, "on the way home by topic"),
        ({"home.interface": "topic"}, True, "on the way home by topic"),
        ({"output": "joint_target"}, True, "on the way home by topic"),
    ],
)
def test_the_way_is_chosen_by_parameter_and_by_who_is_there(make, values, ready, answer):
    bench = make(**values)
    bench.action.is_ready = ready
    assert bench.home()[1].startswith(answer)
    assert bench.action.sent == []


def test_frankas_state_is_judged_and_shown(make):
    bench = make()
    bench.states.say(REFLEX, "joint_reflex", rate=0.0, last=("power_limit_violation",))
    bench.link.tick()
    assert bench.core.watchdog.robot_fault() == "robot mode is REFLEX (joint_reflex)"
    rows = dict(bench.link.rows())
    assert rows["robot mode"] == "REFLEX"
    assert rows["last motion errors"] == "power_limit_violation"
    assert "robot mode is REFLEX" in bench.home()[1]
    bench.states.say(MOVE)
    bench.link.tick()
    assert bench.core.watchdog.robot_fault() == ""
    assert dict(bench.link.rows())["command success rate"] == "1.000"


def test_lost_commands_warn_and_then_stop(make):
    bench = make()
    assert bench.core.start_task("task", "test") == (True, "")
    for index in range(30):
        bench.states.say(MOVE, rate=0.85)
        bench.link.tick()
        bench.pass_time(0.033)
        if index == 2:
            assert bench.link.warning() == "85% of the control commands reach the arm"
            assert bench.core.modes.in_task
    assert bench.core.modes.mode is Mode.STOPPED
    assert bench.core.modes.reason.startswith("only 85% of the control commands")


def test_a_robot_that_falls_silent_is_not_moved(make):
    bench = make()
    bench.states.say(MOVE)
    bench.link.tick()
    bench.pass_time(2.0)
    bench.link.tick()
    assert "has said nothing of its state for 2.0 s" in bench.home()[1]


def test_a_reflex_on_the_way_home_stops_for_cause(make):
    bench = make()
    assert bench.home()[0]
    bench.pass_time(0.5)
    bench.states.say(REFLEX, "joint_reflex")
    bench.link.tick()
    assert bench.core.modes.reason == "on the way home: robot mode is REFLEX (joint_reflex)"
