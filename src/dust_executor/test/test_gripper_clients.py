import sys
from types import ModuleType, SimpleNamespace
from typing import ClassVar

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

from rclpy.task import Future
from std_srvs.srv import Trigger

from dust_executor import gripper_clients
from dust_executor.gripper import Grip
from dust_executor.gripper_clients import (
    CommandGripper,
    DustGripper,
    FrankaGripper,
    Hand,
    NoGripper,
    make_gripper,
    missing_packages,
)
from dust_node.errors import UserError

HAND = Hand(node="franka_gripper", width=0.08, speed=0.1, force=20.0)


@pytest.fixture
def node(probe):
    return probe.node


def test_dust_goals(node):
    client = make_gripper(node, "dust", HAND)
    assert isinstance(client, DustGripper)
    name, goal = client.goal(Grip.OPEN)
    assert (name, goal.command, goal.width, goal.speed) == ("gripper", goal.MOVE, 0.08, 0.1)
    _, goal = client.goal(Grip.CLOSE)
    assert (goal.command, goal.width, goal.epsilon_outer) == (goal.GRASP, 0.0, 0.08)
    assert goal.force == 20.0
    client.close()


def test_an_absent_hand_is_said_at_once(node):
    client = make_gripper(node, "dust", HAND)
    answers = []
    client.send(Grip.CLOSE, lambda *answer: answers.append(answer))
    assert answers == [(False, "no action server at franka_gripper/gripper")]
    client.close()


def test_no_gripper_is_always_content(node):
    answers = []
    client = make_gripper(node, "none", HAND)
    assert isinstance(client, NoGripper)
    client.send(Grip.OPEN, lambda *answer: answers.append(answer))
    client.close()
    assert answers == [(True, "")]


@pytest.mark.parametrize(
    ("kind", "fields", "text"),
    [
        (DustGripper, {"success": False, "error": "stuck"}, "stuck"),
        (FrankaGripper, {"success": True, "error": ""}, ""),
        (FrankaGripper, {"success": False, "error": ""}, "no success"),
        (CommandGripper, {"reached_goal": False, "stalled": True}, ""),
        (CommandGripper, {"reached_goal": False, "stalled": False}, "goal not reached"),
    ],
)
def test_results_are_told_in_words(kind, fields, text):
    assert kind.failure(SimpleNamespace(**fields)) == text


@pytest.mark.parametrize("kind", [FrankaGripper, CommandGripper])
def test_a_package_that_is_not_installed_is_named(node, kind):
    if kind.package not in missing_packages():
        pytest.skip(f"{kind.package} is installed")
    with pytest.raises(UserError, match=f"{kind.package} is not installed; install ros-"):
        make_gripper(node, kind.name, HAND)
    assert make_gripper(node, "auto", HAND).name != kind.name


@pytest.mark.parametrize("kind", [FrankaGripper, CommandGripper])
def test_installed_packages_give_their_goals(node, kind):
    pytest.importorskip(kind.package, reason=f"{kind.package} is not installed")
    client = make_gripper(node, kind.name, HAND)
    for grip in Grip:
        name, goal = client.goal(grip)
        assert name in ("move", "grasp", "gripper_action")
        assert goal is not None
    client.close()


class FakeAction:
    """An action client that remembers its goals and answers at once."""

    made: ClassVar[dict[str, "FakeAction"]] = {}

    def __init__(self, node, kind, name):
        self.goals, self.cancelled = [], 0
        self.ended = Future()
        FakeAction.made[name] = self

    def server_is_ready(self):
        return True

    def send_goal_async(self, goal):
        self.goals.append(goal)
        answered = Future()
        answered.set_result(
            SimpleNamespace(
                accepted=True,
                get_result_async=lambda: self.ended,
                cancel_goal_async=self.cancel,
            )
        )
        return answered

    def cancel(self):
        self.cancelled += 1

    def end(self, **fields):
        self.ended.set_result(SimpleNamespace(result=SimpleNamespace(**fields)))

    def destroy(self):
        pass


