"""Single targets at a steady rate, for controllers that follow the newest one (crisp_controllers).

    plan     ----x----x----x----x----x----> rest
    targets      |    |    |    |    |      sampled at the time they are sent

The last target is held by the controller: when this node dies, the arm stops where it was sent
last, without the braking tail that a trajectory has. When it ends as it should, it brakes first.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState

from dust_executor.messages import floats, to_time
from dust_executor.plan import Plan
from dust_executor.quintic import NS
from dust_node.clock import beat

_AFTERGLOW = NS // 10
_NEWEST = QoSProfile(depth=1)


def target(plan: Plan | None, now: int, *, in_task: bool) -> NDArray[np.float64] | None:
    """Return the positions [J] to send at `now` (ns), rad; None while the arm is nobody's to move.

    Args:
        plan: The committed plan.
        now: Time, ns.
        in_task: Whether a task runs.
    """
    if plan is None:
        return None
    # A plan of one knot was made from where the arm stands: it moves nothing.
    moves = len(plan.times) > 1 and now <= plan.end + _AFTERGLOW
    if not (in_task or moves):
        return None
    position: NDArray[np.float64] = plan.at(now)[0]
    return position


class JointTargets:
    """Publishes targets.

    crisp_controllers takes positions by their order, not by name, and keeps the last velocity that
    it was given: so there are none, and the order is that of `joint_names`.

    Args:
        node: Node that publishes.
        topic: Name of the topic.
        joint_names: Arm joints [J], in the controller's order.
        rate: Targets per second, Hz.
        sample: Returns time (ns) and target [J] now; see `target`.
    """

    def __init__(
        self,
        node: Node,
        topic: str,
        joint_names: Sequence[str],
        *,
        rate: float,
        sample: Callable[[], tuple[int, NDArray[np.float64] | None]],
    ) -> None:
        self._node, self._sample = node, sample
        self._message = JointState(name=list(joint_names))
        self._publisher = node.create_publisher(JointState, topic, _NEWEST)
        self._timer = beat(node, 1.0 / rate, self._send)

    def close(self) -> None:
        """Stop publishing."""
        self._node.destroy_timer(self._timer)
        self._node.destroy_publisher(self._publisher)

    def _send(self) -> None:
        now, positions = self._sample()
        if positions is None:
            return
        self._message.header.stamp = to_time(now)
        self._message.position = floats(positions)
        self._publisher.publish(self._message)
