"""Error recovery, on the user's request and never else."""

from importlib import import_module
from typing import Any

from rclpy.action import ActionClient
from rclpy.node import Node
from std_srvs.srv import Trigger

from dust_executor.awaiting import within
from dust_executor.core import Answer

TIMEOUT = 10.0
"""Longest wait for the robot's answer, s."""

SIMULATED = "dust_sim/recover"
"""The simulated cell's recovery."""

_SUCCEEDED = 4  # action_msgs/GoalStatus


class Recovery:
    """Clears the robot's errors: by franka_msgs/ErrorRecovery, or in the simulated cell.

    Args:
        node: Node that asks.
        name: Name of the action.
        kind: Its type; None: franka_msgs', if it is installed.
    """

    def __init__(self, node: Node, name: str, *, kind: Any = None) -> None:
        self._node, self._name = node, name
        self._kind = kind or error_recovery()
        self._action = ActionClient(node, self._kind, name) if self._kind else None
        self._service = node.create_client(Trigger, SIMULATED)

    async def recover(self) -> Answer:
        """Ask whoever is there; return whether the error is cleared, and why not."""
        if self._action is not None and self._action.server_is_ready():
            return await self._by_action(self._action)
        if self._service.service_is_ready():
            return await self._by_service()
        absent = "" if self._kind else " (franka_msgs is not installed here)"
        return False, f"nobody offers {self._name}{absent}; is the arm's driver running?"

    def close(self) -> None:
        """Release the clients."""
        if self._action is not None:
            self._action.destroy()
        self._node.destroy_client(self._service)

    async def _by_action(self, action: ActionClient) -> Answer:
        handle = await within(self._node, action.send_goal_async(self._kind.Goal()), TIMEOUT)
        if handle is None:
            return False, f"{self._name} did not answer within {TIMEOUT:g} s"
        if not handle.accepted:
            return False, f"{self._name} refused"
        ended = await within(self._node, handle.get_result_async(), TIMEOUT)
        if ended is None:
            return False, f"{self._name} has no result after {TIMEOUT:g} s"
        if ended.status != _SUCCEEDED:
            return (
                False,
                "the robot could not recover; look at Desk, free the arm by hand if needed",
            )
        return True, ""

    async def _by_service(self) -> Answer:
        answer = await within(self._node, self._service.call_async(Trigger.Request()), TIMEOUT)
        if answer is None:
            return False, f"{SIMULATED} did not answer within {TIMEOUT:g} s"
        return answer.success, answer.message


def still_needed(*, real: bool, stopped: bool) -> str:
    """Return what is left to do after the robot's error is cleared.

    Args:
        real: Whether ros2_control drives it, which leaves hardware and controller switched off.
        stopped: Whether the executor is stopped.
    """
    steps = []
    if real:
        steps += [
            "ros2 control set_hardware_component_state FrankaHardwareInterface active",
            "ros2 control switch_controllers --activate fr3_arm_controller",
        ]
    steps += ["call dust_executor/rearm"] if stopped else []
    return f"still needed: {'; '.join(steps)}" if steps else "nothing else is needed"


def error_recovery() -> Any:
    """Return the action's type; None where franka_msgs is not installed."""
    try:
        return import_module("franka_msgs.action").ErrorRecovery
    except ImportError:
        return None
