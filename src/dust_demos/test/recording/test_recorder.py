"""The recorder without ROS: pre-roll, queue, disk, time limits."""

import threading
from pathlib import Path

import pytest

from dust_demos.recording.arrivals import Arrival, ArrivalQueue, PreRoll, Source
from dust_demos.recording.bag import Bag
from dust_demos.recording.cdr import begins_with_header, stamp_ns, text_of
from dust_demos.recording.episode_writer import EpisodeWriter
from dust_demos.recording.facts import EpisodeFacts, FaultKind, Outcome
from dust_demos.recording.gates import GateSettings, TopicLimits
from dust_demos.recording.recorded_topic import RecordedTopic, offered_qos
from dust_demos.recording.recorder import Recorder, RecorderSettings
from dust_demos.recording.room import GIB, Room
from dust_demos.recording.scribe import Scribe
from dust_demos.recording.take import Ending

SEC = 1_000_000_000
START = 1_000 * SEC
STRING = "std_msgs/msg/String"
LATCHED = offered_qos(durability="transient_local")
TEXT = b"\0\1\0\0\2\0\0\0a\0"
SOURCE = Source(RecordedTopic.describe("/a", STRING, [offered_qos()]), "/a")
KEPT = Source(RecordedTopic.describe("/kept", STRING, [LATCHED]), "/kept")


class Disk:
    """A disk whose free room is what the test says. Unit: GiB."""

    def __init__(self) -> None:
        self.free = 100.0

    def room(self, folder: Path) -> Room:
        return Room(
            folder, min_free=2 * GIB, reserve_sec=100.0, free=lambda _: round(self.free * GIB)
        )


def arrival(seconds: float, source: Source = SOURCE) -> Arrival:
    time_ns = START + round(seconds * SEC)
    return Arrival(source, time_ns, time_ns, TEXT)


def facts(name: str = "ep", seconds: float = 0.0) -> EpisodeFacts:
    return EpisodeFacts(name, "do it", start_ns=START + round(seconds * SEC))


def make(out: Path, disk: Disk | None = None, **settings) -> Recorder:
    disk = disk or Disk()
    values = {"gates": GateSettings({}), "pre_roll": 0.5, "post_roll": 0.3, **settings}
    return Recorder(RecorderSettings(out, **values), room=disk.room(out))


def times(folder: Path, topic: str = "/a") -> list[float]:
    """Return when messages came, seen from the start."""
    with Bag.open(folder) as bag:
        return [(row.time_ns - START) / SEC for row in bag.messages([topic])]


def episode(folder: Path) -> EpisodeFacts:
    with Bag.open(folder) as bag:
        assert bag.episode is not None
        return bag.episode


