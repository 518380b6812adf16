"""An MCAP file that is whole at every moment, so that a killed recorder leaves one that opens.

The end of an MCAP file is its table of contents; a writer that appends has none until it is
closed. Here the end lies ahead of the data from the start, with a hole between them that takes no
room on disk, and one small write makes a new table of contents the valid one:

    header | chunk | chunk | filler record ~ ~ ~ ~ ~ ~ | table B | table A | footer -> A
                           ^                                                 one page
    commit 1. the new chunk goes here, but for its first 9 bytes, with a shorter filler behind it
           2. the new table goes to the place of the one that is not in use
           3. the chunk's first 9 bytes: now it is there for who reads record by record
           4. the footer points at the new table: now it is there for everybody else

A kernel ends a write of a killed process between two pages at most, so that a footer inside one
page is the old or the new one. The filler, and the rest of a table's place, are records with an
opcode of the range that the MCAP specification leaves to applications and has readers skip.
"""

from struct import Struct

from mcap.records import Channel, DataEnd, Footer, Header, Metadata, Schema

from dust_demos.recording.disk_file import PlacedFile
from dust_demos.recording.mcap_index import Index, OpenChunk, record_bytes

MAGIC = b"\x89MCAP0\r\n"
FILLER_OPCODE = 0x80
PAGE = 4096
GROWTH = 16 * 1024 * 1024
"""How far ahead of the data the end is moved. Unit: byte."""

_FILLER = Struct("<BQ")
_DATA_END = record_bytes(DataEnd(data_section_crc=0))
_SMALLEST_TABLE = 16 * PAGE


