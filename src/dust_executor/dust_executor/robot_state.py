"""FrankaRobotState, looked at a few times per second although it comes at 1 kHz."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from rclpy.node import Node

from dust_node.polled import Polled


class FrankaStates:
    """The newest FrankaRobotState, where franka_msgs is installed; else nothing, for ever.

    Args:
        node: Node that subscribes.
        topic: Where the robot speaks.
        kind: Type of the messages; None: franka_msgs', if it is installed.
    """

    def __init__(self, node: Node, topic: str, *, kind: Any = None) -> None:
        kind = kind or franka_robot_state()
        self._polled = Polled(node, kind, topic) if kind else None

    @property
    def installed(self) -> bool:
        """Whether the robot's own state can be heard."""
        return self._polled is not None

    def take(self) -> Any:
        """Return the newest state that was not taken yet; None if there is none."""
        return self._polled.take() if self._polled else None

    def close(self) -> None:
        """Leave the topic."""
        if self._polled:
            self._polled.close()


def franka_robot_state() -> Any:
    """Return the message's type; None where franka_msgs is not installed."""
    try:
        return import_module("franka_msgs.msg").FrankaRobotState
    except ImportError:
        return None


def error_names(errors: Any) -> Sequence[str]:
    """Return the errors that are set in franka_msgs/Errors, which has one boolean for each."""
    return [name for name in errors.get_fields_and_field_types() if getattr(errors, name)]
