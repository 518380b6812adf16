"""An episode on disk, and back: with our reader, with rosbags, from metadata.yaml alone."""

import importlib.util
import json
from pathlib import Path

import pytest
import yaml
from mcap.reader import make_reader
from rosbags.rosbag2 import Reader
from rosbags.typesys import Stores, get_typestore

from dust_demos.recording.bag import Bag
from dust_demos.recording.definitions import full_definition
from dust_demos.recording.episode_writer import EpisodeWriter, free_folder
from dust_demos.recording.facts import EpisodeFacts, Fault, FaultKind, Outcome
from dust_demos.recording.mcap_storage import remove_drafts
from dust_demos.recording.recorded_topic import RecordedTopic, offered_qos

STORE = get_typestore(Stores.ROS2_JAZZY)
STRING = "std_msgs/msg/String"
FACTS = EpisodeFacts("ep_1", "put the cube into the bowl", operator="ada", start_ns=5)
LATCHED = offered_qos(durability="transient_local", history="keep_last", depth=1)


def string(text: str) -> bytes:
    return bytes(STORE.serialize_cdr(STORE.types[STRING](data=text), STRING))


def episode(out: Path, *, writer: str = "dust", clock=lambda: 0.0) -> EpisodeWriter:
    """Write an episode of two topics, not closed."""
    file = EpisodeWriter(out, FACTS, writer=writer, clock=clock)
    file.add_topic(RecordedTopic.describe("/a", STRING, (LATCHED,)))
    file.add_topic(RecordedTopic.describe("/b", STRING, (offered_qos(), offered_qos())))
    for number in range(10):
        file.write("/ab"[:1] + "ab"[number % 2], 100 + number, string(f"text {number}"))
    return file


def finished() -> EpisodeFacts:
    fault = Fault(FaultKind.GAP, "/a", "0.3 s without a message, the limit is 0.2 s", 7, 2, 0.4)
    return EpisodeFacts(
        "ep_1",
        "put the cube into the bowl",
        Outcome.SUCCESS,
        "ada",
        start_ns=5,
        end_ns=200,
        complete=True,
        faults=(fault,),
        dropped={"/b": 3},
        calibration={"/c": {"k": [1.0] * 9}},
        versions={"dust_demos": "0.1.0"},
        ros_distro="jazzy",
        scene={"seed": 3},
    )


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """Give a finished bag."""
    file = episode(tmp_path)
    file.facts = finished()
    file.close()
    return file.folder


def test_messages_come_back_as_they_were(bag: Path) -> None:
    with Bag.open(bag) as found:
        rows = list(found.messages())
        assert [row.message.data for row in rows] == [f"text {number}" for number in range(10)]
        assert [row.time_ns for row in rows] == list(range(100, 110))
        assert [row.topic for row in rows[:3]] == ["/a", "/b", "/a"]
        assert {name: row.count for name, row in found.topics.items()} == {"/a": 5, "/b": 5}
        assert (found.start_ns, found.end_ns) == (100, 109)
        assert found.mended == ""
        part = list(found.messages(["/b"], start_ns=103, stop_ns=106))
        assert [row.time_ns for row in part] == [103, 105]
        assert list(found.messages(["/nothing"])) == []


def test_facts_stand_in_either_place(bag: Path) -> None:
    with Bag.open(bag) as found:
        assert found.episode == finished()
    (bag / "metadata.yaml").unlink()
    with Bag.open(bag) as found:
        assert found.episode == finished()
        assert "metadata.yaml is missing" in found.mended
        assert len(list(found.messages())) == 10


def test_metadata_is_what_rosbag2_writes(bag: Path) -> None:
    content = yaml.safe_load((bag / "metadata.yaml").read_text())["rosbag2_bagfile_information"]
    assert content["version"] == 9
    assert content["storage_identifier"] == "mcap"
    assert content["relative_file_paths"] == ["ep_1_0.mcap"]
    assert content["message_count"] == content["files"][0]["message_count"] == 10
    assert content["starting_time"]["nanoseconds_since_epoch"] == 100
    assert content["duration"]["nanoseconds"] == 9
    assert content["ros_distro"] == "jazzy"
    assert content["custom_data"]["outcome"] == "success"
    assert json.loads(content["custom_data"]["dust_episode"])["episode_id"] == "ep_1"
    topic = content["topics_with_message_count"][0]["topic_metadata"]
    assert topic["type_description_hash"] == STORE.hash_rihs01(STRING)
    assert topic["offered_qos_profiles"][0]["durability"] == "transient_local"
    assert topic["offered_qos_profiles"][0]["deadline"] == {"sec": 9223372036, "nsec": 854775807}


