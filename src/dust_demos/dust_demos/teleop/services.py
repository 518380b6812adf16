"""Calls of services that never block."""

from typing import Any

from rclpy.client import Client
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.task import Future


async def call(node: Node, client: Client, request: Any, *, timeout_sec: float) -> Any:
    """Return a service's response.

    Args:
        node: Node that asks; it is spun by someone else.
        client: Of the service.
        request: What is asked.
        timeout_sec: Longest wait, in real time whatever a simulation's clock does. Unit: s.

    Raises:
        ConnectionError: Nobody offers the service.
        TimeoutError: The answer did not come in time.
    """
    if not client.service_is_ready():
        raise ConnectionError(f"nobody offers {client.srv_name}")
    answer = client.call_async(request)
    settled: Future = Future()
    answer.add_done_callback(
        lambda future: settled.set_result(None if future.cancelled() else future.result())
    )
    steady = Clock(clock_type=ClockType.STEADY_TIME)
    timer = node.create_timer(timeout_sec, answer.cancel, clock=steady)
    response = await settled
    node.destroy_timer(timer)
    if response is None:
        client.remove_pending_request(answer)
        raise TimeoutError(f"{client.srv_name} did not answer within {timeout_sec:g} s")
    return response
