"""The time of a clock as a number, for those who ask hundreds of times a second."""

from collections.abc import Callable

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.timer import Timer

from dust_node.waiting import until

FIRST_SEC = 5.0
"""How long a simulation's clock may take to be discovered, on a busy machine too. Unit: s."""


def nanoseconds(clock: Clock) -> int:
    """Return a clock's time, ns: what `clock.now()` wraps into a Time, in a third of the time."""
    with clock.handle:
        return int(clock.handle.get_now().nanoseconds)


def even(node: Node) -> Clock:
    """Return the clock that durations go by, whatever is done to the system's clock.

    It is a steady one; with `use_sim_time` the node's, which is the simulation's.
    """
    simulated = bool(node.get_parameter("use_sim_time").value)
    return node.get_clock() if simulated else Clock(clock_type=ClockType.STEADY_TIME)


def beat(node: Node, period_sec: float, callback: Callable[[], None]) -> Timer:
    """Return a timer for what must go on whatever is done to the system's clock.

    A timer of the node's own clock waits as long as that was set back. With `use_sim_time` it goes
    by the simulation all the same.
    """
    return node.create_timer(period_sec, callback, clock=even(node))


async def told(node: Node, *, timeout_sec: float = FIRST_SEC) -> bool:
    """Wait until the node knows the time; return whether it does.

    With `use_sim_time` a node that has just started knows none before it hears /clock. Whoever
    asks it for something in that moment need not be told to try again.
    """
    clock = node.get_clock()
    return await until(node, lambda: nanoseconds(clock) > 0, timeout_sec=timeout_sec)
