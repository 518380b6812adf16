from types import SimpleNamespace

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

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
