"""Sends one goal to `execute_task` and waits for its end: a client that a test can kill."""

import sys

import rclpy
from rclpy.action import ActionClient
from rclpy.node import Node

from dust_msgs.action import ExecuteTask


def main() -> None:
    """Send the goal and spin until somebody ends this process."""
    rclpy.init(args=sys.argv)
    node = Node("goal")
    client = ActionClient(node, ExecuteTask, "execute_task")
    client.wait_for_server()
    client.send_goal_async(ExecuteTask.Goal(instruction="tidy up", time_limit=600.0))
    rclpy.spin(node)


if __name__ == "__main__":
    main()
