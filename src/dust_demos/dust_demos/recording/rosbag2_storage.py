"""The same bag by rosbag2's own writer, where ROS 2 has it installed.

It keeps an open chunk in memory and writes metadata.yaml at the end only: a recorder that is killed
loses what the chunk held and leaves a bag for `dust-mend`. `McapStorage` is the default for that
reason.
"""

import importlib
from pathlib import Path
from typing import Any

import yaml

from dust_demos.recording.disk_file import replace_text
from dust_demos.recording.facts import EpisodeFacts
from dust_demos.recording.metadata_yaml import custom_data, dump, plain_qos
from dust_demos.recording.recorded_topic import RecordedTopic
from dust_demos.recording.stored_facts import METADATA


class Rosbag2Storage:
    """Writes one bag with rosbag2_py.

    Args:
        folder: The bag; must not exist yet.
        facts: What is known of the episode so far.

    Raises:
        ValueError: rosbag2_py is not installed, or its MCAP plugin is not.
    """

    def __init__(self, folder: Path, facts: EpisodeFacts) -> None:
        try:
            rosbag2 = importlib.import_module("rosbag2_py")
        except ImportError as error:
            raise ValueError(
                f"writer is rosbag2_py, but it cannot be used ({error}): install it with 'sudo apt "
                "install ros-$ROS_DISTRO-rosbag2-py ros-$ROS_DISTRO-rosbag2-storage-mcap' or set "
                "writer to dust"
            ) from error
        self._rosbag2: Any = rosbag2
        self._folder = folder
        self._topics: list[RecordedTopic] = []
        self.size = 0
        self._writer = self._open(facts)

    @property
    def waiting(self) -> int:
        """Bytes that a kill would lose; rosbag2 does not tell."""
        return 0

    def add_topic(self, topic: RecordedTopic) -> None:
        """Add a topic before its first message."""
        self._topics.append(topic)
        row = self._rosbag2.TopicMetadata(
            id=0, name=topic.name, type=topic.type_name, serialization_format="cdr"
        )
        self._writer.create_topic(row)

    def write(self, topic: str, time_ns: int, data: bytes, *, publish_ns: int) -> None:
        """Write a message."""
        self._writer.write(topic, data, time_ns)
        self.size += len(data)

    def commit(self, facts: EpisodeFacts) -> None:
        """Do nothing: rosbag2 decides itself when it writes."""

    def close(self, facts: EpisodeFacts) -> None:
        """Close the bag, then put facts and qualities of service into its metadata.yaml."""
        self._writer.close()
        file = self._folder / METADATA
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        information = content["rosbag2_bagfile_information"]
        information["custom_data"] = custom_data(facts)
        if information["version"] >= 9:
            qos = {topic.name: plain_qos(topic.qos) for topic in self._topics}
            for row in information["topics_with_message_count"]:
                topic = row["topic_metadata"]
                topic["offered_qos_profiles"] = qos[topic["name"]]
        replace_text(file, dump(content))

    def _open(self, facts: EpisodeFacts) -> Any:
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        options = self._rosbag2.StorageOptions(
            uri=str(self._folder), storage_id="mcap", max_cache_size=0
        )
        options.custom_data = custom_data(facts)
        writer = self._rosbag2.SequentialWriter()
        try:
            writer.open(options, self._rosbag2.ConverterOptions("", ""))
        except RuntimeError as error:
            raise ValueError(f"rosbag2 does not write {self._folder}: {error}") from error
        return writer
