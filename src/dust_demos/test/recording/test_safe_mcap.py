"""Whatever is written when the writer dies: the file opens with the readers that others use."""

import contextlib
import errno
import itertools
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap.stream_reader import StreamReader
from rosbags.rosbag2 import Reader

from dust_demos.recording.disk_file import DiskFile
from dust_demos.recording.safe_mcap import PAGE, SafeMcap
from dust_demos.recording.salvage import salvage

SCHEMA = b"string data\n"


class Journal:
    """A file that remembers every write, so that the file after any of them can be looked at.

    Args:
        room: Bytes that fit on the disk; holes take none.
    """

    def __init__(self, room: int = 1 << 40) -> None:
        self.steps: list[tuple[int, bytes]] = []
        self.committed: list[int] = []
        self.closed = False
        self._room = room

    def write_at(self, offset: int, data: bytes) -> None:
        if len(data) > self._room:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._room -= len(data)
        self.steps.append((offset, bytes(data)))

    def truncate(self, size: int) -> None:
        self.steps.append((size, b""))

    def close(self) -> None:
        self.closed = True

    def images(self, first: int = 0):
        """Yield step and content of the file after each write, and after each page of one."""
        image = bytearray()
        for number, (offset, data) in enumerate(self.steps):
            if not data:
                del image[offset:]
            for begin, end in _pages(offset, data):
                image.extend(b"\0" * (offset + end - len(image)))
                image[offset + begin : offset + end] = data[begin:end]
                if number >= first:
                    yield number, bytes(image)
            if not data and number >= first:
                yield number, bytes(image)


def _pages(offset: int, data: bytes) -> list[tuple[int, int]]:
    """Return begin and end of what lies on each page."""
    cuts = [0, *range(PAGE - offset % PAGE, len(data), PAGE), len(data)]
    return [(begin, end) for begin, end in itertools.pairwise(cuts) if begin < end]


def count_with_mcap(image: bytes) -> int:
    return sum(1 for _ in make_reader(BytesIO(image)).iter_messages())


def count_in_sequence(image: bytes) -> int:
    """Count as a reader does that begins at the front, through to the footer."""
    records = list(StreamReader(BytesIO(image)).records)
    return sum(type(record).__name__ == "Message" for record in records)


def count_in_salvage(image: bytes, folder: Path) -> int:
    (folder / "torn.mcap").write_bytes(image)
    (folder / "whole.mcap").unlink(missing_ok=True)
    return salvage([folder / "torn.mcap"], folder / "whole.mcap")


def count_with_rosbags(image: bytes, folder: Path) -> int:
    file = folder / "image.mcap"
    file.write_bytes(image)
    with Reader(file) as reader:
        assert reader.message_count == len(list(reader.messages()))
        return reader.message_count


def write(journal: Journal, sizes: list[int], *, growth: int = 1 << 16) -> tuple[SafeMcap, int]:
    """Write a chunk of each size; return the writer and the steps that it took to be there."""
    file = SafeMcap(journal, library="test", growth=growth)
    ready = len(journal.steps)
    channel = 0
    for number, size in enumerate(sizes):
        if number % 3 == 0:  # topics that turn up late
            schema = file.add_schema("std_msgs/msg/String", "ros2msg", SCHEMA)
            channel = file.add_channel(f"/topic_{number}", schema, {"offered_qos_profiles": ""})
        if number % 4 == 0:
            file.add_metadata("note", {"number": str(number)})
        file.write(channel, 1000 + number, bytes(size), publish_ns=0)
        file.commit()
        journal.committed.append(len(journal.steps))
    return file, ready


SIZES = [10, 5000, 1, 40000, 30000, 12, 70000, 3]


def test_it_opens_after_every_page_of_every_write(tmp_path: Path) -> None:
    journal = Journal()
    file, ready = write(journal, SIZES)
    file.close()
    for step, image in journal.images(ready):
        least = sum(number <= step + 1 for number in journal.committed)
        found = count_with_rosbags(image, tmp_path)
        assert least <= found <= least + 1
        # Mending loses nothing that could be read without it.
        assert found <= count_in_salvage(image, tmp_path) <= least + 1
        if least:  # it goes through an empty file record by record
            assert least <= count_with_mcap(image) <= least + 1


def test_it_reads_from_front_to_end_after_every_page_too() -> None:
    journal = Journal()
    file, ready = write(journal, SIZES, growth=1 << 20)
    for step, image in journal.images(ready):
        least = sum(number <= step + 1 for number in journal.committed)
        assert least <= count_in_sequence(image) <= least + 1
    file.close()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 200_000), max_size=8), st.sampled_from([0, 1 << 12, 1 << 18]))
def test_it_gives_back_what_was_written(sizes: list[int], growth: int) -> None:
    journal = Journal()
    file, _ = write(journal, sizes, growth=growth)
    file.close()
    *_, (_, image) = journal.images(len(journal.steps) - 1)
    found = list(make_reader(BytesIO(image)).iter_messages())
    assert [len(message.data) for _, _, message in found] == sizes
    assert [message.log_time for _, _, message in found] == [1000 + n for n in range(len(sizes))]
    assert count_in_sequence(image) == len(sizes)
    notes = [row.metadata["number"] for row in make_reader(BytesIO(image)).iter_metadata()]
    assert notes == [str(number) for number in range(0, len(sizes), 4)]


@settings(max_examples=40, deadline=None)
@given(st.integers(300_000, 900_000))
def test_a_full_disk_leaves_what_was_committed(room: int) -> None:
    journal = Journal(room)
    file = SafeMcap(journal, library="test", growth=1 << 16)
    schema = file.add_schema("std_msgs/msg/String", "ros2msg", SCHEMA)
    channel = file.add_channel("/topic", schema, {})
    committed = 0
    with contextlib.suppress(OSError):
        while committed < 100:
            file.write(channel, committed, bytes(9000), publish_ns=0)
            file.commit()
            committed += 1
    assert committed < 100
    with pytest.raises(OSError, match="No space left"):
        file.close()
    assert journal.closed
    for _, image in journal.images(len(journal.steps) - 1):
        assert count_with_mcap(image) == committed


def test_the_hole_takes_no_room_and_goes(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    file = SafeMcap(DiskFile(path), library="test")
    assert path.stat().st_size > 16 * 1024 * 1024
    assert path.stat().st_blocks * 512 < 100_000
    file.close()
    assert path.stat().st_size < 1000
    with Reader(path) as reader:
        assert reader.message_count == 0


def test_many_topics_and_chunks_outgrow_the_table(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    file = SafeMcap(DiskFile(path), library="test", growth=1 << 14)
    schema = file.add_schema("std_msgs/msg/String", "ros2msg", b"#" * 5000)
    channels = [file.add_channel(f"/topic_{number}", schema, {}) for number in range(100)]
    for number in range(100):
        for channel in channels:
            file.write(channel, number, b"\0\1\0\0", publish_ns=0)
        file.commit()
    assert count_with_rosbags(path.read_bytes(), tmp_path) == 10_000
    file.close()
    assert count_with_rosbags(path.read_bytes(), tmp_path) == 10_000
