"""Services `~/pause` and `~/resume`: a task that waits, at the policy and at the executor."""

from collections.abc import Callable
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from std_srvs.srv import Trigger

from dust_node.verdict import Code
from dust_policy.task import Mode, Phase
from dust_policy.task_server import TaskServer

_NO_TASK = "no task is running"


class Pausing:
    """Pause the task that runs, and let it go on only when somebody asks for it."""

    def __init__(
        self,
        node: Node,
        server: TaskServer,
        *,
        timeout_sec: Callable[[], float],
        on_resume: Callable[[], None],
    ) -> None:
        """Offer the services.

        Args:
            node: Node that offers them; it is spun by someone else.
            server: Knows the task and the way to the executor.
            timeout_sec: Returns how long the executor may take to answer.
            on_resume: Called when the task goes on.
        """
        self._node = node
        self._server = server
        self._timeout_sec = timeout_sec
        self._on_resume = on_resume
        # A group of their own: the executor's answer has to get in while one of them waits.
        group = MutuallyExclusiveCallbackGroup()
        self._services = [
            node.create_service(Trigger, "~/pause", self._serve_pause, callback_group=group),
            node.create_service(Trigger, "~/resume", self._serve_resume, callback_group=group),
        ]

    async def pause(self, reason: str) -> str:
        """Pause the task; return why not, an empty text if it is paused now."""
        task = self._server.task
        if task is None or task.phase != Phase.RUNNING:
            return _NO_TASK
        if task.paused:
            return "the task is paused already"
        task.paused = True
        problem = await self._ask(True)
        if problem:
            task.paused = False
        else:
            self._node.get_logger().warning(f"{reason}; call dust_policy/resume to go on")
        return problem

    async def resume(self) -> str:
        """Let the task go on; return why not, an empty text if it does."""
        task = self._server.task
        if task is None or task.phase != Phase.RUNNING:
            return _NO_TASK
        if not (task.paused or self._is_executor_paused()):
            return "the task is not paused"
        problem = await self._ask(False)
        # Whoever let the executor go on already has done that half.
        if problem and self._is_executor_paused():
            return problem
        task.paused = False
        self._on_resume()
        return ""

    def pause_or_end(self, reason: str) -> None:
        """Pause the task for a cause; end it if the executor can't be paused."""

        async def work() -> None:
            problem = await self.pause(reason)
            if problem and problem != _NO_TASK:
                text = f"{reason}; and the executor could not be paused: {problem}"
                self._server.end(Code.SURPRISED, text)

        executor: Any = self._node.executor
        executor.create_task(work)

    def destroy(self) -> None:
        """Take the services away."""
        for service in self._services:
            self._node.destroy_service(service)

    def _is_executor_paused(self) -> bool:
        executor = self._server.status.executor
        return executor is not None and executor.mode == Mode.PAUSED

    async def _ask(self, pause: bool) -> str:
        try:
            return await self._server.link.pause_task(pause, timeout_sec=self._timeout_sec())
        except (ConnectionError, TimeoutError) as error:
            return str(error)

    async def _serve_pause(self, request: Any, response: Any) -> Any:
        response.message = await self.pause("the task is paused by request")
        response.success = not response.message
        return response

    async def _serve_resume(self, request: Any, response: Any) -> Any:
        response.message = await self.resume()
        response.success = not response.message
        return response
