"""Wait for an answer in a callback without blocking anyone, and not for ever."""

from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.task import Future


async def within(node: Node, answer: Future, seconds: float) -> Any:
    """Return what a future holds; None if it does not come in time.

    Args:
        node: Node whose executor runs the callback.
        answer: What is awaited.
        seconds: Longest wait, s of real time, whatever a simulation's clock does.
    """
    settled: Future = Future()

    def settle(value: Any) -> None:
        if not settled.done():
            settled.set_result(value)

    answer.add_done_callback(lambda future: settle(future.result()))
    clock = Clock(clock_type=ClockType.STEADY_TIME)
    timer = node.create_timer(seconds, lambda: settle(None), clock=clock)
    try:
        return await settled
    finally:
        node.destroy_timer(timer)
