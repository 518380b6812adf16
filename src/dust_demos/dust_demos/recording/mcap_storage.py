"""A rosbag2 folder that is whole at every moment: one MCAP file and metadata.yaml."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from dust_demos import __name__ as _package
from dust_demos.recording.disk_file import (
    DiskFile,
    is_being_written,
    replace_text,
    sync_in_background,
)
from dust_demos.recording.facts import KEY, EpisodeFacts
from dust_demos.recording.metadata_yaml import (
    BagContent,
    bag_information,
    dump,
    metadata_text,
    qos_text,
)
from dust_demos.recording.recorded_topic import RecordedTopic
from dust_demos.recording.safe_mcap import SafeMcap
from dust_demos.recording.stored_facts import FIELD, METADATA

_DRAFT = ".{}.new"

METADATA_PERIOD_SEC = 1.0
"""metadata.yaml counts messages at least this often. Unit: s."""


def remove_drafts(out: Path) -> None:
    """Remove what recorders left that were killed while they made a bag's folder."""
    for draft in out.glob(_DRAFT.format("*")):
        if not any(is_being_written(file) for file in draft.glob("*.mcap")):
            shutil.rmtree(draft, ignore_errors=True)


class McapStorage:
    """Writes one bag; see `safe_mcap` for how the MCAP file stays whole.

    The folder appears under its name when everything is in it. metadata.yaml is replaced as a
    whole, and names a topic before the MCAP file has it.

    Args:
        folder: The bag; must not exist yet.
        facts: What is known of the episode so far.
        clock: Gives seconds that never go back.

    Raises:
        OSError: The folder cannot be made.
    """

    def __init__(
        self, folder: Path, facts: EpisodeFacts, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._folder = folder
        self._facts = facts
        self._clock = clock
        self._topics: dict[str, RecordedTopic] = {}
        self._channels: dict[str, int] = {}
        self._schemas: dict[str, int] = {}
        self._sequences: dict[str, int] = {}
        self._described_sec = clock()
        self._has_new_topics = False
        self._file_name = f"{folder.name}_0.mcap"
        self._file = self._make_folder()

    @property
    def size(self) -> int:
        """Bytes of data so far."""
        return self._file.size

    @property
    def waiting(self) -> int:
        """Bytes that a kill would lose."""
        return self._file.waiting

    def add_topic(self, topic: RecordedTopic) -> None:
        """Add a topic before its first message."""
        self._topics[topic.name] = topic
        self._sequences[topic.name] = 0
        metadata = {"offered_qos_profiles": qos_text(topic), "topic_type_hash": topic.type_hash}
        schema = self._schema(topic)
        self._channels[topic.name] = self._file.add_channel(topic.name, schema, metadata)
        self._has_new_topics = True

    def write(self, topic: str, time_ns: int, data: bytes, *, publish_ns: int) -> None:
        """Add a message; `commit` puts it into the file."""
        self._sequences[topic] += 1
        self._file.write(
            self._channels[topic],
            time_ns,
            data,
            publish_ns=publish_ns,
            sequence=self._sequences[topic],
        )

    def commit(self, facts: EpisodeFacts) -> None:
        """Put everything into the file that was added.

        Raises:
            OSError: The disk is full or broken; what was committed before stays.
        """
        if facts != self._facts:
            self._facts = facts
            self._file.add_metadata(KEY, {FIELD: facts.to_json()})
        if self._has_new_topics:
            self._describe()
        self._file.commit()
        if self._clock() - self._described_sec >= METADATA_PERIOD_SEC:
            self._described_sec = self._clock()
            self._describe()

    def close(self, facts: EpisodeFacts) -> None:
        """Commit, and leave a bag without a trace of how it was made.

        Raises:
            OSError: The disk is full or broken; the bag opens all the same.
        """
        self._facts = facts
        self._file.add_metadata(KEY, {FIELD: facts.to_json()})
        self._file.add_metadata("rosbag2", {"serialized_metadata": self._information()})
        try:
            self._file.close()
        finally:
            self._describe()
            # The next episode may have begun already: it must not wait for the disk.
            sync_in_background(self._folder)

    def _make_folder(self) -> SafeMcap:
        draft = self._folder.with_name(_DRAFT.format(self._folder.name))
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        self._file = SafeMcap(DiskFile(draft / self._file_name), library=_package)
        self._file.add_metadata(KEY, {FIELD: self._facts.to_json()})
        self._file.add_metadata("rosbag2", {"serialized_metadata": self._information()})
        self._file.commit()
        self._describe(draft)
        draft.rename(self._folder)
        return self._file

    def _schema(self, topic: RecordedTopic) -> int:
        if topic.type_name not in self._schemas:
            encoding = "ros2msg" if topic.definition else ""
            self._schemas[topic.type_name] = self._file.add_schema(
                topic.type_name, encoding, topic.definition.encode()
            )
        return self._schemas[topic.type_name]

    def _content(self) -> BagContent:
        counts = self._file.counts
        by_topic = {name: counts.get(number, 0) for name, number in self._channels.items()}
        start_ns, end_ns = self._file.span_ns
        return BagContent(self._file_name, tuple(self._topics.values()), by_topic, start_ns, end_ns)

    def _information(self) -> str:
        return dump(bag_information(self._content(), self._facts, self._facts.ros_distro))

    def _describe(self, folder: Path | None = None) -> None:
        text = metadata_text(self._content(), self._facts, self._facts.ros_distro)
        replace_text((folder or self._folder) / METADATA, text)
        self._has_new_topics = False