def test_rosbags_and_mcap_read_it(bag: Path) -> None:
    with Reader(bag) as reader:
        assert [row.msgcount for row in reader.connections] == [5, 5]
        assert reader.connections[1].ext.offered_qos_profiles[1].reliability.name == "RELIABLE"
        assert len(list(reader.messages())) == 10
    with (bag / "ep_1_0.mcap").open("rb") as file:
        reader = make_reader(file)
        assert reader.get_header().profile == "ros2"
        found = list(reader.iter_messages())
        schema, channel, message = found[0]
        assert (schema.encoding, schema.name) == ("ros2msg", STRING)
        assert schema.data.decode() == full_definition(STRING)
        assert channel.message_encoding == "cdr"
        assert channel.metadata["topic_type_hash"].startswith("RIHS01_")
        assert (message.sequence, message.publish_time) == (1, 100)


def test_definitions_hold_all_their_parts(tmp_path: Path) -> None:
    text = full_definition("sensor_msgs/msg/JointState")
    assert text.count("=" * 80 + "\nMSG: ") == 2
    assert "MSG: std_msgs/Header\n" in text
    assert "MSG: builtin_interfaces/Time\n" in text
    with pytest.raises(ValueError, match="source the workspace that has the package nothing_msgs"):
        full_definition("nothing_msgs/msg/Thing")


def test_a_topic_of_an_unknown_type_is_kept_all_the_same(tmp_path: Path) -> None:
    file = EpisodeWriter(tmp_path, FACTS)
    file.add_topic(RecordedTopic.describe("/x", "nothing_msgs/msg/Thing"))
    file.add_topic(RecordedTopic.describe("/a", STRING))
    file.write("/x", 1, b"\0\1\0\0\1\2\3\4")
    file.write("/a", 2, string("text"))
    file.close()
    with Bag.open(file.folder) as found:
        assert [data for _, _, data in found.raw(["/x"])] == [b"\0\1\0\0\1\2\3\4"]
        assert next(found.messages(["/a"])).message.data == "text"
        with pytest.raises(ValueError, match="topic /x has the type nothing_msgs/msg/Thing, which"):
            next(found.messages(["/x"]))


def test_an_episode_that_goes_on_can_be_read(tmp_path: Path) -> None:
    now = [0.0]
    file = episode(tmp_path, clock=lambda: now[0])
    file.tick()
    with Bag.open(file.folder) as found:
        assert not list(found.messages())
    now[0] = 0.6
    file.tick()
    with Bag.open(file.folder) as found, Reader(file.folder) as reader:
        assert len(list(found.messages())) == len(list(reader.messages())) == 10
        assert found.episode is not None
        assert not found.episode.complete
        assert [fault.kind for fault in found.episode.faults] == [FaultKind.CUT_OFF]
        assert found.episode.end_ns == 109
    file.close()


def test_metadata_counts_messages_while_it_goes_on(tmp_path: Path) -> None:
    now = [0.0]
    file = episode(tmp_path, clock=lambda: now[0])
    now[0] = 1.1
    file.tick()
    with Reader(file.folder) as reader:
        assert reader.message_count == 10
    file.close()


def test_an_episode_without_messages_opens(tmp_path: Path) -> None:
    file = EpisodeWriter(tmp_path, FACTS)
    file.close()
    with Bag.open(file.folder) as found, Reader(file.folder):
        assert (found.topics, found.start_ns, found.end_ns) == ({}, 0, 0)
        assert found.episode is not None


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    first, second = episode(tmp_path), episode(tmp_path)
    assert [first.folder.name, second.folder.name] == ["ep_1", "ep_1_2"]
    first.close()
    second.close()
    assert (second.folder / "ep_1_2_0.mcap").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ep_1", "ep_1_2"]


@pytest.mark.parametrize(
    ("name", "folder"), [("a/b c", "a_b_c"), ("..", "episode"), ("", "episode"), ("ä1", "ä1")]
)
def test_any_name_makes_a_folder(tmp_path: Path, name: str, folder: str) -> None:
    assert free_folder(tmp_path, name) == tmp_path / folder


@pytest.mark.skipif(
    importlib.util.find_spec("rosbag2_py") is None,
    reason="rosbag2_py is not among the wheels: needs ROS 2 from apt",
)
def test_rosbag2_writes_the_same(tmp_path: Path) -> None:
    file = episode(tmp_path, writer="rosbag2_py")
    file.facts = finished()
    file.close()
    with Bag.open(file.folder) as found:
        rows = list(found.messages())
        assert [row.message.data for row in rows] == [f"text {number}" for number in range(10)]
        assert found.episode == finished()


@pytest.mark.skipif(
    importlib.util.find_spec("rosbag2_py") is not None, reason="rosbag2_py is installed"
)
def test_a_missing_rosbag2_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="writer is rosbag2_py, but it cannot be used") as error:
        EpisodeWriter(tmp_path, FACTS, writer="rosbag2_py")
    assert "\n" not in str(error.value)


def test_what_was_never_finished_is_cleared_away(tmp_path: Path) -> None:
    running = EpisodeWriter(tmp_path, FACTS)
    (tmp_path / ".dead.new").mkdir()
    (tmp_path / ".dead.new" / "dead_0.mcap").write_bytes(b"")
    remove_drafts(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["ep_1"]
    running.close()
