"""The executor's services, asked without ever blocking."""

import math
from typing import Any

from rclpy.client import Client
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.task import Future
from rclpy.timer import Timer
from std_srvs.srv import SetBool

from dust_msgs.srv import EndTask, StartTask
from dust_node.waiting import until

SILENT_SEC = 0.5
"""How long an executor that has fallen silent is waited for. Unit: s.

What it was asked it still hears when it comes back.
"""

AGAIN_SEC = 0.5
"""How long an answer is waited for before the executor is asked again, at most. Unit: s.

Of an executor that has just come, or come back after a crash, a request may miss the service or
the answer its way back: each side hears of the other in its own time. So what the executor may be
asked twice is asked again.
"""


class ExecutorLink:
    """Ask the executor to start, pause and end tasks.

    Args:
        node: Node that asks; it is spun by someone else.

    Attributes:
        closed: Whether nothing can be asked any more.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._start = node.create_client(StartTask, "dust_executor/start_task")
        self._end = node.create_client(EndTask, "dust_executor/end_task")
        self._pause = node.create_client(SetBool, "dust_executor/pause")
        # Answers take real time, whatever a simulation's clock does.
        self._clock = Clock(clock_type=ClockType.STEADY_TIME)
        self._open: dict[Future, Timer] = {}
        self.closed = False

    async def start_task(self, task_id: str, source: str, *, timeout_sec: float) -> str:
        """Ask to start a task; return why it did not, an empty text if it did.

        Raises:
            ConnectionError: Nobody offers the service, or the link was closed.
            TimeoutError: The answer did not come in time.
        """
        request = StartTask.Request(task_id=task_id, source=source)
        response = await self._call(self._start, request, timeout_sec, again=True)
        return "" if response.success else response.message or "no reason given"

    async def end_task(
        self, task_id: str, reason: str, *, timeout_sec: float, silent: bool = False
    ) -> str:
        """Ask to end a task; return why it did not, an empty text if it did.

        Args:
            task_id: Of the task.
            reason: Why it ends.
            timeout_sec: Longest wait for the answer, s.
            silent: The executor has fallen silent, and is not waited for longer than
                `SILENT_SEC`.
        """
        request = EndTask.Request(task_id=task_id, reason=reason)
        timeout_sec = min(timeout_sec, SILENT_SEC) if silent else timeout_sec
        try:
            response = await self._call(self._end, request, timeout_sec, again=True)
        except (ConnectionError, TimeoutError) as error:
            return str(error)
        return "" if response.success else response.message or "no reason given"

    async def pause_task(self, pause: bool, *, timeout_sec: float) -> str:
        """Ask to pause the task, or to let it go on; return why it did not, else an empty text.

        Raises:
            ConnectionError: Nobody offers the service, or the link was closed.
            TimeoutError: The answer did not come in time.
        """
        response = await self._call(self._pause, SetBool.Request(data=pause), timeout_sec)
        return "" if response.success else response.message or "no reason given"

    def close(self) -> None:
        """End what is being asked, as if nobody answered, and release the clients."""
        if self.closed:
            return
        self.closed = True
        while self._open:
            response, timer = self._open.popitem()
            self._node.destroy_timer(timer)
            _settle(response, None)
        self._node.destroy_client(self._start)
        self._node.destroy_client(self._end)
        self._node.destroy_client(self._pause)

    async def _call(
        self, client: Client, request: Any, timeout_sec: float, *, again: bool = False
    ) -> Any:
        """Return the first response, however long it takes up to the timeout.

        Args:
            client: Of the service.
            request: What is asked.
            timeout_sec: Longest wait for the service, and then for the response, s.
            again: Ask again while there is no response; the executor must not mind.
        """

        def ready_or_closed() -> bool:
            # Once closed, the client is gone and must not even be asked whether it is ready.
            return self.closed or client.service_is_ready()

        if not await until(self._node, ready_or_closed, timeout_sec=timeout_sec):
            raise ConnectionError(f"nobody offers {client.srv_name}")
        if self.closed:
            raise ConnectionError(f"{client.srv_name} is not asked any more: the link was closed")
        response: Future = Future()
        asked: list[Future] = []
        turns = math.ceil(timeout_sec / AGAIN_SEC) if again else 1

        def ask() -> None:
            answer = client.call_async(request)
            answer.add_done_callback(lambda given: _settle(response, given.result()))
            asked.append(answer)

        def look() -> None:
            # The executor may have this callback in hand already when the call ends.
            if response.done():
                return
            if len(asked) < turns:
                ask()
            else:
                _settle(response, None)

        ask()
        timer = self._node.create_timer(timeout_sec / turns, look, clock=self._clock)
        self._open[response] = timer
        result = await response
        self._open.pop(response, None)
        self._node.destroy_timer(timer)
        for answer in asked:
            client.remove_pending_request(answer)
        if result is None:
            when = "before the link was closed" if self.closed else f"within {timeout_sec:g} s"
            raise TimeoutError(f"{client.srv_name} did not answer {when}")
        return result


def _settle(response: Future, result: Any) -> None:
    if not response.done():
        response.set_result(result)
