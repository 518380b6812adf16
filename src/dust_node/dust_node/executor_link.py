"""The executor's services, asked without ever blocking."""

from typing import Any

from rclpy.client import Client
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import SetBool

from dust_msgs.srv import EndTask, StartTask
from dust_node.waiting import until

SILENT_SEC = 0.5
"""How long an executor that has fallen silent is waited for. Unit: s.

What it was asked it still hears when it comes back.
"""


class ExecutorLink:
    """Ask the executor to start, pause and end tasks.

    Args:
        node: Node that asks; it is spun by someone else.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._start = node.create_client(StartTask, "dust_executor/start_task")
        self._end = node.create_client(EndTask, "dust_executor/end_task")
        self._pause = node.create_client(SetBool, "dust_executor/pause")
        # Answers take real time, whatever a simulation's clock does.
        self._clock = Clock(clock_type=ClockType.STEADY_TIME)

    async def start_task(self, task_id: str, source: str, *, timeout_sec: float) -> str:
        """Ask to start a task; return why it did not, an empty text if it did.

        Raises:
            ConnectionError: Nobody offers the service.
            TimeoutError: The answer did not come in time.
        """
        request = StartTask.Request(task_id=task_id, source=source)
        response = await self._call(self._start, request, timeout_sec)
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
            response = await self._call(self._end, request, timeout_sec)
        except (ConnectionError, TimeoutError) as error:
            return str(error)
        return "" if response.success else response.message or "no reason given"

    async def pause_task(self, pause: bool, *, timeout_sec: float) -> str:
        """Ask to pause the task, or to let it go on; return why it did not, else an empty text.

        Raises:
            ConnectionError: Nobody offers the service.
            TimeoutError: The answer did not come in time.
        """
        response = await self._call(self._pause, SetBool.Request(data=pause), timeout_sec)
        return "" if response.success else response.message or "no reason given"

    def close(self) -> None:
        """Release the clients."""
        self._node.destroy_client(self._start)
        self._node.destroy_client(self._end)
        self._node.destroy_client(self._pause)

    async def _call(self, client: Client, request: Any, timeout_sec: float) -> Any:
        """Return the response, however long it takes up to the timeout."""
        if not await until(self._node, client.service_is_ready, timeout_sec=timeout_sec):
            raise ConnectionError(f"nobody offers {client.srv_name}")
        answer = client.call_async(request)
        timer = self._node.create_timer(timeout_sec, answer.cancel, clock=self._clock)
        response = await self._settled(answer)
        self._node.destroy_timer(timer)
        if response is None:
            client.remove_pending_request(answer)
            raise TimeoutError(f"{client.srv_name} did not answer within {timeout_sec:g} s")
        return response

    @staticmethod
    async def _settled(answer: Future) -> Any:
        """Wait for an answer or its cancellation, which gives None."""
        settled: Future = Future()
        answer.add_done_callback(
            lambda future: settled.set_result(None if future.cancelled() else future.result())
        )
        return await settled
