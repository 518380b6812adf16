"""A bag that somebody recorded: topics, facts, decoded messages.

Any rosbag2 folder will do, MCAP or sqlite3, also that of other recorders; and one whose recorder
was killed: what can be read of it is read, the folder stays as it is.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from rosbags.interfaces import Connection
from rosbags.rosbag2 import Reader
from rosbags.serde import SerdeError
from rosbags.typesys import TypesysError
from rosbags.typesys.store import Typestore

from dust_demos.recording.definitions import typestore_for
from dust_demos.recording.facts import EPISODE_TYPE, EpisodeFacts, Outcome
from dust_demos.recording.opening import UNREADABLE, open_reader
from dust_demos.recording.stored_facts import stored_facts

_END = 1


class Received(NamedTuple):
    """One message of a bag.

    Attributes:
        topic: Name as recorded, absolute.
        time_ns: When the recorder received it, by its clock. Unit: ns.
        message: Fields as attributes; sequences of numbers are NumPy arrays.
    """

    topic: str
    time_ns: int
    message: Any


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic of a bag.

    Attributes:
        name: As recorded, absolute.
        type_name: Such as sensor_msgs/msg/JointState.
        count: Number of messages.
    """

    name: str
    type_name: str
    count: int


class Bag:
    """An open bag; a context manager. Use `Bag.open`.

    Attributes:
        path: What was opened.
        topics: Topics by name, in alphabetical order.
        start_ns: When the first message was received. Unit: ns; 0 in an empty bag.
        end_ns: When the last message was received. Unit: ns; 0 in an empty bag.
        episode: What is known about the episode; None where nobody wrote it down.
        mended: What had to be done to read it, in words; empty: nothing.
    """

    def __init__(self, path: Path, reader: Reader, mended: str, stack: ExitStack) -> None:
        self.path = path
        self.mended = mended
        self._reader = reader
        self._stack = stack
        self._types: Typestore = typestore_for(reader.connections)
        self.topics = _topics(reader)
        empty = not sum(topic.count for topic in self.topics.values())
        self.start_ns = 0 if empty else min(_spans(reader))[0]
        self.end_ns = 0 if empty else max(end for _, end in _spans(reader))
        self.episode = self._episode()

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open a bag for reading.

        Args:
            path: A rosbag2 folder, or a file .mcap or .db3 in or without one.

        Raises:
            ValueError: It does not exist, is not a bag, or nothing of it can be read.
        """
        path = Path(path)
        with ExitStack() as stack:
            reader, mended = open_reader(path, stack)
            try:
                bag = cls(path, reader, mended, stack)
            except TypesysError as error:
                raise ValueError(
                    f"{path} has message definitions that are none: {error}"
                ) from error
            bag._stack = stack.pop_all()
        return bag

    def messages(
        self,
        topics: Iterable[str] | None = None,
        *,
        start_ns: int | None = None,
        stop_ns: int | None = None,
    ) -> Iterator[Received]:
        """Yield messages in the order in which they were received.

        Args:
            topics: Names of topics; None: all. Names that the bag does not have give nothing.
            start_ns: Only those received at or after this time. Unit: ns.
            stop_ns: Only those received before this time. Unit: ns.

        Raises:
            ValueError: The file is damaged here, or nobody knows the type of the message.
        """
        for connection, time_ns, data in self.raw(topics, start_ns=start_ns, stop_ns=stop_ns):
            yield Received(connection.topic, time_ns, self.decode(connection, data))

    def raw(
        self,
        topics: Iterable[str] | None = None,
        *,
        start_ns: int | None = None,
        stop_ns: int | None = None,
    ) -> Iterator[tuple[Connection, int, bytes]]:
        """Yield messages as they were received: connection, time in ns, bytes in CDR.

        Arguments and errors are those of `messages`.
        """
        wanted = None if topics is None else set(topics)
        rows = [c for c in self._reader.connections if wanted is None or c.topic in wanted]
        if not rows:
            return
        try:
            yield from self._reader.messages(rows, start_ns, stop_ns)
        except UNREADABLE as error:
            raise ValueError(f"{self.path} is damaged: {error}") from error

    def decode(self, connection: Connection, data: bytes) -> Any:
        """Return the message in bytes that `raw` gave.

        Raises:
            ValueError: Nobody knows the type, or the bytes are not of it.
        """
        if connection.msgtype not in self._types.fielddefs:
            raise ValueError(
                f"{self.path}: topic {connection.topic} has the type {connection.msgtype}, which "
                "the bag does not define: source the workspace that has it"
            )
        try:
            return self._types.deserialize_cdr(data, connection.msgtype)
        except (SerdeError, KeyError) as error:
            raise ValueError(f"{self.path}: topic {connection.topic}: {error}") from error

    def close(self) -> None:
        """Close the files."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _episode(self) -> EpisodeFacts | None:
        """Return the facts that were stored, else those that the episode topic tells."""
        salvaged = Path(str(self._reader.path))
        facts = stored_facts(self.path) or stored_facts(salvaged) or self._told_facts()
        return facts and facts.cut_off(self.end_ns)

    def _told_facts(self) -> EpisodeFacts | None:
        topics = [row.name for row in self.topics.values() if row.type_name == EPISODE_TYPE]
        events = [row.message for row in self.messages(topics)] if topics else []
        if not events:
            return None
        first, last = events[0], events[-1]
        ended = last.event == _END
        return EpisodeFacts(
            episode_id=last.episode_id,
            instruction=last.instruction or first.instruction,
            outcome=Outcome.from_constant(last.outcome),
            operator=last.operator_name,
            note=last.note,
            start_ns=_stamp_ns(first),
            end_ns=_stamp_ns(last) if ended else 0,
            complete=ended,
        )


def _stamp_ns(message: Any) -> int:
    return int(message.header.stamp.sec) * 1_000_000_000 + int(message.header.stamp.nanosec)


def _storages(reader: Reader) -> list[Any]:
    # metadata.yaml of a recorder that was killed lags behind its files.
    return list(getattr(reader.storage, "storages", ())) or [reader.storage]


def _spans(reader: Reader) -> list[tuple[int, int]]:
    """Return when first and last message of each file came."""
    found = [storage.metadata for storage in _storages(reader)]
    return [(row.start_time, row.end_time - 1) for row in found if row.message_count]


def _topics(reader: Reader) -> dict[str, Topic]:
    counts: dict[str, int] = {}
    for storage in _storages(reader):
        for row in storage.connections:
            counts[row.topic] = counts.get(row.topic, 0) + row.msgcount
    types = {row.topic: row.msgtype for row in reader.connections}
    return {name: Topic(name, types[name], counts.get(name, 0)) for name in sorted(types)}
