"""A subscription that wakes nobody: for topics that come more often than they are needed."""

from collections.abc import Iterator
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import QoSHistoryPolicy, QoSProfile, QoSReliabilityPolicy


class Never(CallbackGroup):
    """Callback group that keeps what belongs to it out of the executor's wait."""

    def can_execute(self, entity: Any) -> bool:
        """Return False: nothing here is the executor's."""
        return False

    def beginning_execution(self, entity: Any) -> bool:
        """Return False, as above."""
        return False

    def ending_execution(self, entity: Any) -> None:
        """Nothing to end."""


class Polled:
    """The newest messages of a topic, taken when they are asked for.

    A state at 1 kHz costs the middleware a copy each, and Python nothing until `take`.

    Args:
        node: Node that subscribes.
        kind: Type of the messages.
        topic: Name of the topic.
        depth: How many of the newest messages are kept.
    """

    def __init__(self, node: Node, kind: Any, topic: str, *, depth: int = 1) -> None:
        self._node = node
        self._subscription = node.create_subscription(
            kind,
            topic,
            lambda _: None,
            QoSProfile(
                history=QoSHistoryPolicy.KEEP_LAST,
                depth=depth,
                reliability=QoSReliabilityPolicy.BEST_EFFORT,
            ),
            callback_group=Never(),
            event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False),
        )

    def take(self) -> Any:
        """Return the oldest message that is kept and was not taken yet; None if there is none."""
        subscription = self._subscription
        with subscription.handle:
            taken = subscription.handle.take_message(subscription.msg_type, subscription.raw)
        return None if taken is None else taken[0]

    def take_all(self) -> Iterator[Any]:
        """Yield the messages that are kept and were not taken yet, the oldest first."""
        while (message := self.take()) is not None:
            yield message

    def close(self) -> None:
        """Leave the topic."""
        self._node.destroy_subscription(self._subscription)
