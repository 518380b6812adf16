"""A client of whoever serves `execute_task`, in the cell or on a robot; each call waits."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import rclpy
from action_msgs.msg import GoalStatus
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState
from rclpy.action import ActionClient
from rclpy.action.client import ClientGoalHandle
from rclpy.client import Client
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.task import Future
from std_srvs.srv import Trigger

from dust_eval.arm_watch import ArmWatch
from dust_msgs.action import ExecuteTask
from dust_msgs.msg import ExecutorState
from dust_node.qos import RELIABLE

ANSWER_SEC = 20.0
"""Longest wait for the answer of a service that is there. Unit: s of wall time."""

_STEP_SEC = 0.5


class GraphError(RuntimeError):
    """The graph is not as it should be: something is missing or refused."""


@dataclass(frozen=True, slots=True)
class TaskEnd:
    """How a task ended: the result of `execute_task` and its goal status."""

    status: int
    result: ExecuteTask.Result

    @property
    def succeeded(self) -> bool:
        """Whether the goal ended as it should."""
        return self.status == GoalStatus.STATUS_SUCCEEDED


@dataclass(frozen=True, slots=True)
class RunningTask:
    """A task that was accepted: its goal handle and its one request for the result."""

    handle: ClientGoalHandle
    result: Future


class TaskClient:
    """Talk to whoever serves `execute_task`, and to the executor.

    Owns a ROS context, a node and a thread that spins it; use it as a context manager.

    Args:
        domain_id: ROS domain; the environment's when None.
        use_sim_time: Whether the graph's clock is the simulation's.
    """

    def __init__(self, *, domain_id: int | None = None, use_sim_time: bool = False) -> None:
        self._context = rclpy.Context()
        rclpy.init(args=[], context=self._context, domain_id=domain_id)
        overrides = [Parameter("use_sim_time", value=use_sim_time)]
        self.node = Node("dust_eval", context=self._context, parameter_overrides=overrides)
        self._rearm = self.node.create_client(Trigger, "dust_executor/rearm")
        self._task = ActionClient(self.node, ExecuteTask, "execute_task")
        self.arm = ArmWatch(self.node)
        self._heard: set[str] = set()
        self.node.create_subscription(
            DiagnosticArray, "/diagnostics", self._on_diagnostics, RELIABLE
        )
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._spin, name="dust_eval", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the client."""
        self.close()

    def close(self) -> None:
        """End the thread and leave the graph."""
        self._executor.shutdown()
        self._thread.join(10)
        # The action client would keep the node's DDS participant alive, and with it the shared
        # memory of nodes that have ended: the next participant of this process would hear nothing.
        self._task.destroy()
        self.node.destroy_node()
        rclpy.try_shutdown(context=self._context)
        self._context.destroy()

    def now(self) -> float:
        """Return the graph's time. Unit: s."""
        return float(self.node.get_clock().now().nanoseconds * 1e-9)

    def wait_ready(self, *, timeout_sec: float, alive: Callable[[], bool] = lambda: True) -> None:
        """Wait until everything that a trial needs answers.

        Args:
            timeout_sec: Longest wait in all. Unit: s.
            alive: Whether the graph's processes still run; checked while waiting.

        Raises:
            GraphError: Names what did not come up.
        """
        steps = math.ceil(timeout_sec / _STEP_SEC)
        for name, wait in self._needed():
            while not wait(_STEP_SEC):
                steps -= 1
                if not alive():
                    raise GraphError(f"the graph ended while waiting for {name}")
                if steps <= 0:
                    raise GraphError(f"{name} did not come up within {timeout_sec:g} s")

    def wait_active(
        self, nodes: Sequence[str], *, timeout_sec: float, alive: Callable[[], bool]
    ) -> None:
        """Wait until lifecycle nodes are active and have told on /diagnostics what time it is.

        A node on simulated time is active before it has heard of a clock, and then takes the
        first one for a jump by years.

        Raises:
            GraphError: Names the node that is not.
        """
        deadline = time.monotonic() + timeout_sec
        self._heard.clear()
        for name in nodes:
            client = self.node.create_client(GetState, f"{name}/get_state")
            try:
                while not (self._is_active(client) and self._has_clock(name)):
                    if not alive():
                        raise GraphError(f"the graph ended before {name} was active")
                    if time.monotonic() > deadline:
                        raise GraphError(f"{name} was not active within {timeout_sec:g} s")
            finally:
                self.node.destroy_client(client)

    def wait_gone(self, *, timeout_sec: float = 30.0) -> None:
        """Wait until nobody serves `execute_task` any more: the next one to serve it is another.

        Raises:
            GraphError: Somebody still does.
        """
        deadline = time.monotonic() + timeout_sec
        while self._task.server_is_ready():
            _require(time.monotonic() < deadline, "the driver before still serves execute_task")
            time.sleep(0.05)

    def rearm_if_stopped(self) -> None:
        """Let the executor move again if it has stopped for cause.

        Raises:
            GraphError: It kept refusing; the message says why.
        """
        deadline = time.monotonic() + ANSWER_SEC
        while self._mode() == ExecutorState.STOPPED:
            answer = self._call(self._rearm, Trigger.Request())
            # It refuses while the arm still comes to rest.
            _require(answer.success or time.monotonic() < deadline, answer.message)

    def wait_idle(self, *, on_stop: Callable[[], None] | None = None) -> None:
        """Wait until the executor would take a new task.

        A driver that died in the middle of its task leaves the executor with it, until that notices
        and stops for cause.

        Args:
            on_stop: What to do when it has stopped for cause; rearm it if left out.

        Raises:
            GraphError: It kept a task, or kept refusing to be rearmed.
        """
        deadline = time.monotonic() + ANSWER_SEC
        while (mode := self._mode()) != ExecutorState.IDLE:
            if mode == ExecutorState.STOPPED:
                (on_stop or self.rearm_if_stopped)()
            elif time.monotonic() > deadline:
                raise GraphError("the executor still has a task whose driver is gone")

    def start_task(
        self,
        instruction: str,
        *,
        time_limit_sec: float,
        on_feedback: Callable[[ExecuteTask.Feedback], None] | None = None,
    ) -> RunningTask:
        """Send a goal to `execute_task`.

        Raises:
            GraphError: The goal was rejected.
        """
        goal = ExecuteTask.Goal(instruction=instruction, time_limit=float(time_limit_sec))
        relay = (lambda message: on_feedback(message.feedback)) if on_feedback else None
        handle = self._wait(self._task.send_goal_async(goal, feedback_callback=relay), ANSWER_SEC)
        _require(handle.accepted, f"the goal '{instruction}' was rejected")
        return RunningTask(handle, handle.get_result_async())

    def wait_task(self, task: RunningTask, *, timeout_sec: float) -> TaskEnd | None:
        """Wait for a task to end.

        Returns:
            How it ended, or None when it still runs after the timeout (wall time).
        """
        if not _done(task.result).wait(timeout_sec):
            return None
        answer = task.result.result()
        assert answer is not None
        return TaskEnd(answer.status, answer.result)

    def cancel_task(self, task: RunningTask) -> TaskEnd:
        """Cancel a task and wait until the arm was told to rest.

        Raises:
            GraphError: The task did not end.
        """
        self._wait(task.handle.cancel_goal_async(), ANSWER_SEC)
        end = self.wait_task(task, timeout_sec=ANSWER_SEC)
        if end is None:
            raise GraphError(f"the task did not end within {ANSWER_SEC:g} s of its cancellation")
        return end

    def _needed(self) -> list[tuple[str, Callable[[float], bool]]]:
        """Return what a trial needs, each with a wait of some seconds that tells whether it is."""
        return [
            ("service dust_executor/rearm", lambda step: self._rearm.wait_for_service(step)),
            ("action execute_task", lambda step: self._task.wait_for_server(step)),
            ("topic joint_states", self.arm.measured.wait),
            ("topic executor_state", self.arm.planned.wait),
        ]

    def _mode(self) -> int:
        """Return the executor's mode by its next message."""
        self.arm.forget()
        _require(self.arm.planned.wait(ANSWER_SEC), "executor_state stopped")
        return int(self.arm.mode)

    def _is_active(self, client: Client) -> bool:
        if not client.wait_for_service(_STEP_SEC):
            return False
        future = client.call_async(GetState.Request())
        # A node that is loading answers late; one that has just died never does.
        if not _done(future).wait(2.0):
            client.remove_pending_request(future)
            return False
        time.sleep(0.05)
        return bool(future.result().current_state.id == State.PRIMARY_STATE_ACTIVE)

    def _has_clock(self, node: str) -> bool:
        return any(name.endswith(node) for name in tuple(self._heard))

    def _on_diagnostics(self, array: DiagnosticArray) -> None:
        if array.header.stamp.sec > 0:
            self._heard.update(status.name for status in array.status)

    def _call(self, client: Client, request: Any) -> Any:
        if not client.wait_for_service(ANSWER_SEC):
            raise GraphError(f"service {client.srv_name} is not there")
        return self._wait(client.call_async(request), ANSWER_SEC)

    @staticmethod
    def _wait(future: Future, timeout_sec: float) -> Any:
        if not _done(future).wait(timeout_sec):
            raise GraphError(f"no answer within {timeout_sec:g} s")
        return future.result()

    def _spin(self) -> None:
        try:
            self._executor.spin()
        except ExternalShutdownException:
            return


def _done(future: Future) -> threading.Event:
    event = threading.Event()
    future.add_done_callback(lambda _: event.set())
    return event


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise GraphError(message)
