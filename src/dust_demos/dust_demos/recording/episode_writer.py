"""Write one episode as a bag: where it goes, when it is put on disk."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from dust_demos.recording.facts import EpisodeFacts
from dust_demos.recording.mcap_storage import McapStorage
from dust_demos.recording.recorded_topic import RecordedTopic
from dust_demos.recording.rosbag2_storage import Rosbag2Storage

WRITERS = ("dust", "rosbag2_py")
COMMIT_BYTES = 4 * 1024 * 1024
"""A chunk is not larger than this and one message. Unit: byte."""


class Storage(Protocol):
    """What writes a bag. Errors of the disk come as OSError."""

    @property
    def size(self) -> int:
        """Bytes of data so far."""

    @property
    def waiting(self) -> int:
        """Bytes that a kill would lose."""

    def add_topic(self, topic: RecordedTopic) -> None:
        """Add a topic before its first message."""

    def write(self, topic: str, time_ns: int, data: bytes, *, publish_ns: int) -> None:
        """Add a message."""

    def commit(self, facts: EpisodeFacts) -> None:
        """Put on disk what was added."""

    def close(self, facts: EpisodeFacts) -> None:
        """Finish the bag."""


class EpisodeWriter:
    """Write one episode; not safe for threads: use from one.

    Args:
        out: Folder that gets a folder for the episode.
        facts: What is known so far; `facts` may be replaced while it is written.
        writer: One of WRITERS.
        commit_period_sec: How much of the episode a kill may lose. Unit: s.
        clock: Gives seconds that never go back.

    Raises:
        ValueError: The writer cannot be used here.
        OSError: The folder cannot be made.
    """

    def __init__(
        self,
        out: Path,
        facts: EpisodeFacts,
        *,
        writer: str = "dust",
        commit_period_sec: float = 0.25,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.facts = facts
        self.folder = free_folder(out, facts.episode_id)
        self._period_sec = commit_period_sec
        self._clock = clock
        self._committed_sec = clock()
        self._topics: set[str] = set()
        self._storage: Storage = (
            Rosbag2Storage(self.folder, facts)
            if writer == "rosbag2_py"
            else McapStorage(self.folder, facts, clock=clock)
        )

    @property
    def size(self) -> int:
        """Bytes of data so far."""
        return self._storage.size

    def add_topic(self, topic: RecordedTopic) -> None:
        """Add a topic before its first message; once more is no harm."""
        if topic.name not in self._topics:
            self._storage.add_topic(topic)
            self._topics.add(topic.name)

    def write(self, topic: str, time_ns: int, data: bytes, *, publish_ns: int = 0) -> None:
        """Write a message.

        Args:
            topic: A topic that was added.
            time_ns: When it was received. Unit: ns.
            data: The message in CDR, as it was received.
            publish_ns: When it was published; 0: unknown. Unit: ns.
        """
        self._storage.write(topic, time_ns, data, publish_ns=publish_ns or time_ns)
        if self._storage.waiting > COMMIT_BYTES:
            self.commit()

    def tick(self) -> None:
        """Put on disk what is due; to be called often.

        Raises:
            OSError: The disk is full or broken; what was put there before stays.
        """
        if self._clock() - self._committed_sec >= self._period_sec:
            self.commit()

    def commit(self) -> None:
        """Put on disk what was written; errors as of `tick`."""
        self._storage.commit(self.facts)
        self._committed_sec = self._clock()

    def close(self) -> None:
        """Finish the bag with the facts as they are now; errors as of `tick`."""
        self._storage.close(self.facts)


def free_folder(out: Path, episode_id: str) -> Path:
    """Return the episode's folder; with a number behind its name if there is one already."""
    name = re.sub(r"[^\w.-]", "_", episode_id).strip(".") or "episode"
    folder, number = out / name, 1
    while folder.exists():
        number += 1
        folder = out / f"{name}_{number}"
    return folder
