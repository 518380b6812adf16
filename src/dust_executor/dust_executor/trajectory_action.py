"""The trajectory controller's action, where control_msgs is installed: for whole motions."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from rclpy.action import ActionClient
from rclpy.node import Node
from rclpy.task import Future
from trajectory_msgs.msg import JointTrajectory

Done = Callable[[str], None]
"""Called once: what went wrong; empty: nothing."""


class TrajectoryAction:
    """Client of FollowJointTrajectory.

    It never cancels: a controller would hold at once, with a jerk. A braking trajectory on the
    topic replaces the goal's instead.

    Args:
        node: Node that owns it.
        name: Name of the action.
        kind: Its type.
    """

    def __init__(self, node: Node, name: str, kind: Any) -> None:
        self._kind = kind
        self._client = ActionClient(node, kind, name)

    @property
    def is_ready(self) -> bool:
        """Whether a controller serves it."""
        return bool(self._client.server_is_ready())

    def send(self, trajectory: JointTrajectory, done: Done) -> None:
        """Send a trajectory; `done` is called when it has ended."""
        goal = self._kind.Goal(trajectory=trajectory)
        accepted = self._client.send_goal_async(goal)
        accepted.add_done_callback(lambda future: self._on_answer(future, done))

    def close(self) -> None:
        """Release the client."""
        self._client.destroy()

    def _on_answer(self, future: Future, done: Done) -> None:
        handle = future.result()
        if handle is None or not handle.accepted:
            done("the controller refused the trajectory; is it active?")
            return
        ended = handle.get_result_async()
        ended.add_done_callback(lambda future: done(failure(future.result().result)))


def failure(result: Any) -> str:
    """Return what a result says went wrong; empty when nothing did."""
    if result.error_code == 0:
        return ""
    return result.error_string or f"error code {result.error_code}"


def make_trajectory_action(node: Node, name: str) -> TrajectoryAction | None:
    """Return the client; None where control_msgs is not installed."""
    try:
        kind = import_module("control_msgs.action").FollowJointTrajectory
    except ImportError:
        return None
    return TrajectoryAction(node, name, kind)
