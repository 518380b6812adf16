"""One interface to the hands of several stacks; what is not installed is simply not offered."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from rclpy.action import ActionClient
from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import Trigger

from dust_executor.gripper import Grip
from dust_node.errors import UserError

Done = Callable[[bool, str], None]
"""Called once: whether the hand took the goal up, and what went wrong (empty: nothing)."""


@dataclass(frozen=True, slots=True)
class Hand:
    """The hand and how to move it.

    Attributes:
        node: Name of its node, relative to the namespace.
        width: Opening when open, m.
        speed: Speed of the fingers, m/s.
        force: Grasping force, N.
    """

    node: str
    width: float
    speed: float
    force: float


class GripperClient(ABC):
    """Sends goals to a hand, without ever waiting."""

    name: str
    """What it speaks, for messages."""

    @abstractmethod
    def send(self, grip: Grip, done: Done) -> None:
        """Send a goal; `done` is called later, or at once when it cannot be sent."""

    def home(self, done: Done) -> None:
        """Let the hand find the range of its fingers, on the user's request; see `send`."""
        done(False, f"a hand of kind {self.name} has no homing")

    def stop(self, done: Done) -> None:
        """Let the fingers stand still, on the user's request; see `send`."""
        done(False, f"a hand of kind {self.name} cannot be stopped")

    @abstractmethod
    def close(self) -> None:
        """Release what it uses."""


class NoGripper(GripperClient):
    """An arm without a hand."""

    name = "none"

    def send(self, grip: Grip, done: Done) -> None:
        """Do nothing, successfully."""
        done(True, "")

    def close(self) -> None:
        """Nothing to release."""


class _ActionGripper(GripperClient):
    """Shared by all hands that are moved by actions."""

    package = "dust_msgs"

    def __init__(self, node: Node, hand: Hand) -> None:
        self._node, self._hand = node, hand
        self._actions = import_module(f"{self.package}.action")
        self._clients: dict[str, ActionClient] = {}
        self._stop_client = node.create_client(Trigger, f"{hand.node}/stop")
        self._in_flight: Any = None
        self.connect()

    @abstractmethod
    def connect(self) -> None:
        """Make the clients."""

    @abstractmethod
    def goal(self, grip: Grip) -> tuple[str, Any]:
        """Return which client gets which goal."""

    @staticmethod
    @abstractmethod
    def failure(result: Any) -> str:
        """Return what a result says went wrong; empty when nothing did."""

    def add(self, suffix: str, action_type: Any) -> None:
        """Make the client of the action `<node>/<suffix>`."""
        name = f"{self._hand.node}/{suffix}"
        self._clients[suffix] = ActionClient(self._node, action_type, name)

    def send(self, grip: Grip, done: Done) -> None:
        """Send a goal; see GripperClient."""
        self._send(*self.goal(grip), done)

    def stop(self, done: Done) -> None:
        """Call the hand's own stop, or cancel the goal in flight; see GripperClient."""
        if self._stop_client.service_is_ready():
            answer = self._stop_client.call_async(Trigger.Request())
            answer.add_done_callback(lambda future: done(*_told(future.result())))
        elif self._in_flight is not None:
            self._in_flight.cancel_goal_async()
            done(True, "")
        else:
            done(False, f"nobody offers {self._hand.node}/stop, and no goal is in flight")

    def _send(self, suffix: str, goal: Any, done: Done) -> None:
        client = self._clients[suffix]
        if not client.server_is_ready():
            done(False, f"no action server at {self._hand.node}/{suffix}")
            return
        if self._in_flight is not None:
            # It was given up; hands do not arbitrate between two goals.
            self._in_flight.cancel_goal_async()
            self._in_flight = None
        accepted = client.send_goal_async(goal)
        accepted.add_done_callback(lambda future: self._on_answer(future, done))

    def close(self) -> None:
        """Destroy the clients."""
        for client in self._clients.values():
            client.destroy()
        self._clients.clear()
        self._node.destroy_client(self._stop_client)

    def _on_answer(self, future: Future, done: Done) -> None:
        handle = future.result()
        if handle is None or not handle.accepted:
            done(False, "the hand refused the goal")
            return
        self._in_flight = handle
        result = handle.get_result_async()
        result.add_done_callback(lambda future: self._on_result(handle, future, done))

    def _on_result(self, handle: Any, future: Future, done: Done) -> None:
        if self._in_flight is handle:
            self._in_flight = None
        done(True, self.failure(future.result().result))


