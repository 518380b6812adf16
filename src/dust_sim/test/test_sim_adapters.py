"""control_msgs and franka_msgs: what is served with them, and what without."""

from types import SimpleNamespace

import numpy as np
import pytest
from builtin_interfaces.msg import Time

from dust_msgs.action import Gripper
from dust_msgs.msg import ControllerState
from dust_sim import control_adapter, franka_adapter
from dust_sim.gripper import Command, GripperResult
from dust_sim.gripper_topics import available_actions, dust_goal
from dust_sim.messages import to_point

needs_control = pytest.mark.skipif(
    control_adapter.actions is None, reason="control_msgs is not installed"
)
needs_franka = pytest.mark.skipif(
    franka_adapter.actions is None, reason="franka_msgs is not installed"
)
without_control = pytest.mark.skipif(
    control_adapter.actions is not None, reason="control_msgs is installed"
)
without_franka = pytest.mark.skipif(
    franka_adapter.actions is not None, reason="franka_msgs is installed"
)
DONE = GripperResult(True, "", 0.04)


def state():
    row = to_point(np.zeros(7), np.zeros(7))
    return control_adapter.to_state(Time(sec=5), ["a"] * 7, row, row, row)


@without_control
def test_without_control_msgs_the_state_is_our_own():
    assert isinstance(state(), ControllerState)
    assert state().header.stamp.sec == 5
    assert "gripper_action" not in [row.name for row in available_actions()]


@needs_control
def test_with_control_msgs_the_state_is_the_controllers():
    from control_msgs.msg import JointTrajectoryControllerState

    assert isinstance(state(), JointTrajectoryControllerState)


@needs_control
def test_gripper_command_is_served():
    row = next(row for row in available_actions() if row.name == "gripper_action")
    goal = row.kind.Goal()
    goal.command.position = 0.04
    assert row.to_goal(goal).width == 0.08
    assert row.to_result(row.kind, DONE).reached_goal
    assert row.to_feedback(row.kind, 0.04).position == 0.04


@needs_franka
def test_frankas_gripper_actions_are_served():
    rows = {row.name: row for row in available_actions()}
    assert {"move", "grasp", "homing"} <= set(rows)
    for row in rows.values():
        assert row.to_result(row.kind, DONE)
    grasp = rows["grasp"].kind.Goal(width=0.02, speed=0.1, force=30.0)
    assert rows["grasp"].to_goal(grasp).force == 30.0


@needs_franka
def test_the_robot_state_names_the_error():
    kind = franka_adapter.messages.FrankaRobotState
    message = franka_adapter.to_robot_state(kind, Time(), 4, ["cartesian_reflex"], 0.0)
    assert message.robot_mode == 4
    assert message.current_errors.cartesian_reflex


@without_franka
def test_without_franka_msgs_only_our_gripper_action_is_there():
    assert [row.name for row in available_actions()][:1] == ["gripper"]
    assert "move" not in [row.name for row in available_actions()]


@pytest.mark.parametrize(("effort", "command"), [(0.0, Command.MOVE), (30.0, Command.GRASP)])
def test_a_gripper_command_gives_half_the_width(effort, command):
    request = SimpleNamespace(command=SimpleNamespace(position=0.02, max_effort=effort))
    goal = control_adapter.gripper_goal(request)
    assert (goal.command, goal.width) == (command, 0.04)


def test_frankas_goals_are_read_field_by_field():
    request = SimpleNamespace(
        width=0.01, speed=0.05, force=20.0, epsilon=SimpleNamespace(inner=0.002, outer=0.003)
    )
    goal = franka_adapter.grasp_goal(request)
    assert (goal.command, goal.width, goal.speed) == (Command.GRASP, 0.01, 0.05)
    assert (goal.force, goal.epsilon_inner, goal.epsilon_outer) == (20.0, 0.002, 0.003)
    assert franka_adapter.move_goal(request).command == Command.MOVE
    assert franka_adapter.homing_goal(request).command == Command.HOMING


def test_our_goals_are_read_field_by_field():
    goal = dust_goal(
        Gripper.Goal(
            command=Gripper.Goal.GRASP,
            width=0.01,
            speed=0.05,
            force=20.0,
            epsilon_inner=0.002,
            epsilon_outer=0.003,
        )
    )
    assert (goal.command, goal.width, goal.speed) == (Command.GRASP, 0.01, 0.05)
    assert (goal.force, goal.epsilon_inner, goal.epsilon_outer) == (20.0, 0.002, 0.003)
    assert dust_goal(Gripper.Goal(command=Gripper.Goal.HOMING)).command == Command.HOMING
    with pytest.raises(ValueError, match="command 9"):
        dust_goal(Gripper.Goal(command=9))
