"""Subscriptions to whatever is published of the wanted topics, taken as bytes.

Messages are not given to callbacks one by one: rclpy goes through all its subscriptions for each of
them. They wait in the middleware, which notes when they came, and are fetched 50 times a second.
"""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node
from rclpy.qos import (
    QoSDurabilityPolicy,
    QoSHistoryPolicy,
    QoSProfile,
    QoSReliabilityPolicy,
)
from rclpy.subscription import Subscription
from rclpy.topic_endpoint_info import TopicEndpointInfo

from dust_demos.recording.arrivals import Arrival, Source
from dust_demos.recording.cdr import begins_with_header
from dust_demos.recording.definitions import type_hash
from dust_demos.recording.middleware import ArrivalClock, InOrder, Numbers
from dust_demos.recording.pressing import COMPRESSED, RAW
from dust_demos.recording.recorded_topic import QosRow, RecordedTopic, offered_qos

DEPTH = 200
"""Messages of a topic that wait at most; at 100 Hz a stall of 2 s loses nothing."""

RAW_DEPTH = 30
"""The same for raw images, of which each may take a megabyte."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A topic that is to be recorded.

    Attributes:
        name: Absolute name.
        is_image: Whether it is an image topic whose compressed form is wanted.
        type_name: Type that is subscribed before anybody publishes; empty: wait for a publisher.
    """

    name: str
    is_image: bool = False
    type_name: str = ""


class PolledGroup(CallbackGroup):
    """Keeps the executor away from subscriptions that are polled."""

    def can_execute(self, entity: Any) -> bool:
        """Return False."""
        return False

    def beginning_execution(self, entity: Any) -> bool:
        """Return False."""
        return False

    def ending_execution(self, entity: Any) -> None:
        """Do nothing."""


class Ear:
    """One subscription.

    Args:
        node: Node that subscribes.
        topic: Topic that is subscribed.
        source: What becomes of its messages.
        profile: Quality of service.
        group: Keeps the executor away.

    Raises:
        ImportError: The message's package is not installed.
        AttributeError: The package has no such message.
    """

    def __init__(
        self, node: Node, topic: str, source: Source, profile: QoSProfile, group: PolledGroup
    ) -> None:
        self.topic = topic
        self.source = source
        self.key = _key(profile)
        self.numbers = Numbers()
        self.order = InOrder()
        self._node = node
        type_name = RAW if source.encode else source.topic.type_name
        self._subscription: Subscription = node.create_subscription(
            message_class(type_name),
            topic,
            _unused,
            profile,
            callback_group=group,
            raw=True,
        )

    def take(self) -> tuple[bytes, dict[str, Any]] | None:
        """Return the next message that waits, with what the middleware knows of it."""
        subscription = self._subscription
        with subscription.handle:
            return subscription.handle.take_message(subscription.msg_type, True)

    def close(self) -> None:
        """Unsubscribe."""
        self._node.destroy_subscription(self._subscription)


