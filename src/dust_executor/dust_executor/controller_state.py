"""The trajectory controller's state: what it commands, heard as often as is cheap."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node

from dust_executor.messages import ReferenceReader
from dust_executor.quiet import QUIET_SUBSCRIPTION
from dust_msgs.msg import ControllerState
from dust_node.polled import Polled
from dust_node.qos import SENSOR

try:
    from control_msgs.msg import JointTrajectoryControllerState
except ImportError:
    JointTrajectoryControllerState = ControllerState

TOPIC = "fr3_arm_controller/controller_state"

# A real controller reports each of its 1000 updates a second; to hear them all would cost Python a
# good part of a processor core.
_FASTEST = 150.0
_LOOKED_AT = 100


class ControllerStates:
    """Hears each controller_state; where they come too fast, the newest when it is looked for.

    Args:
        node: Node that listens.
        joint_names: Arm joints [J].
        heard: Takes the time of each command, ns, and its positions [J], rad.
        always: Whether to hear each one, however fast they come.
    """

    def __init__(
        self,
        node: Node,
        joint_names: Sequence[str],
        heard: Callable[[int, NDArray[np.float64]], None],
        *,
        always: bool,
    ) -> None:
        self._node, self._heard, self._always = node, heard, always
        self._reader = ReferenceReader(joint_names)
        self._count, self._first = 0, 0
        self._polled: Polled | None = None
        self._subscription: Any = node.create_subscription(
            JointTrajectoryControllerState,
            TOPIC,
            self._on_state,
            SENSOR,
            event_callbacks=QUIET_SUBSCRIPTION,
        )

    def look(self) -> None:
        """Hear the newest one, if they come too fast; call it some tens of times per second."""
        message = self._polled.take() if self._polled is not None else None
        reference = None if message is None else self._reader.read(message)
        if reference is not None:
            self._heard(*reference)

    def close(self) -> None:
        """Stop listening."""
        self._stop_hearing()
        if self._polled is not None:
            self._polled.close()
            self._polled = None

    def _stop_hearing(self) -> None:
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def _on_state(self, message: Any) -> None:
        reference = self._reader.read(message)
        if reference is None or self._subscription is None:
            return
        if not self._always and self._is_too_fast(reference[0]):
            self._node.get_logger().info(
                f"{TOPIC} comes at more than {_FASTEST:g} Hz: only the newest is looked at now, "
                "once a cycle; controller.feedback: always hears each one all the same"
            )
            self._stop_hearing()
            self._polled = Polled(self._node, JointTrajectoryControllerState, TOPIC)
            return
        self._heard(*reference)

    def _is_too_fast(self, stamp: int) -> bool:
        if self._count == 0:
            self._first = stamp
        self._count += 1
        if self._count < _LOOKED_AT:
            return False
        seconds = (stamp - self._first) * 1e-9
        self._count = 0
        return 0.0 < seconds < (_LOOKED_AT - 1) / _FASTEST
