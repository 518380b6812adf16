"""The trajectory controller's action, where control_msgs is installed."""

from typing import Any

import rclpy.action
from rclpy.action import CancelResponse, GoalResponse
from rclpy.task import Future

from dust_node.clock import beat
from dust_sim import control_adapter
from dust_sim.arm_topics import CONTROLLER
from dust_sim.messages import from_trajectory
from dust_sim.simulation import Simulation
from dust_sim.trajectory_controller import RejectedError

_POLL_SEC = 0.02  # of simulated time


class FollowTrajectoryServer:
    """Serves FollowJointTrajectory: a new goal preempts the one before; cancelling holds the arm.

    Args:
        node: Node that owns the action.
        simulation: The cell.
    """

    def __init__(self, node: Any, simulation: Simulation) -> None:
        assert control_adapter.actions is not None
        self._node = node
        self._simulation = simulation
        self._kind = control_adapter.actions.FollowJointTrajectory
        self._number = 0
        self._running: dict[int, tuple[Any, Future]] = {}
        self._server = rclpy.action.ActionServer(
            node,
            self._kind,
            f"{CONTROLLER}/follow_joint_trajectory",
            self._execute,
            goal_callback=self._check,
            handle_accepted_callback=self._begin,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
        )
        self._timer = beat(node, _POLL_SEC / node.values["real_time_factor"], self._poll)

    def close(self) -> None:
        """Release the action."""
        self._node.destroy_timer(self._timer)
        self._server.destroy()

    def _check(self, request: Any) -> GoalResponse:
        try:
            if not self._node.active:
                raise RejectedError("the controller is not active")
            self._number = self._simulation.accept(from_trajectory(request.trajectory))
        except RejectedError as error:
            self._node.get_logger().warning(f"trajectory goal rejected: {error}")
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def _begin(self, handle: Any) -> None:
        # Comes right behind the acceptance, so the number is this goal's.
        self._running[self._number] = (handle, Future(executor=self._node.executor))
        handle.execute()

    async def _execute(self, handle: Any) -> Any:
        rows = self._running.items()
        number, ended = next((n, end) for n, (other, end) in rows if other is handle)
        dropped = await ended
        del self._running[number]
        result = self._kind.Result()
        if handle.is_cancel_requested:
            handle.canceled()
        elif dropped:
            result.error_code = self._kind.Result.INVALID_GOAL
            result.error_string = dropped
            handle.abort()
        else:
            handle.succeed()
        return result

    def _poll(self) -> None:
        for number, (handle, ended) in list(self._running.items()):
            outcome = self._simulation.outcome(number)
            if outcome is None and handle.is_cancel_requested:
                self._simulation.hold("canceled")
                outcome = self._simulation.outcome(number)
            if outcome is not None and not ended.done():
                ended.set_result(outcome)
