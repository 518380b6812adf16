"""The action `execute_task`: one task at a time, from goal to result, without ever blocking."""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from rclpy.action import ActionServer, CancelResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.task import Future

from dust_msgs.action import ExecuteTask
from dust_msgs.msg import StageSummary
from dust_node.clock import told
from dust_node.executor_link import ExecutorLink
from dust_node.verdict import Code, Verdict
from dust_policy.task import Mode, Status, Task, check_goal, refusal

_WATCH_PERIOD_SEC = 0.05

# A process that did not get round to it for so long was suspended, or its machine is overloaded.
_SLEPT_SEC = 0.5

# After that it first hears what was said meanwhile, also by a simulation's clock, and judges then.
_LISTEN_SEC = 0.5

_CANCELED = "the client canceled the task"


class Progress(NamedTuple):
    """What feedback tells about the chunks of a task.

    Attributes:
        chunks: Chunks published so far.
        action_steps: Denoising steps of the newest, N_A; 0: there is none.
        vision_steps: Denoising steps of the newest, N_o.
        surprise: Newest score; NaN: unknown.
    """

    chunks: int
    action_steps: int
    vision_steps: int
    surprise: float


class Seat(Protocol):
    """What the node behind the action does for a task."""

    active: bool

    def now_ns(self) -> int:
        """Return the node clock's time."""

    def new_task(self, task_id: str, instruction: str, time_limit: float) -> Task:
        """Make the task with the node's limits."""

    def longest_task(self) -> float:
        """Return the longest time limit that is allowed. Unit: s."""

    def executor_timeout(self) -> float:
        """Return how long the executor may take to answer. Unit: s."""

    def begin(self, task: Task) -> None:
        """Take up the task: perception is told the instruction."""

    def run(self, task: Task) -> None:
        """Begin to publish chunks: the executor agreed."""

    def finish(self, task: Task) -> None:
        """Publish nothing more for the task."""

    def progress(self) -> Progress:
        """Return how far the task is."""

    def latency(self) -> Sequence[StageSummary]:
        """Return how long each stage of the task took."""

    def feedback_period(self) -> float:
        """Return the time between two feedback messages. Unit: s."""