class Ears:
    """All subscriptions of the recorder.

    Args:
        node: Node that subscribes; it is spun in the thread that calls the methods.
        wanted: Topics.
        on_lost: Called with the source and how many of its messages were lost.
    """

    def __init__(
        self, node: Node, wanted: Sequence[Wanted], on_lost: Callable[[Source, int], None]
    ) -> None:
        self._node = node
        self._on_lost = on_lost
        self._group = PolledGroup()
        self._clock = ArrivalClock()
        self._wanted = wanted
        self._ears: dict[str, Ear] = {}
        self._raw_since: dict[str, int] = {}
        self._warned: set[str] = set()

    def scan(self) -> None:
        """Subscribe to what is published by now."""
        for wanted in self._wanted:
            topic, infos, encode = self._choice(wanted)
            if infos or wanted.type_name:
                self._hear(wanted, topic, infos, encode=encode)

    def poll(self, system_ns: int, node_ns: int, *, is_simulated: bool) -> list[Arrival]:
        """Return what came since the last time, in the order in which it came.

        Args:
            system_ns: The system's time. Unit: ns.
            node_ns: The node's time. Unit: ns.
            is_simulated: Whether the node's time is that of /clock.
        """
        self._clock.update(system_ns, node_ns, is_simulated=is_simulated)
        arrivals: list[Arrival] = []
        for ear in self._ears.values():
            while (taken := ear.take()) is not None:
                arrivals.append(self._arrival(ear, *taken))
        arrivals.sort(key=lambda arrival: arrival.time_ns)
        return arrivals

    def close(self) -> None:
        """Unsubscribe from everything."""
        for ear in self._ears.values():
            ear.close()
        self._ears.clear()

    def _arrival(self, ear: Ear, data: bytes, info: dict[str, Any]) -> Arrival:
        missed = ear.numbers.missed(info.get("publication_sequence_number"))
        if missed:
            self._on_lost(ear.source, missed)
        return Arrival(
            ear.source,
            ear.order.at(self._clock.node_ns(info["received_timestamp"])),
            self._clock.node_ns(info["source_timestamp"]),
            data,
        )

    def _choice(self, wanted: Wanted) -> tuple[str, list[TopicEndpointInfo], bool]:
        """Return the topic that is taken, its publishers, and whether its images are encoded."""
        node = self._node
        if not wanted.is_image:
            return wanted.name, node.get_publishers_info_by_topic(wanted.name), False
        compressed = f"{wanted.name}/compressed"
        infos = node.get_publishers_info_by_topic(compressed)
        if infos:
            return compressed, infos, False
        infos = node.get_publishers_info_by_topic(wanted.name)
        # The compressed topic may be discovered a moment later than the raw one beside it.
        self._raw_since[wanted.name] = self._raw_since.get(wanted.name, 0) + 1 if infos else 0
        return wanted.name, infos if self._raw_since[wanted.name] > 2 else [], True

    def _hear(
        self, wanted: Wanted, topic: str, infos: Sequence[TopicEndpointInfo], *, encode: bool
    ) -> None:
        profile = _profile(infos)
        ear = self._ears.get(wanted.name)
        if ear is not None:
            ear.numbers.publishers = len(infos)
            if not infos or (ear.topic, ear.key) == (topic, _key(profile)):
                return
            ear.close()
            del self._ears[wanted.name]
        source = _source(wanted, topic, infos, encode=encode)
        try:
            self._ears[wanted.name] = Ear(self._node, topic, source, profile, self._group)
        except (ImportError, AttributeError):
            name = source.topic.type_name
            self._warn_once(topic, f"is not recorded: source the workspace that has {name}")
            return
        told = {str(getattr(info, "topic_type_hash", "")) for info in infos}
        known = type_hash(infos[0].topic_type) if infos else ""
        if known and any(row.startswith("RIHS01_") and row != known for row in told):
            text = f"has another {infos[0].topic_type} than is installed here: build both alike"
            self._warn_once(topic, text)

    def _warn_once(self, topic: str, text: str) -> None:
        if topic not in self._warned:
            self._warned.add(topic)
            self._node.get_logger().warning(f"{topic} {text}")


def message_class(type_name: str) -> Any:
    """Return the class of a message, such as sensor_msgs/msg/JointState.

    Raises:
        ImportError: Its package is not installed.
        AttributeError: The package has no such message.
    """
    package, kind, name = type_name.split("/")
    return getattr(importlib.import_module(f"{package}.{kind}"), name)


def _source(
    wanted: Wanted, topic: str, infos: Sequence[TopicEndpointInfo], *, encode: bool
) -> Source:
    published = infos[0].topic_type if infos else wanted.type_name
    type_name = COMPRESSED if encode else published
    name = f"{topic}/compressed" if encode else topic
    rows = [_row(info.qos_profile) for info in infos] or [_row(_profile(infos))]
    return Source(
        RecordedTopic.describe(name, type_name, rows),
        gate=wanted.name,
        has_header=begins_with_header(published),
        encode=encode,
    )


def _profile(infos: Sequence[TopicEndpointInfo]) -> QoSProfile:
    """Return the best quality that all publishers offer; without any, that of latched topics."""
    raw = any(info.topic_type == RAW for info in infos)
    offered = [info.qos_profile for info in infos]
    reliable = all(row.reliability == QoSReliabilityPolicy.RELIABLE for row in offered)
    latched = all(row.durability == QoSDurabilityPolicy.TRANSIENT_LOCAL for row in offered)
    return QoSProfile(
        history=QoSHistoryPolicy.KEEP_LAST,
        depth=RAW_DEPTH if raw else DEPTH,
        reliability=(
            QoSReliabilityPolicy.RELIABLE if reliable else QoSReliabilityPolicy.BEST_EFFORT
        ),
        durability=(
            QoSDurabilityPolicy.TRANSIENT_LOCAL if latched else QoSDurabilityPolicy.VOLATILE
        ),
    )


def _row(profile: QoSProfile) -> QosRow:
    known = {"history": ("keep_last", "keep_all"), "liveliness": ("automatic", "manual_by_topic")}
    history, liveliness = profile.history.name.lower(), profile.liveliness.name.lower()
    return offered_qos(
        reliability=profile.reliability.name.lower(),
        durability=profile.durability.name.lower(),
        history=history if history in known["history"] else "unknown",
        depth=profile.depth,
        liveliness=liveliness if liveliness in known["liveliness"] else "automatic",
    )


def _key(profile: QoSProfile) -> tuple[Any, Any]:
    return profile.reliability, profile.durability


def _unused(_: bytes) -> None:
    """Stand in for a callback: messages are polled."""
