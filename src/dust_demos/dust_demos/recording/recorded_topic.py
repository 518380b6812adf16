"""A topic as a bag describes it: type, definition, quality of service; without rclpy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from dust_demos.recording.definitions import full_definition, type_hash

QosRow = Mapping[str, Any]
"""Quality of service as metadata.yaml of version 9 has it."""

_SEC, _NSEC = divmod(2**63 - 1, 1_000_000_000)


def offered_qos(
    *,
    reliability: str = "reliable",
    durability: str = "volatile",
    history: str = "unknown",
    depth: int = 0,
    liveliness: str = "automatic",
) -> QosRow:
    """Return the quality of service that a publisher offers; its times have no limit.

    Args:
        reliability: reliable or best_effort.
        durability: volatile or transient_local.
        history: keep_last, keep_all or unknown.
        depth: Messages kept; 0 where the middleware does not tell.
        liveliness: automatic or manual_by_topic.
    """
    return {
        "history": history,
        "depth": depth,
        "reliability": reliability,
        "durability": durability,
        "deadline": {"sec": _SEC, "nsec": _NSEC},
        "lifespan": {"sec": _SEC, "nsec": _NSEC},
        "liveliness": liveliness,
        "liveliness_lease_duration": {"sec": _SEC, "nsec": _NSEC},
        "avoid_ros_namespace_conventions": False,
    }


@dataclass(frozen=True, slots=True)
class RecordedTopic:
    """One topic that is recorded.

    Attributes:
        name: Absolute name.
        type_name: Such as sensor_msgs/msg/JointState.
        definition: Definition of the type with all its parts; empty where nobody knows it.
        type_hash: Hash RIHS01 of the type; empty where it is unknown.
        qos: What its publishers offer.
    """

    name: str
    type_name: str
    definition: str = ""
    type_hash: str = ""
    qos: tuple[QosRow, ...] = ()

    @classmethod
    def describe(cls, name: str, type_name: str, qos: Sequence[QosRow] = ()) -> Self:
        """Return a topic with what the installed packages say of its type."""
        try:
            definition = full_definition(type_name)
        except ValueError:
            return cls(name, type_name, qos=tuple(qos))
        return cls(name, type_name, definition, type_hash(type_name, definition), tuple(qos))