class TaskServer:
    """Serve the action for a node. Lives as long as the node, so that every goal gets an answer.

    Attributes:
        task: The task that is being worked on; None: none.
        status: What is known about what the task depends on; the node keeps it up to date.
        link: The way to the executor.
    """

    def __init__(self, node: Node, seat: Seat) -> None:
        """Offer the action.

        Args:
            node: Node that the action belongs to.
            seat: What does the work; usually the same object.
        """
        self._node = node
        self._seat = seat
        self._source = node.get_name()
        self.task: Task | None = None
        self.status = Status()
        self._goal: ServerGoalHandle | None = None
        self._wake: Future = Future()
        self._watched = self._listens_until = time.monotonic()
        self._fed_back_ns = 0
        self.link = ExecutorLink(node)
        self._server = ActionServer(
            node, ExecuteTask, "execute_task", self._execute, cancel_callback=self._cancel
        )
        self._feedback_topic = node.resolve_topic_name("execute_task") + "/_action/feedback"
        # A simulation's clock that stands still must not keep a task from being canceled.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = node.create_timer(_WATCH_PERIOD_SEC, self.watch, clock=steady)

    def end(self, code: Code, text: str) -> None:
        """End the task that runs, if one does."""
        if self.task is not None:
            self.task.end(code, text)
            self.watch()

    def watch(self) -> None:
        """Look after the task: end it if need be, report how it goes, wake who waits for that."""
        task = self.task
        if task is None:
            return
        now_ns, moment = self._seat.now_ns(), time.monotonic()
        if moment - self._watched > _SLEPT_SEC:
            self._listens_until = moment + _LISTEN_SEC
        self._watched = moment
        if moment < self._listens_until:
            task.slept(now_ns)
        if self._node.count_subscribers(self._feedback_topic):
            self.status.client_ns = now_ns
        task.watch(self.status, now_ns)
        self._feed_back(task, now_ns)
        if (task.verdict or task.is_ready(self.status, now_ns)) and not self._wake.done():
            self._wake.set_result(None)

    def destroy(self) -> None:
        """Take the action away."""
        self._node.destroy_timer(self._timer)
        self._server.destroy()

    def _cancel(self, goal: ServerGoalHandle) -> CancelResponse:
        if self.task is not None and self.task.task_id == _name(goal):
            self.end(Code.CANCELED, _CANCELED)
        return CancelResponse.ACCEPT

    async def _execute(self, goal: ServerGoalHandle) -> ExecuteTask.Result:
        """Carry out one goal; every way out gives a result with code and text."""
        request = goal.request
        await told(self._node)
        if goal.is_cancel_requested:
            goal.canceled()
            return ExecuteTask.Result(error_code=Code.CANCELED, error_msg=_CANCELED)
        verdict = self._refuse(request)
        if verdict is not None:
            goal.abort()
            return ExecuteTask.Result(error_code=verdict.code, error_msg=verdict.text)
        task_id = _name(goal)
        task = self._seat.new_task(task_id, request.instruction, request.time_limit)
        self.task, self._goal, self.status = task, goal, Status(executor=self.status.executor)
        try:
            await self._perform(task)
        except Exception as error:
            task.end(Code.UNKNOWN, f"internal error: {error!r}")
        return await self._conclude(task, goal)

    def _refuse(self, request: ExecuteTask.Goal) -> Verdict | None:
        if not self._seat.active:
            return Verdict(Code.NOT_ACTIVE, f"{self._source} is not active: activate it first")
        if not self._seat.now_ns():
            return Verdict(Code.NOT_ACTIVE, "the clock stands at 0: does anybody publish /clock?")
        problem = check_goal(
            request.instruction, request.time_limit, longest=self._seat.longest_task()
        )
        if problem:
            return Verdict(Code.INVALID_GOAL, problem)
        if self.task is not None:
            text = f"'{self.task.instruction}' is under way: cancel it or wait for its end"
            return Verdict(Code.BUSY, text)
        return None

    async def _perform(self, task: Task) -> None:
        """Wait for what the task needs, ask the executor, run until a verdict."""
        self._seat.begin(task)
        await self._woken()
        if task.verdict:
            return
        task.starting()
        await self._ask_executor(task)
        if not task.verdict:
            task.running(self._seat.now_ns())
            self._seat.run(task)
            await self._woken()

    async def _ask_executor(self, task: Task) -> None:
        timeout_sec = self._seat.executor_timeout()
        try:
            problem = await self.link.start_task(
                task.task_id, self._source, timeout_sec=timeout_sec
            )
        except ConnectionError as error:
            task.refused(Verdict(Code.EXECUTOR_UNAVAILABLE, f"{error}: is the executor active?"))
        except TimeoutError as error:
            task.end(Code.EXECUTOR_UNAVAILABLE, str(error))
        else:
            if problem:
                task.refused(refusal(self.status.executor, problem))

    async def _conclude(self, task: Task, goal: ServerGoalHandle) -> ExecuteTask.Result:
        """End the task at the executor, give the result, be free for the next one."""
        verdict = task.verdict
        assert verdict is not None
        try:
            self._finish(task)
            if task.engaged:
                await self._release_executor(task, verdict)
            return self._result(task, goal, verdict)
        finally:
            self.task, self._goal = None, None

    def _finish(self, task: Task) -> None:
        """Let the seat finish; whatever goes wrong there, the executor and the client are told."""
        try:
            self._seat.finish(task)
        except Exception as error:
            self._node.get_logger().error(f"end of the task: {error!r}")

    def _result(self, task: Task, goal: ServerGoalHandle, verdict: Verdict) -> ExecuteTask.Result:
        result = ExecuteTask.Result(
            error_code=verdict.code,
            error_msg=verdict.text,
            elapsed_time=task.elapsed(self._seat.now_ns()),
            chunks=self._seat.progress().chunks,
            latency=list(self._seat.latency()),
        )
        if goal.is_cancel_requested and verdict.code == Code.CANCELED:
            goal.canceled()
        else:
            goal.abort()
        return result

    async def _release_executor(self, task: Task, verdict: Verdict) -> None:
        problem = await self.link.end_task(
            task.task_id,
            verdict.text,
            timeout_sec=self._seat.executor_timeout(),
            silent=verdict.code == Code.EXECUTOR_UNAVAILABLE,
        )
        if problem:
            self._node.get_logger().warning(f"end of the task: {problem}")

    async def _woken(self) -> None:
        """Wait until `watch` finds that the task is ready or over."""
        self._wake = Future()
        await self._wake

    def _feed_back(self, task: Task, now_ns: int) -> None:
        due = now_ns - self._fed_back_ns >= self._seat.feedback_period() * 1e9
        if self._goal is None or task.verdict or not (due or now_ns < self._fed_back_ns):
            return
        self._fed_back_ns = now_ns
        executor = self.status.executor
        feedback: Any = ExecuteTask.Feedback(
            elapsed_time=task.elapsed(now_ns),
            buffer=executor.buffer if executor else 0.0,
            paused=task.paused or (executor is not None and executor.mode == Mode.PAUSED),
            **self._seat.progress()._asdict(),
        )
        self._goal.publish_feedback(feedback)


def _name(goal: ServerGoalHandle) -> str:
    """Return the goal's id as text: the task's name."""
    return bytes(goal.goal_id.uuid).hex()
