"""franka_msgs where it is installed: the real robot's state message and gripper actions."""

from types import ModuleType
from typing import Any

from dust_sim.gripper import MAX_SPEED, Command, GripperGoal, GripperResult

try:
    import franka_msgs.action as _actions
    import franka_msgs.msg as _messages
except ImportError:
    _actions = None
    _messages = None

actions: ModuleType | None = _actions
"""franka_msgs.action, or None where franka_msgs is not installed."""

messages: ModuleType | None = _messages
"""franka_msgs.msg, or None where franka_msgs is not installed."""


def to_robot_state(kind: Any, stamp: Any, mode: int, errors: list[str], success_rate: float) -> Any:
    """Return a FrankaRobotState with mode, success rate and those errors that the message knows."""
    message = kind(robot_mode=mode, control_command_success_rate=success_rate)
    message.header.stamp = stamp
    for error in errors:
        # The message has one boolean per error, named like libfranka's errors.
        if hasattr(message.current_errors, error):
            setattr(message.current_errors, error, True)
    return message


def move_goal(request: Any) -> GripperGoal:
    """Return what a Move goal asks for."""
    return GripperGoal(Command.MOVE, width=request.width, speed=request.speed)


def grasp_goal(request: Any) -> GripperGoal:
    """Return what a Grasp goal asks for."""
    return GripperGoal(
        Command.GRASP,
        width=request.width,
        speed=request.speed,
        force=request.force,
        epsilon_inner=request.epsilon.inner,
        epsilon_outer=request.epsilon.outer,
    )


def homing_goal(request: Any) -> GripperGoal:
    """Return what a Homing goal asks for."""
    return GripperGoal(Command.HOMING, speed=MAX_SPEED)


def gripper_result(kind: Any, result: GripperResult) -> Any:
    """Return the result of any of the gripper's actions."""
    return kind.Result(success=result.success, error=result.error)


def gripper_feedback(kind: Any, width: float) -> Any:
    """Return the feedback of a Move or Grasp action; Homing has none."""
    feedback = kind.Feedback()
    if hasattr(feedback, "current_width"):
        feedback.current_width = width
    return feedback