def test_an_episode_reaches_from_pre_roll_to_post_roll(tmp_path: Path) -> None:
    recorder = make(tmp_path)
    recorder.receive(arrival(-60.0, KEPT))
    for step in range(-20, 0):
        recorder.receive(arrival(step / 10))
    recorder.begin(facts())
    for step in range(20):
        recorder.receive(arrival(step / 10))
        recorder.tick(START + step * SEC // 10)
    recorder.end(Ending(Outcome.HALF, "fell"), end_ns=START + 2 * SEC, now_ns=START + 2 * SEC)
    for step in range(20, 30):
        recorder.receive(arrival(step / 10))
        recorder.tick(START + step * SEC // 10)
    assert recorder.take is None
    assert recorder.close(START)
    found = times(tmp_path / "ep")
    assert (found[0], found[-1], len(found)) == (-0.5, 2.3, 29)
    # What is latched came long ago; the bag begins where the recording does.
    assert times(tmp_path / "ep", "/kept") == [-0.5]
    told = episode(tmp_path / "ep")
    assert (told.outcome, told.note, told.complete) == (Outcome.HALF, "fell", True)
    assert told.faults == ()


def test_a_full_queue_drops_counts_and_tells(tmp_path: Path) -> None:
    blocked = threading.Event()

    def slow_disk(known: EpisodeFacts) -> EpisodeWriter:
        blocked.wait(30)
        return EpisodeWriter(tmp_path, known)

    recorder = make(tmp_path, capacity=10 * len(TEXT))
    recorder._scribe.close()
    recorder._scribe = Scribe(slow_disk, capacity=10 * len(TEXT))
    recorder.begin(facts())
    for step in range(25):
        recorder.receive(arrival(step / 100))
    take = recorder.take
    assert take is not None
    assert take.losses.by_topic == {"/a": 15}
    assert [fault.kind for fault in take.log.faults()] == [FaultKind.DROPPED]
    blocked.set()
    recorder.end(Ending(), end_ns=START + SEC, now_ns=START + SEC)
    assert recorder.close(START + SEC)
    told = episode(tmp_path / "ep")
    assert told.dropped == {"/a": 15}
    assert (told.faults[0].count, told.faults[0].worst) == (15, 15.0)
    assert len(times(tmp_path / "ep")) == 10


def test_messages_that_do_not_arrive_count_too(tmp_path: Path) -> None:
    recorder = make(tmp_path, gates=GateSettings({"/a": TopicLimits()}))
    recorder.begin(facts())
    recorder.lost(SOURCE, 3, START)
    recorder.lost(KEPT, 2, START)
    recorder.end(Ending(), end_ns=START, now_ns=START)
    recorder.close(START)
    told = episode(tmp_path / "ep")
    assert told.dropped == {"/a": 3, "/kept": 2}
    assert [fault.topic for fault in told.faults] == ["/a"]  # the one that is watched


def test_no_episode_begins_on_a_disk_that_is_nearly_full(tmp_path: Path) -> None:
    disk = Disk()
    disk.free = 2.5
    recorder = make(tmp_path, disk)
    with pytest.raises(ValueError, match="episode ep is not recorded: the disk of") as error:
        recorder.begin(facts())
    assert "has 2.50 GiB left, 2.75 GiB are needed" in str(error.value)
    assert "\n" not in str(error.value)
    assert recorder.take is None
    assert recorder.trouble
    disk.free = 3.0
    recorder.begin(facts())
    assert recorder.trouble == ""
    recorder.close(START)


def test_an_episode_ends_before_the_disk_is_full(tmp_path: Path) -> None:
    disk = Disk()
    recorder = make(tmp_path, disk)
    recorder.begin(facts())
    for step in range(20):
        recorder.receive(arrival(step / 10))
        recorder.tick(START + step * SEC // 10)
    disk.free = 1.99
    recorder.tick(START + 3 * SEC)
    assert recorder.take is None
    assert "episode ep was ended: the disk of" in recorder.trouble
    recorder.close(START + 3 * SEC)
    told = episode(tmp_path / "ep")
    assert told.complete
    assert [fault.kind for fault in told.faults] == [FaultKind.DISK, FaultKind.ABANDONED]
    assert len(times(tmp_path / "ep")) == 20


def test_the_rate_of_the_last_episode_counts(tmp_path: Path) -> None:
    room = Room(tmp_path, min_free=1 * GIB, reserve_sec=60, free=lambda _: 2 * GIB)
    assert room.refusal() == ""
    room.learn(10, 0.5)
    assert room.refusal() == ""
    room.learn(200_000_000, 10.0)
    assert "60 s at 20.0 MB/s" in room.refusal()


def test_a_disk_that_fails_ends_the_episode(tmp_path: Path) -> None:
    recorder = make(tmp_path)
    (tmp_path / ".ep.new").write_text("in the way")
    recorder.begin(facts())
    deadline = threading.Event()
    for _ in range(1000):
        recorder.tick(START)
        if recorder.take is None:
            break
        deadline.wait(0.01)
    assert recorder.take is None
    recorder.close(START)


def test_an_episode_without_an_end_is_ended(tmp_path: Path) -> None:
    recorder = make(tmp_path, max_duration=60.0)
    recorder.begin(facts())
    recorder.tick(START + 59 * SEC)
    assert recorder.take is not None
    recorder.tick(START + 61 * SEC)
    assert recorder.take is None
    recorder.close(START)
    assert "nobody ended it for 60 s (max_duration)" in episode(tmp_path / "ep").faults[0].text


def test_a_recorder_that_ends_keeps_what_it_has(tmp_path: Path) -> None:
    recorder = make(tmp_path)
    recorder.begin(facts())
    recorder.receive(arrival(0.1))
    assert recorder.close(START + SEC)
    told = episode(tmp_path / "ep")
    assert told.complete
    assert "the recorder was ended" in told.faults[0].text
    assert times(tmp_path / "ep") == [0.1]


def test_a_clock_that_is_set_back_does_not_keep_an_episode_open(tmp_path: Path) -> None:
    recorder = make(tmp_path)
    recorder.begin(facts())
    recorder.end(Ending(), end_ns=START, now_ns=START)
    recorder.tick(START - 1000 * SEC)
    assert recorder.take is None
    recorder.close(START)


def test_the_pre_roll_forgets_when_the_clock_is_set_back() -> None:
    roll = PreRoll(SEC)
    for seconds in (0.0, 0.4, 0.8, 1.2, -50.0, -49.9):
        roll.add(arrival(seconds))
    assert [row.time_ns for row in roll.since(0)] == [START - 50 * SEC, START - 49_900_000_000]
    assert roll.newest["/a"].time_ns == START - 49_900_000_000


def test_the_queue_gives_back_room_when_told() -> None:
    queue = ArrivalQueue(2 * len(TEXT))
    assert [queue.offer(arrival(0)) for _ in range(3)] == [True, True, False]
    queue.order("end")
    assert len(queue.take(timeout_sec=0)) == 3
    assert not queue.offer(arrival(0))
    queue.release(len(TEXT))
    assert queue.offer(arrival(0))


@pytest.mark.parametrize(
    ("type_name", "expected"),
    [
        ("sensor_msgs/msg/JointState", True),
        ("dust_msgs/msg/ExecutorState", True),  # after its constants
        ("builtin_interfaces/msg/Time", False),
        ("std_msgs/msg/String", False),
        ("nothing_msgs/msg/Thing", False),
    ],
)
def test_types_with_a_header_are_known(type_name: str, expected: bool) -> None:
    assert begins_with_header(type_name) is expected


def test_stamps_are_read_without_decoding() -> None:
    little = b"\0\1\0\0" + (5).to_bytes(4, "little") + (7).to_bytes(4, "little")
    big = b"\0\0\0\0" + (5).to_bytes(4, "big") + (7).to_bytes(4, "big")
    assert stamp_ns(little) == stamp_ns(big) == 5_000_000_007
    assert stamp_ns(b"\0\1\0\0" + bytes(8)) is None
    assert stamp_ns(b"\0\1") is None
    assert text_of(TEXT) == "a"
    assert text_of(b"") == ""


def test_a_scribe_survives_what_it_cannot_write(tmp_path: Path) -> None:
    recorder = make(tmp_path)
    recorder.begin(facts("bad"))
    recorder.receive(Arrival(SOURCE, -1, 0, TEXT))  # no time of an MCAP file
    for _ in range(1000):
        recorder.tick(START)
        if recorder.take is None:
            break
        threading.Event().wait(0.01)
    assert "episode bad was ended: the bag cannot be written any more" in recorder.trouble
    recorder.begin(facts("good"))
    recorder.receive(arrival(0.1))
    recorder.tick(START + SEC)
    recorder.end(Ending(), end_ns=START + SEC, now_ns=START + SEC)
    recorder.close(START + SEC)
    assert times(tmp_path / "good") == [0.1]
    assert episode(tmp_path / "good").faults == ()
