"""A client of the running graph: reset, execute, judge, audit; each call waits for its answer."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import rclpy
from action_msgs.msg import GoalStatus
from rclpy.action import ActionClient
from rclpy.action.client import ClientGoalHandle
from rclpy.client import Client
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.task import Future
from std_srvs.srv import Trigger

from dust_eval.arm_watch import ArmWatch
from dust_eval.trial import TrialSpec
from dust_msgs.action import ExecuteTask
from dust_msgs.msg import ExecutorState
from dust_msgs.srv import AuditCommands, InjectFault, JudgeCell, ResetCell

ANSWER_SEC = 20.0
"""Longest wait for the answer of a service that is there."""


class GraphError(RuntimeError):
    """The graph is not as it should be: something is missing or refused."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the success oracle says: score 0, 0.5 or 1, and why."""

    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class Audit:
    """Commanded samples at 1 kHz against the robot's limits.

    Attributes:
        samples: Samples looked at.
        outside: Samples outside position, velocity, acceleration, jerk limits.
        peak: Largest share used of each limit. Unit: 1.
    """

    samples: int
    outside: tuple[int, int, int, int]
    peak: tuple[float, float, float, float]


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


class CellClient:
    """Talk to the cell and to whoever serves `execute_task`.

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
        self._reset = self.node.create_client(ResetCell, "dust_sim/reset")
        self._judge = self.node.create_client(JudgeCell, "dust_sim/judge")
        self._audit = self.node.create_client(AuditCommands, "dust_sim/audit")
        self._fault = self.node.create_client(InjectFault, "dust_sim/inject_fault")
        self._rearm = self.node.create_client(Trigger, "dust_executor/rearm")
        self._task = ActionClient(self.node, ExecuteTask, "execute_task")
        self._arm = ArmWatch(self.node)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._spin, name="dust_eval", daemon=True)
        self._thread.start()

    def __enter__(self) -> "CellClient":
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

    def wait_ready(self, *, timeout_sec: float, alive: Callable[[], bool] = lambda: True) -> None:
        """Wait until everything that a trial needs answers.

        Args:
            timeout_sec: Longest wait in all. Unit: s.
            alive: Whether the graph's processes still run; checked while waiting.

        Raises:
            GraphError: Names what did not come up.
        """
        waits: list[tuple[str, Callable[[float], bool]]] = [
            ("service dust_sim/reset", lambda step: self._reset.wait_for_service(step)),
            ("service dust_sim/judge", lambda step: self._judge.wait_for_service(step)),
            ("service dust_executor/rearm", lambda step: self._rearm.wait_for_service(step)),
            ("action execute_task", lambda step: self._task.wait_for_server(step)),
            ("topic joint_states", self._arm.measured.wait),
            ("topic executor_state", self._arm.planned.wait),
        ]
        step_sec = 0.5
        steps = math.ceil(timeout_sec / step_sec)
        for name, wait in waits:
            while not wait(step_sec):
                steps -= 1
                if not alive():
                    raise GraphError(f"the graph ended while waiting for {name}")
                if steps <= 0:
                    raise GraphError(f"{name} did not come up within {timeout_sec:g} s")

    def reset(self, spec: TrialSpec) -> str:
        """Put the cell into the trial's start configuration.

        Returns:
            The instruction in words.

        Raises:
            GraphError: The cell refused.
        """
        request = ResetCell.Request(
            task=spec.task,
            object_name=spec.object_name,
            seed=spec.seed,
            distractors=list(spec.distractors),
        )
        answer = self._call(self._reset, request)
        _require(answer.success, answer.message)
        self._wait_agreement()
        return answer.instruction

    def judge(self) -> Judgement:
        """Ask the success oracle."""
        answer = self._call(self._judge, JudgeCell.Request())
        return Judgement(answer.score, answer.reason)

    def audit(self, *, reset: bool) -> Audit:
        """Return the counters of commanded samples, and reset them if asked to."""
        answer = self._call(self._audit, AuditCommands.Request(reset=reset))
        outside = (
            answer.outside_position,
            answer.outside_velocity,
            answer.outside_acceleration,
            answer.outside_jerk,
        )
        peak = tuple(float(share) for share in answer.peak)
        return Audit(answer.samples, outside, peak)  # type: ignore[arg-type]

    def inject_fault(
        self, fault: str, *, target: str = "", value: float = 0.0, duration_sec: float = 0.0
    ) -> None:
        """Break a part of the cell; see dust_msgs/srv/InjectFault."""
        request = InjectFault.Request(
            fault=fault, target=target, value=float(value), duration=float(duration_sec)
        )
        answer = self._call(self._fault, request)
        _require(answer.success, answer.message)

    def rearm_if_stopped(self) -> None:
        """Let the executor move again if it has stopped for cause.

        Raises:
            GraphError: It kept refusing; the message says why.
        """
        deadline = time.monotonic() + ANSWER_SEC
        while True:
            self._arm.forget()
            _require(self._arm.planned.wait(ANSWER_SEC), "executor_state stopped")
            if self._arm.mode != ExecutorState.STOPPED:
                return
            answer = self._call(self._rearm, Trigger.Request())
            # It refuses while the arm still comes to rest.
            _require(answer.success or time.monotonic() < deadline, answer.message)

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
            How it ended, or None when it still runs after the timeout.
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

    def _wait_agreement(self) -> None:
        # The reset moved the arm by magic; a task must not begin before the executor has seen that.
        deadline = time.monotonic() + ANSWER_SEC
        self._arm.forget()
        while not self._arm.agree():
            _require(time.monotonic() < deadline, "the executor does not see where the arm is")

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
