"""The time of a clock as a number, for those who ask hundreds of times a second."""

from rclpy.clock import Clock
from rclpy.node import Node

from dust_node.waiting import until

FIRST_SEC = 5.0
"""How long a simulation's clock may take to be discovered, on a busy machine too. Unit: s."""


def nanoseconds(clock: Clock) -> int:
    """Return a clock's time, ns: what `clock.now()` wraps into a Time, in a third of the time."""
    with clock.handle:
        return int(clock.handle.get_now().nanoseconds)


async def told(node: Node, *, timeout_sec: float = FIRST_SEC) -> bool:
    """Wait until the node knows the time; return whether it does.

    With `use_sim_time` a node that has just started knows none before it hears /clock. Whoever
    asks it for something in that moment need not be told to try again.
    """
    clock = node.get_clock()
    return await until(node, lambda: nanoseconds(clock) > 0, timeout_sec=timeout_sec)