class SafeMcap:
    """Write an MCAP file of the profile `ros2`; see the module for how it stays whole.

    Args:
        file: An empty file; closed with the writer.
        library: Name and version of who writes.
        growth: How far ahead of the data the end is moved. Unit: byte.

    Raises:
        OSError: The disk is full or broken; what was committed before stays readable.
    """

    def __init__(self, file: PlacedFile, *, library: str, growth: int = GROWTH) -> None:
        self._file = file
        self._growth = growth
        self._index = Index()
        self._chunk = OpenChunk()
        self._metadata: list[Metadata] = []
        self._schemas = self._channels = 0
        head = MAGIC + record_bytes(Header(profile="ros2", library=library))
        file.write_at(0, head)
        self._data_end = len(head)
        self._table_size = self._file_end = 0
        self._turn = 0  # which table is written next
        self._has_table = False
        self._grow(0)

    @property
    def counts(self) -> dict[int, int]:
        """Number of committed messages by channel."""
        return dict(self._index.counts)

    @property
    def span_ns(self) -> tuple[int, int]:
        """Times of the first and last committed message; zeros if there is none. Unit: ns."""
        return self._index.start_ns, self._index.end_ns

    @property
    def size(self) -> int:
        """Bytes of data, those of the open chunk included."""
        return self._data_end + self._chunk.size

    @property
    def waiting(self) -> int:
        """Bytes that are not committed yet."""
        return self._chunk.size

    def add_schema(self, name: str, encoding: str, data: bytes) -> int:
        """Add the definition of a type; return its number."""
        self._schemas += 1
        schema = Schema(id=self._schemas, name=name, encoding=encoding, data=data)
        self._chunk.add_record(schema)
        self._index.add_schema(schema)
        return self._schemas

    def add_channel(self, topic: str, schema_id: int, metadata: dict[str, str]) -> int:
        """Add a topic whose messages are in CDR; return its number."""
        self._channels += 1
        channel = Channel(
            id=self._channels,
            topic=topic,
            message_encoding="cdr",
            metadata=metadata,
            schema_id=schema_id,
        )
        self._chunk.add_record(channel)
        self._index.add_channel(channel)
        return self._channels

    def add_metadata(self, name: str, values: dict[str, str]) -> None:
        """Add a metadata record; it is written with the next commit."""
        self._metadata.append(Metadata(name=name, metadata=values))

    def write(
        self, channel_id: int, time_ns: int, data: bytes, *, publish_ns: int, sequence: int = 0
    ) -> None:
        """Add a message to the open chunk.

        Args:
            channel_id: Number that `add_channel` gave.
            time_ns: When it was received. Unit: ns; not negative.
            data: The message in CDR.
            publish_ns: When it was published. Unit: ns; not negative.
            sequence: Its number; 0: unknown.
        """
        self._chunk.add_message(channel_id, time_ns, publish_ns, sequence, data)

    def commit(self) -> None:
        """Write what was added since the last time; from now on it is in the file.

        Raises:
            OSError: The disk is full or broken; the file is as it was, try again or close.
        """
        if not self._chunk.size and not self._metadata:
            return
        index, blob = self._index.copy(), b""
        if self._chunk.size:
            blob, chunk = self._chunk.closed(self._data_end)
            index.add_chunk(chunk, self._chunk.counts())
        for record in self._metadata:
            data = record_bytes(record)
            index.add_metadata(self._data_end + len(blob), len(data), record.name)
            blob += data
        self._append(blob, index)
        self._chunk, self._metadata = OpenChunk(), []

    def close(self) -> None:
        """Commit what waits, give back the room ahead of the data and close the file.

        Raises:
            OSError: The disk is full or broken; the file is closed all the same and opens.
        """
        try:
            self.commit()
            start = self._data_end + len(_DATA_END)
            table, offsets = self._index.summary(start)
            end = _DATA_END + table + _footer(start, offsets)
            if self._data_end + len(end) > self._tables_start:
                self._grow(len(end))
            self._file.write_at(self._data_end, end)
            # The end in use is far behind this one, until it is cut off.
            self._file.truncate(self._data_end + len(end))
        finally:
            self._file.close()

    def _append(self, blob: bytes, index: Index) -> None:
        """Put records at the end of the data and make `index` the valid one."""
        needed = len(_DATA_END) + len(index.summary(0)[0]) + _FILLER.size
        fits = self._data_end + len(blob) + _FILLER.size <= self._tables_start
        if not fits or needed > self._table_size or not self._has_table:
            self._grow(len(blob), table_size=needed)
        data_end = self._data_end + len(blob)
        rest = blob[_FILLER.size :] + _filler(data_end, self._table(self._turn))
        self._file.write_at(self._data_end + _FILLER.size, rest)
        self._publish(index, self._data_end, blob[: _FILLER.size])
        self._index, self._data_end = index, data_end

    def _publish(self, index: Index, head_place: int, head: bytes) -> None:
        """Write a table beside the one in use, a record's head, and the footer."""
        place = self._table(self._turn)
        table, offsets = index.summary(place + len(_DATA_END))
        content = _DATA_END + table
        rest = _filler(place + len(content), self._file_end - _FOOTER_SIZE)
        self._file.write_at(place, content + rest)
        self._file.write_at(head_place, head)
        footer = _footer(place + len(_DATA_END), offsets)
        self._file.write_at(self._file_end - _FOOTER_SIZE, footer)
        self._turn = 1 - self._turn
        self._has_table = True

    def _grow(self, room: int, *, table_size: int = 0) -> None:
        """Move the end of the file so that at least `room` more bytes of data fit before it."""
        table_size = max(self._table_size, _SMALLEST_TABLE, _pages(2 * table_size))
        file_end = _pages(self._data_end + room + self._growth + 2 * table_size + PAGE)
        file_end = max(file_end, self._file_end + PAGE)
        # For a moment the footer names no table: readers go through the records one by one.
        end = _DATA_END + _footer(0, 0)
        self._file.write_at(self._data_end, _filler(self._data_end, file_end - len(end)))
        self._file.write_at(file_end - len(end), end)
        self._file_end, self._table_size, self._has_table = file_end, table_size, False
        self._publish(self._index, self._data_end, _filler(self._data_end, self._table(self._turn)))

    @property
    def _tables_start(self) -> int:
        return self._table(0)

    def _table(self, number: int) -> int:
        """Return where table 0 or 1 begins."""
        return self._file_end - _FOOTER_SIZE - (2 - number) * self._table_size


def _footer(summary_start: int, offsets_start: int) -> bytes:
    """Return the last bytes of a file."""
    return record_bytes(Footer(summary_start, offsets_start, summary_crc=0)) + MAGIC


def _filler(begin: int, end: int) -> bytes:
    """Return the head of a record that reaches from one place to another."""
    return _FILLER.pack(FILLER_OPCODE, end - begin - _FILLER.size)


def _pages(size: int) -> int:
    return -(-size // PAGE) * PAGE


_FOOTER_SIZE = len(_footer(0, 0))
