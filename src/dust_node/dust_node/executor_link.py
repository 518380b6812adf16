"""The executor's services, asked without ever blocking."""

from typing import Any

from rclpy.client import Client
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.task import Future

from dust_msgs.srv import EndTask, StartTask


class ExecutorLink:
    """Ask the executor to start and end tasks.

    Args:
        node: Node that asks; it is spun by someone else.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._start = node.create_client(StartTask, "dust_executor/start_task")
        self._end = node.create_client(EndTask, "dust_executor/end_task")
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

    async def end_task(self, task_id: str, reason: str, *, timeout_sec: float) -> str:
        """Ask to end a task; return why it did not, an empty text if it did.

        Raises:
            ConnectionError: Nobody offers the service.
            TimeoutError: The answer did not come in time.
        """
        request = EndTask.Request(task_id=task_id, reason=reason)
        response = await self._call(self._end, request, timeout_sec)
        return "" if response.success else response.message or "no reason given"

    def close(self) -> None:
        """Release the clients."""
        self._node.destroy_client(self._start)
        self._node.destroy_client(self._end)

    async def _call(self, client: Client, request: Any, timeout_sec: float) -> Any:
        """Return the response, however long it takes up to the timeout."""
        if not await self._is_there(client, timeout_sec):
            raise ConnectionError(f"nobody offers {client.srv_name}")
        answer = client.call_async(request)
        timer = self._node.create_timer(timeout_sec, answer.cancel, clock=self._clock)
        response = await self._settled(answer)
        self._node.destroy_timer(timer)
        if response is None:
            client.remove_pending_request(answer)
            raise TimeoutError(f"{client.srv_name} did not answer within {timeout_sec:g} s")
        return response

    async def _is_there(self, client: Client, timeout_sec: float) -> bool:
        """Wait until the service is discovered; return whether it was in time."""
        if client.service_is_ready():
            return True
        found: Future = Future()
        deadline_ns = self._clock.now().nanoseconds + round(timeout_sec * 1e9)

        def look() -> None:
            ready = client.service_is_ready()
            if not found.done() and (ready or self._clock.now().nanoseconds > deadline_ns):
                found.set_result(ready)

        timer = self._node.create_timer(0.05, look, clock=self._clock)
        ready = await found
        self._node.destroy_timer(timer)
        return bool(ready)

    @staticmethod
    async def _settled(answer: Future) -> Any:
        """Wait for an answer or its cancellation, which gives None."""
        settled: Future = Future()
        answer.add_done_callback(
            lambda future: settled.set_result(None if future.cancelled() else future.result())
        )
        return await settled
