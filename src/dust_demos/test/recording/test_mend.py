"""Bags in every broken state: what is left is read, and mended when asked."""

import os
from collections.abc import Sequence
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


def chunked(
    path: Path,
    *,
    compression: CompressionType = CompressionType.NONE,
    finish: bool = True,
    wrote: Sequence[str] = (),
) -> None:
    """Write an MCAP file of five chunks as other tools do; as rosbag2 if it `wrote` files."""
    with path.open("wb") as stream:
        writer = McapWriter(stream, compression=compression, chunk_size=1 << 20)
        writer.start(profile="ros2")
        if wrote:
            told = f"relative_file_paths: [{', '.join(wrote)}]"
            writer.add_metadata("rosbag2", {"serialized_metadata": told})
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


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def loose(demos: Path, name: str, file: str, *, whole: bool = True) -> Path:
    """Record an episode and put its file alone into a folder; return that."""
    bag = killed(demos.parent / "recorded", name)
    if whole:
        mend(bag)
    demos.mkdir(exist_ok=True)
    return (bag / f"{name}_0.mcap").rename(demos / file)


def test_whole_files_without_metadata_are_left_as_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    demos = tmp_path / "demos"
    for name in ("pick", "place"):
        loose(demos, name, f"{name}.mcap")
    chunked(demos / "other.mcap")
    before = contents(demos)
    assert main([str(demos)]) == 0
    assert contents(demos) == before
    assert capsys.readouterr().out.count("nothing to do") == 3
    with pytest.raises(ValueError, match="demos is not one bag: mend its 3 files one by one"):
        mend(demos)
    one = tmp_path / "one"
    one.mkdir()
    chunked(one / "alone.mcap")
    assert main([str(one)]) == 0
    assert list(contents(one)) == ["alone.mcap"]


def test_a_torn_file_among_others_is_mended_by_itself(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        chunked(tmp_path / f"{name}.mcap")
    os.truncate(tmp_path / "b.mcap", (tmp_path / "b.mcap").stat().st_size * 6 // 10)
    before = contents(tmp_path)
    assert main([str(tmp_path)]) == 0
    after = contents(tmp_path)
    assert after.keys() - before.keys() == {"b.mcap.broken"}
    assert [name for name in before if after[name] != before[name]] == ["b.mcap"]
    assert after["b.mcap.broken"] == before["b.mcap"]
    assert 20 < len(texts(tmp_path / "b.mcap")) < 50


def test_different_episodes_are_never_put_together(tmp_path: Path) -> None:
    demos = tmp_path / "demos"
    for number, name in enumerate(("pick", "place")):
        loose(demos, name, f"demos_{number}.mcap", whole=False)
    os.truncate(demos / "demos_1.mcap", 4000)  # its table of contents goes
    assert main([str(demos)]) == 0
    assert sorted(contents(demos)) == ["demos_0.mcap", "demos_1.mcap", "demos_1.mcap.broken"]
    for number, name in enumerate(("pick", "place")):
        with Bag.open(demos / f"demos_{number}.mcap") as bag:
            assert bag.episode is not None
            assert bag.episode.episode_id == name
            assert [fault.kind for fault in bag.episode.faults] == [FaultKind.CUT_OFF]


def parts(bag: Path, name: str) -> dict[str, bytes]:
    """Write what rosbag2 leaves that was killed; it called its folder `name`, "": does not say."""
    bag.mkdir()
    names = [f"{name}_{number}.mcap" for number in (8, 9, 10)]
    for number, upto in ((8, 1), (9, 2), (10, 3)):
        chunked(
            bag / f"{bag.name}_{number}.mcap", finish=upto < 3, wrote=names[:upto] if name else ()
        )
    return contents(bag)


def test_parts_of_one_recording_are_put_together(tmp_path: Path) -> None:
    bag = tmp_path / "demos"
    before = parts(bag, "demos")
    assert main([str(bag)]) == 0
    after = contents(bag)
    assert after.keys() - {f"{name}.broken" for name in before} == {"demos_8.mcap", "metadata.yaml"}
    assert {name: after[f"{name}.broken"] for name in before} == before
    assert len(texts(bag)) == 150


@pytest.mark.parametrize("name", ["other", ""])
def test_files_that_only_have_the_names_of_parts_are_not_put_together(
    tmp_path: Path, name: str
) -> None:
    before = parts(tmp_path / "demos", name)
    assert main([str(tmp_path / "demos")]) == 0
    after = contents(tmp_path / "demos")
    assert after.keys() - before.keys() == {"demos_10.mcap.broken"}
    assert [name for name in sorted(before) if after[name] != before[name]] == ["demos_10.mcap"]


def test_parts_that_are_all_whole_or_not_all_there_are_left(tmp_path: Path) -> None:
    names = [f"{tmp_path.name}_{number}.mcap" for number in range(4)]
    for upto in (1, 2):
        chunked(tmp_path / names[upto - 1], wrote=names[:upto])
    before = contents(tmp_path)
    assert main([str(tmp_path)]) == 0
    assert contents(tmp_path) == before
    chunked(tmp_path / names[3], finish=False, wrote=names)
    assert main([str(tmp_path)]) == 0
    assert {name: contents(tmp_path)[name] for name in before} == before


def test_a_file_beside_a_bag_is_not_drawn_into_it(tmp_path: Path) -> None:
    stray = loose(tmp_path / "demos", "pick", "stray.mcap")
    bag = killed(tmp_path / "demos", "place")
    stray = stray.rename(bag / "a_stray.mcap")
    before = stray.read_bytes()
    done = mend(bag)
    assert done is not None
    assert (done.path, done.messages) == (bag, 10)
    assert stray.read_bytes() == before
    with Bag.open(bag) as found, Bag.open(stray) as other:
        assert found.episode is not None
        assert found.episode.episode_id == "place"
        assert other.episode is not None
        assert other.episode.episode_id == "pick"


def test_a_file_beside_bags_hides_none_of_them(tmp_path: Path) -> None:
    demos = tmp_path / "demos"
    loose(demos, "stray", "demos_0.mcap", whole=False)
    killed(demos, "one")
    killed(demos, "two")
    (demos / ".three.new").mkdir()
    chunked(demos / ".three.new" / "three_0.mcap", finish=False)
    assert main([str(demos)]) == 0
    assert sorted(contents(demos)) == ["demos_0.mcap"]
    for bag in (demos / "one", demos / "two", demos / "demos_0.mcap"):
        assert mend(bag) is None
        assert len(texts(bag)) == 10


def test_a_file_is_mended_with_the_bag_that_it_belongs_to(tmp_path: Path) -> None:
    bag = killed(tmp_path)
    assert main([str(bag / "ep_0.mcap")]) == 0
    with Reader(bag) as reader:
        assert reader.message_count == 10


def test_the_command_tells_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    (tmp_path / "notes.txt").touch()
    assert main([str(tmp_path / "notes.txt")]) == 2
    assert "notes.txt is neither a bag in MCAP nor a folder" in capsys.readouterr().err
    (tmp_path / "bag").mkdir()
    (tmp_path / "bag" / "bag_0.mcap").write_bytes(b"")
    assert main([str(tmp_path / "bag")]) == 1
    assert "bag cannot be mended: no whole message is left" in capsys.readouterr().err