class FrankaGripper(_ActionGripper):
    """franka_gripper of franka_ros2: close is grasp(0) with a wide outer epsilon, open is move."""

    name = "franka"
    package = "franka_msgs"

    def connect(self) -> None:
        """Make the clients of move, grasp and homing."""
        self.add("move", self._actions.Move)
        self.add("grasp", self._actions.Grasp)
        self.add("homing", self._actions.Homing)

    def home(self, done: Done) -> None:
        """Send a goal to homing; see GripperClient."""
        self._send("homing", self._actions.Homing.Goal(), done)

    def goal(self, grip: Grip) -> tuple[str, Any]:
        """Return the goal of move or grasp."""
        if grip is Grip.OPEN:
            return "move", self._actions.Move.Goal(width=self._hand.width, speed=self._hand.speed)
        goal = self._actions.Grasp.Goal(width=0.0, speed=self._hand.speed, force=self._hand.force)
        goal.epsilon.outer = self._hand.width
        return "grasp", goal

    @staticmethod
    def failure(result: Any) -> str:
        """Return the hand's own words."""
        return "" if result.success else result.error or "no success"


class CommandGripper(_ActionGripper):
    """Any hand with control_msgs/GripperCommand; its position is HALF the width."""

    name = "gripper_command"
    package = "control_msgs"

    def connect(self) -> None:
        """Make the client of gripper_action."""
        self.add("gripper_action", self._actions.GripperCommand)

    def goal(self, grip: Grip) -> tuple[str, Any]:
        """Return the goal."""
        goal = self._actions.GripperCommand.Goal()
        goal.command.position = self._hand.width / 2 if grip is Grip.OPEN else 0.0
        goal.command.max_effort = self._hand.force
        return "gripper_action", goal

    @staticmethod
    def failure(result: Any) -> str:
        """Return nothing when it arrived, or stalled on an object."""
        return "" if result.reached_goal or result.stalled else "goal not reached"


class DustGripper(_ActionGripper):
    """The simulated cell's hand: dust_msgs/Gripper."""

    name = "dust"
    package = "dust_msgs"

    def connect(self) -> None:
        """Make the client of gripper."""
        self.add("gripper", self._actions.Gripper)

    def home(self, done: Done) -> None:
        """Send the goal of homing; see GripperClient."""
        goal = self._actions.Gripper.Goal(command=self._actions.Gripper.Goal.HOMING)
        self._send("gripper", goal, done)

    def goal(self, grip: Grip) -> tuple[str, Any]:
        """Return the goal."""
        goal = self._actions.Gripper.Goal(
            speed=self._hand.speed, force=self._hand.force, epsilon_outer=self._hand.width
        )
        goal.command = goal.MOVE if grip is Grip.OPEN else goal.GRASP
        goal.width = self._hand.width if grip is Grip.OPEN else 0.0
        return "gripper", goal

    @staticmethod
    def failure(result: Any) -> str:
        """Return the hand's own words."""
        return "" if result.success else result.error or "no success"


def _told(answer: Any) -> tuple[bool, str]:
    if answer is None:
        return False, "the hand gave no answer"
    return bool(answer.success), "" if answer.success else answer.message or "no success"


_KINDS: tuple[type[_ActionGripper], ...] = (FrankaGripper, CommandGripper, DustGripper)


def missing_packages() -> list[str]:
    """Return the message packages of hands that are not installed."""
    return [kind.package for kind in _KINDS if not _is_installed(kind.package)]


def make_gripper(node: Node, interface: str, hand: Hand) -> GripperClient:
    """Return the client for an interface.

    Args:
        node: Node that owns the action clients.
        interface: auto, franka, gripper_command, dust or none; auto takes the first installed.
        hand: The hand and how to move it.

    Raises:
        UserError: The interface needs a package that is not installed.
    """
    if interface == NoGripper.name:
        return NoGripper()
    for kind in _KINDS:
        if interface not in ("auto", kind.name):
            continue
        if _is_installed(kind.package):
            return kind(node, hand)
        if interface == kind.name:
            raise UserError(
                f"gripper.interface is '{interface}', but {kind.package} is not installed; install "
                f"ros-$ROS_DISTRO-{kind.package.replace('_', '-')} or set gripper.interface to auto"
            )
    raise UserError(f"gripper.interface '{interface}' is unknown")


def _is_installed(package: str) -> bool:
    try:
        import_module(f"{package}.action")
    except ImportError:
        return False
    return True
