"""The gripper's side of franka_ros2: joint states, actions, stop."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import rclpy.action
from rclpy.action import CancelResponse, GoalResponse
from rclpy.task import Future
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from dust_msgs.action import Gripper as DustGripper
from dust_node.clock import beat
from dust_node.qos import RELIABLE
from dust_sim import control_adapter, franka_adapter
from dust_sim.arm_topics import finger_row, joint_state_feed
from dust_sim.gripper import Command, GripperGoal, GripperResult
from dust_sim.schedule import Schedule
from dust_sim.simulation import Measured, Simulation

_POLL_SEC = 1 / 30  # of simulated time


@dataclass(frozen=True, slots=True)
class GripperAction:
    """One action type that the gripper serves.

    Attributes:
        kind: The action's type.
        name: Its name below the gripper's.
        to_goal: Reads a goal; raises ValueError for one that means nothing.
        to_result: Makes the result message.
        to_feedback: Makes the feedback message from a width.
    """

    kind: Any
    name: str
    to_goal: Callable[[Any], GripperGoal]
    to_result: Callable[[Any, GripperResult], Any]
    to_feedback: Callable[[Any, float], Any]


def dust_goal(request: Any) -> GripperGoal:
    """Return what a dust_msgs/Gripper goal asks for.

    Raises:
        ValueError: There is no such command.
    """
    commands = {
        DustGripper.Goal.MOVE: Command.MOVE,
        DustGripper.Goal.GRASP: Command.GRASP,
        DustGripper.Goal.HOMING: Command.HOMING,
    }
    if request.command not in commands:
        raise ValueError(f"gripper goal has command {request.command}; allowed: 0, 1, 2")
    command = commands[request.command]
    if command == Command.HOMING:
        return GripperGoal(command)
    if command == Command.MOVE:
        return GripperGoal(command, width=request.width, speed=request.speed)
    return GripperGoal(
        command,
        request.width,
        request.speed,
        request.force,
        request.epsilon_inner,
        request.epsilon_outer,
    )


def available_actions() -> list[GripperAction]:
    """Return the actions whose types are installed."""
    rows = [
        GripperAction(
            DustGripper,
            "gripper",
            dust_goal,
            lambda kind, result: kind.Result(
                success=result.success, error=result.error, width=result.width
            ),
            lambda kind, width: kind.Feedback(current_width=width),
        )
    ]
    if franka_adapter.actions:
        common = (franka_adapter.gripper_result, franka_adapter.gripper_feedback)
        for kind, name, to_goal in (
            (franka_adapter.actions.Move, "move", franka_adapter.move_goal),
            (franka_adapter.actions.Grasp, "grasp", franka_adapter.grasp_goal),
            (franka_adapter.actions.Homing, "homing", franka_adapter.homing_goal),
        ):
            rows.append(GripperAction(kind, name, to_goal, *common))
    if control_adapter.actions:
        rows.append(
            GripperAction(
                control_adapter.actions.GripperCommand,
                "gripper_action",
                control_adapter.gripper_goal,
                control_adapter.gripper_result,
                control_adapter.gripper_feedback,
            )
        )
    return rows


class GripperTopics:
    """Publishes the fingers' state and serves the gripper's actions.

    Args:
        node: Node that owns them; has checked parameter values in `values`.
        simulation: The cell.
    """

    def __init__(self, node: Any, simulation: Simulation) -> None:
        self._node = node
        self._simulation = simulation
        self._name = node.values["gripper.node"]
        self._schedule = Schedule(node.values["gripper_state_rate"])
        self._running: tuple[GripperAction, Any, Future] | None = None
        self._states = node.create_publisher(JointState, f"{self._name}/joint_states", RELIABLE)
        self._feed = joint_state_feed(self._states)
        self._stop = node.create_service(Trigger, f"{self._name}/stop", self._on_stop)
        self._servers = [self._serve(row) for row in available_actions()]
        self._timer = beat(node, _POLL_SEC / node.values["real_time_factor"], self._poll)

    def publish(self, state: Measured) -> None:
        """Publish what is due. Called after every block, in the physics thread."""
        if self._schedule.due(state.stamp_ns):
            self._feed.publish(finger_row(state), self._simulation.joint_state_faults())

    def close(self) -> None:
        """Release topics, service and actions."""
        self._node.destroy_timer(self._timer)
        for server in self._servers:
            server.destroy()
        self._node.destroy_service(self._stop)
        self._node.destroy_publisher(self._states)

    def _serve(self, row: GripperAction) -> rclpy.action.ActionServer:
        async def execute(handle: Any) -> Any:
            return await self._execute(row, handle)

        return rclpy.action.ActionServer(
            self._node,
            row.kind,
            f"{self._name}/{row.name}",
            execute,
            goal_callback=lambda request: self._check(row, request),
            cancel_callback=lambda _: CancelResponse.ACCEPT,
        )

    def _check(self, row: GripperAction, request: Any) -> GoalResponse:
        try:
            if not self._node.active:
                raise ValueError("the gripper is not active")
            if self._running is not None:
                raise ValueError("gripper is busy; one goal at a time")
            self._simulation.grip(row.to_goal(request))
        except ValueError as error:
            self._node.get_logger().warning(f"gripper goal rejected: {error}")
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    async def _execute(self, row: GripperAction, handle: Any) -> Any:
        ended = Future(executor=self._node.executor)
        self._running = (row, handle, ended)
        result: GripperResult = await ended
        self._running = None
        if handle.is_cancel_requested:
            handle.canceled()
        elif result.success:
            handle.succeed()
        else:
            handle.abort()
        return row.to_result(row.kind, result)

    def _poll(self) -> None:
        """Look after the running goal, here because futures belong to the main thread."""
        if self._running is None:
            return
        row, handle, ended = self._running
        if handle.is_cancel_requested:
            self._simulation.stop_gripper()
        result = self._simulation.take_gripper_result()
        if result is not None:
            ended.set_result(result)
            return
        width = float(self._simulation.measure().fingers.sum())
        handle.publish_feedback(row.to_feedback(row.kind, width))

    def _on_stop(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._simulation.stop_gripper()
        response.success = True
        return response