def fake_package(monkeypatch, name: str, **kinds: type) -> None:
    """Install a message package whose actions have plain classes as goals."""
    package, actions = ModuleType(name), ModuleType(f"{name}.action")
    for kind, goal in kinds.items():
        setattr(actions, kind, SimpleNamespace(Goal=goal))
    package.action = actions
    monkeypatch.setitem(sys.modules, name, package)
    monkeypatch.setitem(sys.modules, f"{name}.action", actions)
    monkeypatch.setattr(gripper_clients, "ActionClient", FakeAction)
    FakeAction.made.clear()


def grasp(**fields):
    return SimpleNamespace(epsilon=SimpleNamespace(inner=0.0, outer=0.0), **fields)


@pytest.fixture
def franka(node, monkeypatch):
    fields = {"Move": SimpleNamespace, "Grasp": grasp, "Homing": SimpleNamespace}
    fake_package(monkeypatch, "franka_msgs", **fields)
    client = make_gripper(node, "auto", HAND)
    yield client
    client.close()


def test_frankas_hand_grasps_moves_and_homes(franka):
    assert franka.name == "franka"
    told = []
    franka.send(Grip.CLOSE, lambda *answer: told.append(answer))
    action = FakeAction.made["franka_gripper/grasp"]
    goal = action.goals[0]
    assert (goal.width, goal.speed, goal.force, goal.epsilon.outer) == (0.0, 0.1, 20.0, 0.08)
    assert told == []
    action.end(success=True, error="")
    assert told == [(True, "")]
    franka.send(Grip.OPEN, lambda *answer: told.append(answer))
    opened = FakeAction.made["franka_gripper/move"].goals[0]
    assert (opened.width, opened.speed) == (0.08, 0.1)
    franka.home(lambda *answer: told.append(answer))
    homing = FakeAction.made["franka_gripper/homing"]
    assert len(homing.goals) == 1
    homing.end(success=False, error="blocked")
    assert told[-1] == (True, "blocked")


def test_frankas_hand_is_stopped_by_its_service(franka, probe):
    asked = []

    def stop(request, response):
        asked.append(request)
        response.success = True
        return response

    service = probe.node.create_service(Trigger, "franka_gripper/stop", stop)
    probe.wait(franka._stop_client.service_is_ready)
    told = []
    franka.stop(lambda *answer: told.append(answer))
    probe.wait(lambda: told)
    assert told == [(True, "")]
    assert len(asked) == 1
    probe.node.destroy_service(service)


def test_a_gripper_command_gives_half_the_width_and_is_stopped_by_cancelling(node, monkeypatch):
    def goal():
        return SimpleNamespace(command=SimpleNamespace(position=None, max_effort=None))

    fake_package(monkeypatch, "control_msgs", GripperCommand=goal)
    client = make_gripper(node, "gripper_command", HAND)
    told = []
    client.stop(lambda *answer: told.append(answer))
    assert told.pop() == (
        False,
        "nobody offers franka_gripper/stop, and no goal is in flight",
    )
    client.send(Grip.OPEN, lambda *answer: None)
    action = FakeAction.made["franka_gripper/gripper_action"]
    assert action.goals[0].command.position == 0.04
    client.stop(lambda *answer: told.append(answer))
    assert action.cancelled == 1
    assert told.pop() == (True, "")
    action.end(reached_goal=True, stalled=False)
    client.stop(lambda *answer: told.append(answer))
    assert told.pop()[0] is False
    client.home(lambda *answer: told.append(answer))
    assert told == [(False, "a hand of kind gripper_command has no homing")]
    client.close()


def test_a_goal_that_was_given_up_is_cancelled_before_the_next(franka):
    franka.send(Grip.CLOSE, lambda *answer: None)
    grasping = FakeAction.made["franka_gripper/grasp"]
    assert grasping.cancelled == 0
    franka.send(Grip.OPEN, lambda *answer: None)
    assert grasping.cancelled == 1
    moving = FakeAction.made["franka_gripper/move"]
    # The late end of the first says nothing of the second.
    grasping.end(success=False, error="")
    franka.send(Grip.CLOSE, lambda *answer: None)
    assert moving.cancelled == 1


def test_no_hand_can_do_neither(node):
    client, told = make_gripper(node, "none", HAND), []
    client.home(lambda *answer: told.append(answer))
    client.stop(lambda *answer: told.append(answer))
    assert [reached for reached, _ in told] == [False, False]
