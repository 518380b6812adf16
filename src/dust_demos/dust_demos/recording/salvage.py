"""Take what is whole out of broken MCAP files.

A file whose writer died has no table of contents, its last chunk may be torn, and after a loss of
power parts in the middle may be missing. Records are read one after the other; what follows a torn
one is lost, a chunk with a wrong checksum is left out.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from struct import Struct
from struct import error as StructError
from typing import BinaryIO, NamedTuple

from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.reader import make_reader
from mcap.records import Channel, Chunk, Message, Metadata, Schema
from mcap.stream_reader import get_chunk_data_stream
from zstandard import ZstdError

from dust_demos.recording.disk_file import DiskFile
from dust_demos.recording.safe_mcap import FILLER_OPCODE, MAGIC, SafeMcap

_HEAD = Struct("<BQ")
_CHUNK_BYTES = 4 * 1024 * 1024
_LARGEST = 1 << 31
"""No record of a recording is larger; a length beyond it is damage. Unit: byte."""

LIBRARY = "dust_demos salvage"


class _Raw(NamedTuple):
    opcode: int
    body: bytes


def salvage(
    sources: Sequence[Path],
    target: Path,
    *,
    last_words: Callable[[int], tuple[str, dict[str, str]] | None] = lambda _: None,
) -> int:
    """Write the whole messages of broken MCAP files into a new file.

    Args:
        sources: Files, in the order of their times.
        target: File that does not exist yet.
        last_words: Gives name and values of a last metadata record, or None; called with the
            time of the last message in ns.

    Returns:
        How many messages were found.

    Raises:
        OSError: A file cannot be read, or the new one not written.
    """
    writer = _Copy(SafeMcap(DiskFile(target), library=LIBRARY))
    try:
        for source in sources:
            with source.open("rb") as file:
                writer.add_all(_records(file))
        writer.file.commit()
        record = last_words(writer.file.span_ns[1])
        if record:
            writer.file.add_metadata(*record)
    finally:
        writer.file.close()
    return writer.messages


def first_metadata(path: Path) -> Iterator[Metadata]:
    """Yield the metadata records that stand before a file's first message; it may be torn.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        for record in _records(file):
            if isinstance(record, Message):
                return
            if isinstance(record, Metadata):
                yield record


class _Copy:
    """Copy records, with new numbers for schemas and channels."""

    def __init__(self, file: SafeMcap) -> None:
        self.file = file
        self.messages = 0
        self._schemas: dict[tuple[str, bytes], int] = {}
        self._channels: dict[tuple[str, int], int] = {}

    def add_all(self, records: Iterator[Schema | Channel | Message | Metadata]) -> None:
        """Copy the records of one file."""
        schemas: dict[int, int] = {}
        channels: dict[int, int] = {}
        for record in records:
            if isinstance(record, Schema):
                schemas[record.id] = self._schema(record)
            elif isinstance(record, Channel):
                channels[record.id] = self._channel(record, schemas.get(record.schema_id, 0))
            elif isinstance(record, Metadata):
                self.file.add_metadata(record.name, record.metadata)
            elif record.channel_id in channels:
                self._message(record, channels[record.channel_id])

    def _schema(self, record: Schema) -> int:
        key = (record.name, record.data)
        if key not in self._schemas:
            self._schemas[key] = self.file.add_schema(record.name, record.encoding, record.data)
        return self._schemas[key]

    def _channel(self, record: Channel, schema_id: int) -> int:
        key = (record.topic, schema_id)
        if key not in self._channels:
            self._channels[key] = self.file.add_channel(record.topic, schema_id, record.metadata)
        return self._channels[key]

    def _message(self, record: Message, channel_id: int) -> None:
        self.file.write(
            channel_id,
            record.log_time,
            record.data,
            publish_ns=record.publish_time,
            sequence=record.sequence,
        )
        self.messages += 1
        if self.file.waiting > _CHUNK_BYTES:
            self.file.commit()


def _records(file: BinaryIO) -> Iterator[Schema | Channel | Message | Metadata]:
    """Yield what is whole; chunks are opened."""
    yield from _known_channels(file)
    file.seek(0)
    if file.read(len(MAGIC)) != MAGIC:
        return
    for raw in _raw_records(file):
        if raw.opcode == Opcode.CHUNK:
            yield from _chunk_records(raw.body)
        elif raw.opcode == Opcode.DATA_END:
            return
        else:
            yield from _parsed(raw)


def _known_channels(file: BinaryIO) -> Iterator[Schema | Channel]:
    """Yield what the table of contents knows: the chunk that had it first may be damaged."""
    try:
        summary = make_reader(file).get_summary()
    except _BROKEN:
        return
    if summary is not None:
        yield from summary.schemas.values()
        yield from summary.channels.values()


def _raw_records(file: BinaryIO) -> Iterator[_Raw]:
    """Yield whole records, and a last chunk that is not."""
    while len(head := file.read(_HEAD.size)) == _HEAD.size:
        opcode, length = _HEAD.unpack(head)
        if opcode == 0 or length > _LARGEST:
            return
        if opcode >= FILLER_OPCODE:
            file.seek(length, 1)
            continue
        body = file.read(length)
        if len(body) == length or opcode == Opcode.CHUNK:
            yield _Raw(opcode, body)


def _chunk_records(body: bytes) -> Iterator[Schema | Channel | Message | Metadata]:
    try:
        chunk = Chunk.read(ReadDataStream(BytesIO(body)))
    except _BROKEN:
        return
    torn = not chunk.compression and len(chunk.data) < chunk.uncompressed_size
    try:
        data = chunk.data if torn else _decompressed(chunk)
    except _BROKEN:
        return
    if not torn and chunk.uncompressed_crc and zlib.crc32(data) != chunk.uncompressed_crc:
        return
    for raw in _raw_records(BytesIO(data)):
        yield from _parsed(raw)


def _decompressed(chunk: Chunk) -> bytes:
    stream, length = get_chunk_data_stream(chunk)
    return stream.read(length)


def _parsed(raw: _Raw) -> Iterator[Schema | Channel | Message | Metadata]:
    """Yield the record if it is one that counts and is whole."""
    stream = ReadDataStream(BytesIO(raw.body))
    try:
        if raw.opcode == Opcode.SCHEMA:
            yield Schema.read(stream)
        elif raw.opcode == Opcode.CHANNEL:
            yield Channel.read(stream)
        elif raw.opcode == Opcode.METADATA:
            yield Metadata.read(stream)
        elif raw.opcode == Opcode.MESSAGE:
            yield Message.read(stream, len(raw.body))
    except _BROKEN:
        return


_BROKEN = (McapError, StructError, ZstdError, OSError, RuntimeError, ValueError)
"""What torn bytes make of a reader or of a decompressor."""
