"""Bags in every broken state: what is left is read, and mended when asked."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap.writer import CompressionType
from mcap.writer import Writer as McapWriter
from rosbags.rosbag2 import Reader, StoragePlugin
from rosbags.rosbag2 import Writer as RosbagsWriter
from rosbags.typesys import Stores, get_typestore

from dust_demos.recording.bag import Bag
from dust_demos.recording.definitions import full_definition
from dust_demos.recording.episode_writer import EpisodeWriter
from dust_demos.recording.facts import EpisodeFacts, FaultKind, Outcome
from dust_demos.recording.mend import main, mend, unfinished
from dust_demos.recording.recorded_topic import RecordedTopic, offered_qos

STORE = get_typestore(Stores.ROS2_JAZZY)
STRING = "std_msgs/msg/String"


def string(text: str) -> bytes:
    return bytes(STORE.serialize_cdr(STORE.types[STRING](data=text), STRING))


def texts(path: Path) -> list[str]:
    with Bag.open(path) as bag:
        return [row.message.data for row in bag.messages()]


def whole_texts(path: Path) -> list[str]:
    """Return what can be read; nothing where nothing can."""
    try:
        return texts(path)
    except ValueError:
        return []


def killed(out: Path, name: str = "ep") -> Path:
    """Write an episode whose writer was killed after 10 of 12 messages; return the bag."""
    file = EpisodeWriter(out, EpisodeFacts(name, "do it", ros_distro="jazzy"))
    file.add_topic(RecordedTopic.describe("/a", STRING, [offered_qos(), offered_qos(depth=3)]))
    for number in range(12):
        file.write("/a", 100 + number, string(f"text {number}"))
        if number in (4, 9):
            file.commit()
    file._storage._file._file.close()  # as the kernel does
    return file.folder


def foreign(out: Path, plugin: StoragePlugin) -> Path:
    """Write a bag as other tools do."""
    with RosbagsWriter(out / "foreign", version=8, storage_plugin=plugin) as writer:
        connection = writer.add_connection("/a", STRING, typestore=STORE)
        for number in range(10):
            writer.write(connection, 100 + number, string(f"text {number}"))
    return out / "foreign"


def chunked(path: Path, *, compression: CompressionType, finish: bool = True) -> None:
    """Write an MCAP file of five chunks as other tools do."""
    with path.open("wb") as stream:
        writer = McapWriter(stream, compression=compression, chunk_size=1 << 20)
        writer.start(profile="ros2")
        schema = writer.register_schema(STRING, "ros2msg", full_definition(STRING).encode())
        channel = writer.register_channel("/a", "cdr", schema)
        for number in range(50):
            data = string(f"text {number} " + "x" * 500)
            writer.add_message(channel, 100 + number, data, 100 + number)
            if number % 10 == 9:
                writer.flush()
        if finish:
            writer.finish()


def test_a_killed_bag_is_mended_in_place(tmp_path: Path) -> None:
    bag = killed(tmp_path)
    assert (bag / "ep_0.mcap").stat().st_size > 1 << 24
    done = mend(bag)
    assert done is not None
    assert (done.messages, done.complaint) == (10, "its recorder was killed")
    assert (bag / "ep_0.mcap").stat().st_size < 1 << 14
    assert sorted(path.name for path in bag.iterdir()) == ["ep_0.mcap", "metadata.yaml"]
    with Bag.open(bag) as found, Reader(bag) as reader:
        assert found.episode is not None
        assert [fault.kind for fault in found.episode.faults] == [FaultKind.CUT_OFF]
        assert found.episode.end_ns == 109
        assert found.episode.outcome is Outcome.UNKNOWN
        assert reader.message_count == len(list(reader.messages())) == 10
        assert len(reader.connections[0].ext.offered_qos_profiles) == 2
        assert reader.connections[0].digest == STORE.hash_rihs01(STRING)
        assert reader.ros_distro == "jazzy"


def test_mending_twice_changes_nothing(tmp_path: Path) -> None:
    bag = killed(tmp_path)
    mend(bag)
    before = {path.name: path.read_bytes() for path in bag.iterdir()}
    assert mend(bag) is None
    assert {path.name: path.read_bytes() for path in bag.iterdir()} == before


def test_a_bag_that_is_being_recorded_is_left_alone(tmp_path: Path) -> None:
    file = EpisodeWriter(tmp_path, EpisodeFacts("ep"))
    with pytest.raises(ValueError, match="ep is being recorded: end the episode first"):
        mend(file.folder)
    assert list(unfinished(tmp_path)) == []
    file.close()
    assert list(unfinished(tmp_path)) == [file.folder]


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Give the content of a whole file."""
    bag = killed(tmp_path_factory.mktemp("bags"))
    mend(bag)
    return (bag / "ep_0.mcap").read_bytes()


@settings(max_examples=30, deadline=None)
@given(share=st.floats(0.0, 1.0))
def test_a_file_cut_anywhere_gives_what_is_before_the_cut(mended: bytes, share: float) -> None:
    expected = [f"text {number}" for number in range(10)]
    with TemporaryDirectory() as folder:
        file = Path(folder) / "ep_0.mcap"
        content = mended[: round(share * len(mended))]
        file.write_bytes(content)
        found = whole_texts(file)
        assert found == expected[: len(found)]
        assert file.read_bytes() == content
        if found:
            mend(file.parent)
            assert texts(file.parent) == found


