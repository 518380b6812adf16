"""What an MCAP file says about itself: schemas, channels, where the chunks lie, how many messages.

Records as in the MCAP specification; they are laid out by `mcap.records`.
"""

import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from struct import Struct
from typing import Self

from mcap.data_stream import RecordBuilder
from mcap.opcode import Opcode
from mcap.records import (
    Channel,
    Chunk,
    ChunkIndex,
    McapRecord,
    MessageIndex,
    MetadataIndex,
    Schema,
    Statistics,
    SummaryOffset,
)

_MESSAGE = Struct("<BQHIQQ")
_GROUPS = (
    Opcode.SCHEMA,
    Opcode.CHANNEL,
    Opcode.STATISTICS,
    Opcode.CHUNK_INDEX,
    Opcode.METADATA_INDEX,
)


def record_bytes(*records: McapRecord) -> bytes:
    """Return records as they stand in a file."""
    builder = RecordBuilder()
    for record in records:
        record.write(builder)
    return bytes(builder.end())


@dataclass(slots=True)
class OpenChunk:
    """Messages that wait for being written together.

    Attributes:
        parts: Records, one after the other.
        size: Bytes in the parts.
        count: Number of messages.
    """

    parts: list[bytes] = field(default_factory=list)
    size: int = 0
    count: int = 0
    _times: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    def add_record(self, record: McapRecord) -> None:
        """Add a schema or a channel."""
        self._append(record_bytes(record))

    def add_message(
        self, channel_id: int, time_ns: int, publish_ns: int, sequence: int, data: bytes
    ) -> None:
        """Add a message."""
        self._times.setdefault(channel_id, []).append((time_ns, self.size))
        length = len(data) + _MESSAGE.size - 9
        self._append(
            _MESSAGE.pack(Opcode.MESSAGE, length, channel_id, sequence, time_ns, publish_ns)
        )
        self._append(data)
        self.count += 1

    def closed(self, offset: int) -> tuple[bytes, ChunkIndex]:
        """Return chunk and message indexes as bytes for this place, and the chunk's index."""
        records = b"".join(self.parts)
        times = [time for rows in self._times.values() for time, _ in rows]
        chunk = record_bytes(
            Chunk(
                compression="",
                data=records,
                message_start_time=min(times, default=0),
                message_end_time=max(times, default=0),
                uncompressed_crc=zlib.crc32(records),
                uncompressed_size=len(records),
            )
        )
        indexes = [record_bytes(MessageIndex(key, rows)) for key, rows in self._times.items()]
        offsets = {}
        place = offset + len(chunk)
        for key, index in zip(self._times, indexes, strict=True):
            offsets[key], place = place, place + len(index)
        found = ChunkIndex(
            message_start_time=min(times, default=0),
            message_end_time=max(times, default=0),
            chunk_start_offset=offset,
            chunk_length=len(chunk),
            message_index_offsets=offsets,
            message_index_length=place - offset - len(chunk),
            compression="",
            compressed_size=len(records),
            uncompressed_size=len(records),
        )
        return b"".join([chunk, *indexes]), found

    def counts(self) -> Mapping[int, int]:
        """Return the number of messages by channel."""
        return {key: len(rows) for key, rows in self._times.items()}

    def _append(self, data: bytes) -> None:
        self.parts.append(data)
        self.size += len(data)


class Index:
    """Everything that the summary of a file tells.

    It grows with every chunk and is written with every chunk: its records are kept as bytes.

    Attributes:
        counts: Number of messages by channel.
        start_ns: Time of the first message; 0 if there is none. Unit: ns.
        end_ns: Time of the last message; 0 if there is none. Unit: ns.
    """

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()
        self.start_ns = 0
        self.end_ns = 0
        self._records: Counter[Opcode] = Counter()
        self._bytes: dict[Opcode, bytearray] = {opcode: bytearray() for opcode in _GROUPS}

    def copy(self) -> Self:
        """Return an index that can be added to without a change to this one."""
        twin = type(self)()
        twin.counts, twin._records = self.counts.copy(), self._records.copy()
        twin.start_ns, twin.end_ns = self.start_ns, self.end_ns
        twin._bytes = {opcode: bytearray(data) for opcode, data in self._bytes.items()}
        return twin

    def add_schema(self, schema: Schema) -> None:
        """Note a schema."""
        self._add(Opcode.SCHEMA, schema)

    def add_channel(self, channel: Channel) -> None:
        """Note a channel."""
        self._add(Opcode.CHANNEL, channel)

    def add_chunk(self, chunk: ChunkIndex, counts: Mapping[int, int]) -> None:
        """Note a chunk that was written."""
        first = not self._records[Opcode.CHUNK_INDEX]
        start_ns, end_ns = chunk.message_start_time, chunk.message_end_time
        self.start_ns = start_ns if first else min(self.start_ns, start_ns)
        self.end_ns = max(self.end_ns, end_ns)
        self.counts.update(counts)
        self._add(Opcode.CHUNK_INDEX, chunk)

    def add_metadata(self, offset: int, length: int, name: str) -> None:
        """Note a metadata record that was written."""
        self._add(Opcode.METADATA_INDEX, MetadataIndex(offset=offset, length=length, name=name))

    def summary(self, offset: int) -> tuple[bytes, int]:
        """Return the summary section for this place, and where its offsets begin in the file."""
        self._bytes[Opcode.STATISTICS] = bytearray(record_bytes(self._statistics()))
        parts, offsets, place = [], [], offset
        for opcode in _GROUPS:
            data = bytes(self._bytes[opcode])
            if data:
                parts.append(data)
                offsets.append(SummaryOffset(opcode, group_start=place, group_length=len(data)))
                place += len(data)
        return b"".join([*parts, record_bytes(*offsets)]), place

    def _add(self, opcode: Opcode, record: McapRecord) -> None:
        self._records[opcode] += 1
        self._bytes[opcode] += record_bytes(record)

    def _statistics(self) -> Statistics:
        return Statistics(
            attachment_count=0,
            channel_count=self._records[Opcode.CHANNEL],
            channel_message_counts=dict(self.counts),
            chunk_count=self._records[Opcode.CHUNK_INDEX],
            message_count=self.counts.total(),
            message_start_time=self.start_ns,
            message_end_time=self.end_ns,
            metadata_count=self._records[Opcode.METADATA_INDEX],
            schema_count=self._records[Opcode.SCHEMA],
        )
