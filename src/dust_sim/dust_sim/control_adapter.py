"""control_msgs where it is installed: the real controller's state message and actions."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from trajectory_msgs.msg import JointTrajectoryPoint

from dust_msgs.msg import ControllerState
from dust_sim.gripper import Command, GripperGoal, GripperResult

try:
    import control_msgs.action as _actions
    import control_msgs.msg as _messages
except ImportError:
    _actions = None
    _messages = None

actions: ModuleType | None = _actions
"""control_msgs.action, or None where control_msgs is not installed."""

State = _messages.JointTrajectoryControllerState if _messages else ControllerState
"""Type of `controller_state`."""


def to_state(
    stamp: Any,
    names: Sequence[str],
    reference: JointTrajectoryPoint,
    feedback: JointTrajectoryPoint,
    error: JointTrajectoryPoint,
) -> Any:
    """Return the controller's state in whichever type is there; they share these fields."""
    message = State(joint_names=list(names), reference=reference, feedback=feedback, error=error)
    message.header.stamp = stamp
    return message


def gripper_goal(request: Any) -> GripperGoal:
    """Return what a GripperCommand goal asks for; like franka_gripper's it gives half the width."""
    width = 2 * request.command.position
    if request.command.max_effort <= 0.0:
        return GripperGoal(Command.MOVE, width=width)
    return GripperGoal(
        Command.GRASP,
        width=width,
        force=request.command.max_effort,
        epsilon_inner=0.08,
        epsilon_outer=0.08,
    )


def gripper_result(kind: Any, result: GripperResult) -> Any:
    """Return the result of a GripperCommand action."""
    return kind.Result(position=result.width, reached_goal=result.success)


def gripper_feedback(kind: Any, width: float) -> Any:
    """Return the feedback of a GripperCommand action; here position is the whole opening."""
    return kind.Feedback(position=width)
