"""What commands share that talk to a running graph for a moment: their words and their node."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import rclpy
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from dust_node.errors import UserError

_ROS_ARGUMENTS = "--ros-args"


def split_words(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return a command's own words, and those from --ros-args on."""
    cut = words.index(_ROS_ARGUMENTS) if _ROS_ARGUMENTS in words else len(words)
    return list(words[:cut]), list(words[cut:])


@contextmanager
def lone_node(name: str, ros_words: Sequence[str]) -> Iterator[Node]:
    """Give a node of the default context that Ctrl-C leaves alive: the arm may have to be told.

    Args:
        name: Of the node.
        ros_words: Words from --ros-args on.

    Raises:
        UserError: ROS does not understand the words.
    """
    try:
        rclpy.init(args=[name, *ros_words], signal_handler_options=SignalHandlerOptions.NO)
    except Exception as error:
        raise UserError(f"ROS arguments: {str(error).splitlines()[0]}") from error
    node = rclpy.create_node(name)
    try:
        yield node
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
