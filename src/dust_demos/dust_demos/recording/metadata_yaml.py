"""rosbag2's metadata.yaml, version 9, as ROS 2 Jazzy writes it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from dust_demos.recording.facts import KEY, EpisodeFacts
from dust_demos.recording.recorded_topic import QosRow, RecordedTopic

VERSION = 9
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


@dataclass(frozen=True, slots=True)
class BagContent:
    """What metadata.yaml tells about the messages.

    Attributes:
        file_name: Name of the MCAP file in the folder.
        topics: Topics in the order in which they came.
        counts: Messages by topic.
        start_ns: Time of the first message; 0 if there is none. Unit: ns.
        end_ns: Time of the last message. Unit: ns.
    """

    file_name: str
    topics: Sequence[RecordedTopic] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    start_ns: int = 0
    end_ns: int = 0


def metadata_text(content: BagContent, facts: EpisodeFacts | None, ros_distro: str) -> str:
    """Return the text of the file."""
    information = bag_information(content, facts, ros_distro)
    return dump({"rosbag2_bagfile_information": information})


def bag_information(
    content: BagContent, facts: EpisodeFacts | None, ros_distro: str
) -> dict[str, Any]:
    """Return what the file says, as mappings and lists."""
    duration = {"nanoseconds": content.end_ns - content.start_ns}
    start = {"nanoseconds_since_epoch": content.start_ns}
    count = sum(content.counts.values())
    return {
        "version": VERSION,
        "storage_identifier": "mcap",
        "duration": duration,
        "starting_time": start,
        "message_count": count,
        "topics_with_message_count": [
            _topic_row(topic, content.counts.get(topic.name, 0)) for topic in content.topics
        ],
        "compression_format": "",
        "compression_mode": "",
        "relative_file_paths": [content.file_name],
        "files": [
            {
                "path": content.file_name,
                "starting_time": dict(start),
                "duration": dict(duration),
                "message_count": count,
            }
        ],
        "custom_data": custom_data(facts),
        "ros_distro": ros_distro,
    }


def custom_data(facts: EpisodeFacts | None) -> dict[str, str]:
    """Return the facts for programs, and those that a person looks for beside them."""
    if facts is None:
        return {}
    plain = {
        "instruction": facts.instruction,
        "outcome": facts.outcome.value,
        "operator": facts.operator,
    }
    return {KEY: facts.to_json(), **plain}


def qos_text(topic: RecordedTopic) -> str:
    """Return the qualities of service as the MCAP channel has them."""
    return dump(plain_qos(topic.qos)).strip() if topic.qos else ""


def dump(content: object) -> str:
    """Return YAML in block style, keys in the order in which they are."""
    options = {"sort_keys": False, "default_flow_style": False, "width": 1 << 30}
    return str(yaml.dump(content, Dumper=_DUMPER, **options))


def plain_qos(rows: Sequence[QosRow]) -> list[dict[str, Any]]:
    """Return copies that share nothing: YAML would write what is shared as references."""
    return [json.loads(json.dumps(row)) for row in rows]


def _topic_row(topic: RecordedTopic, count: int) -> dict[str, Any]:
    return {
        "topic_metadata": {
            "name": topic.name,
            "type": topic.type_name,
            "serialization_format": "cdr",
            "offered_qos_profiles": plain_qos(topic.qos),
            "type_description_hash": topic.type_hash,
        },
        "message_count": count,
    }
