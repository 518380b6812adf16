"""Waiting inside a coroutine for what no future announces."""

from collections.abc import Callable

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.task import Future

_LOOK_SEC = 0.05


async def until(node: Node, condition: Callable[[], bool], *, timeout_sec: float) -> bool:
    """Look every 50 ms whether a condition holds; the node goes on spinning meanwhile.

    Args:
        node: Node that is spun by someone else.
        condition: What is waited for; cheap to ask.
        timeout_sec: Longest wait in real time, whatever a simulation's clock does. Unit: s.

    Returns:
        Whether the condition held in time.
    """
    if condition():
        return True
    clock = Clock(clock_type=ClockType.STEADY_TIME)
    deadline_ns = clock.now().nanoseconds + round(timeout_sec * 1e9)
    found: Future = Future()

    def look() -> None:
        holds = condition()
        if not found.done() and (holds or clock.now().nanoseconds > deadline_ns):
            found.set_result(holds)

    timer = node.create_timer(_LOOK_SEC, look, clock=clock)
    holds = await found
    node.destroy_timer(timer)
    return bool(holds)