def test_a_torn_file_is_kept_beside_the_mended_one(tmp_path: Path) -> None:
    bag = tmp_path / "bag"
    bag.mkdir()
    file = bag / "bag_0.mcap"
    chunked(file, compression=CompressionType.NONE)
    os.truncate(file, file.stat().st_size * 6 // 10)
    assert 20 < len(texts(bag)) < 50
    done = mend(bag)
    assert done is not None
    assert len(texts(bag)) == done.messages
    assert (bag / "bag_0.mcap.broken").exists()
    assert (bag / "metadata.yaml").exists()
    with Reader(bag) as reader:
        assert reader.message_count == done.messages


@pytest.mark.parametrize("compression", list(CompressionType))
def test_files_without_an_end_are_read_whatever_their_compression(
    tmp_path: Path, compression: CompressionType
) -> None:
    bag = tmp_path / "bag"
    bag.mkdir()
    chunked(bag / "bag_0.mcap", compression=compression, finish=False)
    assert len(texts(bag)) == 50
    with Bag.open(bag) as found:
        assert "salvaged" in found.mended
    assert sorted(path.name for path in bag.iterdir()) == ["bag_0.mcap"]


@pytest.mark.parametrize("number", [0, 2])
@pytest.mark.parametrize("compression", list(CompressionType))
def test_a_damaged_chunk_is_left_out(
    tmp_path: Path, compression: CompressionType, number: int
) -> None:
    file = tmp_path / "bag_0.mcap"
    chunked(file, compression=compression)
    with file.open("rb") as stream:
        summary = make_reader(stream).get_summary()
    assert summary is not None
    place = summary.chunk_indexes[number].chunk_start_offset + 100
    content = bytearray(file.read_bytes())
    content[place : place + 12] = b"\xff" * 12
    file.write_bytes(content)
    done = mend(tmp_path)
    assert done is not None
    assert done.messages == 40
    left = [f"text {row}" for row in range(50) if row // 10 != number]
    assert [text.partition(" x")[0] for text in texts(tmp_path)] == left
    assert (tmp_path / "bag_0.mcap.broken").exists()


def test_damage_in_a_bag_that_opens_is_told_and_mended_when_asked(tmp_path: Path) -> None:
    chunked(tmp_path / "bag_0.mcap", compression=CompressionType.NONE)
    mend(tmp_path)
    file = tmp_path / "bag_0.mcap"
    content = bytearray(file.read_bytes())
    place = content.index(b"x" * 20)
    content[place : place + 12] = b"\xff" * 12
    file.write_bytes(content)
    with pytest.raises(ValueError, match="is damaged: Chunk checksum mismatch"):
        texts(tmp_path)
    assert mend(tmp_path) is None
    with pytest.raises(ValueError, match="no whole message"):  # they are in one chunk
        mend(tmp_path, thorough=True)
    assert file.read_bytes() == content


@pytest.mark.parametrize("plugin", list(StoragePlugin))
def test_bags_of_others_are_read_and_not_touched(tmp_path: Path, plugin: StoragePlugin) -> None:
    bag = foreign(tmp_path, plugin)
    before = {path.name: path.read_bytes() for path in bag.iterdir()}
    expected = [f"text {number}" for number in range(10)]
    with Bag.open(bag) as found:
        assert [row.message.data for row in found.messages()] == expected
        assert found.topics["/a"].count == 10
        assert (found.start_ns, found.end_ns) == (100, 109)
        assert (found.episode, found.mended) == (None, "")
    (bag / "metadata.yaml").unlink()
    assert texts(bag) == expected
    del before["metadata.yaml"]
    assert {path.name: path.read_bytes() for path in bag.iterdir()} == before


def test_what_is_no_bag_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nowhere does not exist"):
        Bag.open(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"is not a bag: no file \.mcap or \.db3 in it"):
        Bag.open(tmp_path)
    (tmp_path / "a.mcap").write_bytes(b"no mcap at all")
    with pytest.raises(ValueError, match="cannot be read: no whole message is left in it"):
        Bag.open(tmp_path)
    (tmp_path / "b.db3").write_bytes(b"")
    with pytest.raises(ValueError, match=r"b\.db3 is a bag that cannot be read"):
        Bag.open(tmp_path / "b.db3")


def test_the_command_mends_all_bags_of_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    killed(tmp_path, "one")
    killed(tmp_path, "two")
    assert main([str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[2] for line in lines] == [
        "mended, 10 messages (its recorder was killed)"
    ] * 2
    assert main([str(tmp_path / "one")]) == 0
    assert capsys.readouterr().out.endswith("one: nothing to do\n")


def test_the_command_tells_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    (tmp_path / "bag").mkdir()
    (tmp_path / "bag" / "bag_0.mcap").write_bytes(b"")
    assert main([str(tmp_path / "bag")]) == 1
    assert "bag cannot be mended: no whole message is left" in capsys.readouterr().err
