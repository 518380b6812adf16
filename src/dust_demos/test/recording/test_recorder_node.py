"""The recorder over real DDS: cameras, states and events in, bags out."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.qos import QoSProfile, QoSReliabilityPolicy
from rosbags.rosbag2 import Reader
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, JointState
from std_msgs.msg import String
from std_srvs.srv import Trigger

from dust_demos.recording.bag import Bag
from dust_demos.recording.facts import FaultKind, Outcome
from dust_msgs.msg import Episode, ExecutorState
from dust_node import qos
from dust_start import shared_memory
from support.probe import Probe
from support.program import Program, refusal
from support.segments import sweep

MODULE = "dust_demos.recording.recorder_node"
BASES = {view: f"zed_{view}/zed_node/rgb/color/rect" for view in ("wrist", "side")}
PIXELS = np.random.default_rng(0).integers(0, 256, (36, 64, 4), dtype=np.uint8)
JPEG = cv2.imencode(".jpg", PIXELS[..., :3])[1].tobytes()
BEST_EFFORT = QoSProfile(depth=10, reliability=QoSReliabilityPolicy.BEST_EFFORT)


ROOM = ("disk.min_free:=0.01", "disk.reserve:=0.0")
PATIENT = (  # a machine that tests may be busy
    "gates.min_rate:=[8.0, 8.0, 8.0, 8.0]",
    "gates.max_gap:=[0.6, 0.6, 0.6, 0.6]",
    "gates.max_age:=[0.6, 0.6, 0.6, 0.6]",
    "gates.max_skew:=0.6",
    "gates.patience:=5.0",
)


class Victim(Program):
    """A program that is killed."""

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


class Robot:
    """Cameras and an arm that send at 30 Hz, and a driver that announces episodes."""

    def __init__(self, probe: Probe, *, raw: bool = False) -> None:
        self.probe = probe
        node = self.node = probe.node
        self.raw = raw
        self.views = list(BASES)
        suffix = "/image" if raw else "/image/compressed"
        kind = Image if raw else CompressedImage
        self.images = {
            view: node.create_publisher(kind, base + suffix, qos.RELIABLE)
            for view, base in BASES.items()
        }
        self.infos = {
            view: node.create_publisher(CameraInfo, f"{base}/camera_info", qos.RELIABLE)
            for view, base in BASES.items()
        }
        self.joints = node.create_publisher(JointState, "joint_states", BEST_EFFORT)
        self.executor = node.create_publisher(ExecutorState, "executor_state", qos.RELIABLE)
        self.description = node.create_publisher(String, "robot_description", qos.LATCHED)
        self.description.publish(String(data="<robot/>"))
        self.episodes = node.create_publisher(Episode, "episode", qos.LATCHED)
        self.sent = 0
        self.status: list[String] = probe.listen(String, "dust_recorder/status", qos.LATCHED)
        self.diagnostics: list[Any] = []
        node.create_subscription(
            DiagnosticArray,
            "/diagnostics",
            lambda message: self.diagnostics.extend(message.status),
            10,
        )
        node.create_timer(1 / 30, self.send)

    def send(self) -> None:
        """Send one message of everything."""
        stamp = self.now()
        self.sent += 1
        joints = JointState(name=["fr3_joint1"], position=[float(self.sent)])
        state = ExecutorState(period=1 / 15)
        for message, publisher in ((joints, self.joints), (state, self.executor)):
            message.header.stamp = stamp
            publisher.publish(message)
        for view in self.views:
            for message, publisher in ((self.image(), self.images), (self.info(), self.infos)):
                message.header.stamp = stamp
                publisher[view].publish(message)

    def now(self) -> Time:
        """Return what the robot's clock shows."""
        return self.node.get_clock().now().to_msg()

    def image(self) -> Image | CompressedImage:
        if not self.raw:
            return CompressedImage(format="bgra8; jpeg compressed bgr8", data=JPEG)
        message = Image(height=36, width=64, encoding="bgra8", step=64 * 4)
        message.data = PIXELS.tobytes()
        return message

    def info(self) -> CameraInfo:
        return CameraInfo(width=64, height=36, k=[50.0, 0.0, 32.0, 0.0, 50.0, 18.0, 0.0, 0.0, 1.0])

    def tell(self, event: int, name: str, **fields: Any) -> None:
        """Announce start or end of an episode."""
        message = Episode(event=event, episode_id=name, **fields)
        message.header.stamp = self.now()
        self.episodes.publish(message)

    def begin(self, name: str) -> None:
        """Announce an episode and wait until it is recorded."""
        self.tell(
            Episode.START, name, instruction="put the cube into the bowl", operator_name="ada"
        )
        self.probe.wait(lambda: self.state.get("episode_id") == name)

    def end(self, name: str, **fields: Any) -> Path:
        """Announce the end and return the bag."""
        self.tell(Episode.END, name, **fields)
        return self.saved(name)

    def saved(self, name: str) -> Path:
        """Wait until an episode is saved; return the bag."""
        self.probe.wait(lambda: self.last.get("episode_id") == name)
        return Path(self.last["folder"])

    def send_more(self, count: int) -> None:
        goal = self.sent + count
        self.probe.wait(lambda: self.sent >= goal)

    def wait_connected(self) -> None:
        """Wait until the recorder listens to everything."""
        publishers = [*self.images.values(), *self.infos.values(), self.joints, self.episodes]
        publishers += [self.executor, self.description]
        self.probe.wait(lambda: all(row.get_subscription_count() for row in publishers))

    @property
    def state(self) -> dict[str, Any]:
        return json.loads(self.status[-1].data) if self.status else {}

    @property
    def last(self) -> dict[str, Any]:
        return self.state.get("last", {})


class FastRobot(Robot):
    """A robot in a simulation that runs at twice the speed."""

    def __init__(self, probe: Probe) -> None:
        self.began = time.monotonic()
        self.clock = probe.node.create_publisher(Clock, "/clock", BEST_EFFORT)
        super().__init__(probe)
        self.node.create_timer(0.005, lambda: self.clock.publish(Clock(clock=self.now())))

    def now(self) -> Time:
        ns = round((1000 + 2 * (time.monotonic() - self.began)) * 1e9)
        return Time(sec=ns // 1_000_000_000, nanosec=ns % 1_000_000_000)


@pytest.fixture(scope="module", autouse=True)
def no_shared_memory_left() -> Iterator[None]:
    """Remove what killed nodes leave; some of it others share with them to their own end."""
    before = shared_memory.segments()
    yield
    sweep(before, timeout_sec=5.0)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bags")


@pytest.fixture(scope="module")
def recorder(start_program: Callable[..., Program], out: Path) -> Program:
    """Start one node for the tests of this module."""
    return start_program(MODULE, f"folder:={out}", *ROOM, *PATIENT)


@pytest.fixture
def robot(recorder: Program, probe: Probe) -> Robot:
    robot = Robot(probe)
    robot.wait_connected()
    robot.send_more(20)  # the gates' limits are those of a robot that runs
    return robot


def test_an_episode_becomes_a_bag(robot: Robot) -> None:
    robot.begin("good")
    first = robot.sent
    robot.send_more(60)
    bag = robot.end("good", outcome=Episode.SUCCESS, note="well done")
    with Bag.open(bag) as found:
        facts = found.episode
        assert facts is not None
        assert facts.is_good, facts.faults
        assert (facts.outcome, facts.note) == (Outcome.SUCCESS, "well done")
        assert (facts.instruction, facts.operator) == ("put the cube into the bowl", "ada")
        assert facts.ros_distro
        assert "dust_msgs" in facts.versions
        assert facts.calibration[f"/{BASES['side']}/camera_info"]["k"][0] == 50.0
        assert 1.5 < (facts.end_ns - facts.start_ns) * 1e-9 < 20
        assert facts.dropped == {}
        check_messages(found, first)
    with Reader(bag) as reader:
        assert reader.message_count == len(list(reader.messages()))


def check_messages(bag: Bag, first: int) -> None:
    """Check that everything is there, from before the start until after the end."""
    assert bag.episode is not None
    numbers = [int(row.message.position[0]) for row in bag.messages(["/joint_states"])]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert numbers[0] < first
    assert numbers[-1] >= first + 60
    images = list(bag.messages([f"/{BASES['side']}/image/compressed"]))
    assert len(images) >= 60
    assert images[0].message.data.tobytes() == JPEG
    assert images[0].time_ns < bag.episode.start_ns
    assert next(bag.messages(["/robot_description"])).message.data == "<robot/>"
    assert [row.message.event for row in bag.messages(["/episode"])][-2:] == [0, 1]
    assert "/executor_state" in bag.topics
    assert bag.end_ns > bag.episode.end_ns


def test_a_camera_that_stops_is_told_during_the_take(robot: Robot, recorder: Program) -> None:
    robot.begin("gap")
    robot.send_more(10)
    robot.views = ["wrist"]
    robot.probe.wait(lambda: any("side" in text for text in robot.state["faults"]))
    assert robot.state["state"] == "recording"
    robot.probe.wait(lambda: any("gap is faulty" in row.message for row in robot.diagnostics))
    status = next(row for row in robot.diagnostics if "gap is faulty" in row.message)
    assert (status.name, status.level) == ("dust_recorder", status.WARN)
    assert "bad take (gap): /zed_side" in recorder.output
    with Bag.open(robot.end("gap")) as found:
        assert found.episode is not None
        assert FaultKind.GAP in {fault.kind for fault in found.episode.faults}
        assert found.episode.complete


def test_raw_images_are_encoded_here(recorder: Program, probe: Probe) -> None:
    robot = Robot(probe, raw=True)
    robot.wait_connected()
    robot.begin("raw")
    robot.send_more(30)
    with Bag.open(robot.end("raw")) as found:
        topic = f"/{BASES['wrist']}/image/compressed"
        images = [row.message for row in found.messages([topic])]
        assert len(images) >= 30
        assert images[0].format == "bgra8; jpeg compressed bgr8"
        pixels = cv2.imdecode(images[0].data, cv2.IMREAD_COLOR)
        assert pixels.shape == (36, 64, 3)
        assert f"/{BASES['wrist']}/image" not in found.topics
        assert found.episode is not None
        kinds = {fault.kind for fault in found.episode.faults}
        assert not kinds & {FaultKind.ENCODING, FaultKind.MISSING}


def test_services_start_and_stop(robot: Robot) -> None:
    begun = robot.probe.call(Trigger, "dust_recorder/start")
    assert begun.success, begun.message
    again = robot.probe.call(Trigger, "dust_recorder/start")
    assert not again.success
    assert "call ~/stop first" in again.message
    robot.send_more(10)
    ended = robot.probe.call(Trigger, "dust_recorder/stop")
    assert ended.success
    with Bag.open(robot.saved(begun.message)) as found:
        assert found.episode is not None
        assert found.episode.outcome is Outcome.UNKNOWN
    nothing = robot.probe.call(Trigger, "dust_recorder/stop")
    assert (nothing.success, nothing.message) == (False, "nothing is being recorded")


def test_an_episode_whose_driver_dies_is_ended(robot: Robot) -> None:
    robot.begin("orphan")
    robot.node.destroy_publisher(robot.episodes)
    with Bag.open(robot.saved("orphan")) as found:
        assert found.episode is not None
        assert [fault.kind for fault in found.episode.faults] == [FaultKind.ABANDONED]


def test_the_next_start_ends_an_episode(robot: Robot) -> None:
    robot.begin("first")
    robot.begin("second")
    with Bag.open(robot.saved("first")) as found:
        assert found.episode is not None
        assert "the next one began before its end" in found.episode.faults[0].text
    robot.end("second")


def test_what_is_over_is_not_recorded(robot: Robot, recorder: Program, out: Path) -> None:
    message = Episode(event=Episode.START, episode_id="old")
    message.header.stamp.sec = 1000
    robot.episodes.publish(message)
    robot.probe.wait(lambda: "episode old began" in recorder.output)
    assert not (out / "old").exists()


@pytest.fixture
def alone(fresh_ros_domain: int) -> Iterator[Robot]:
    """Give a robot in a domain where no recorder runs yet."""
    probe = Probe(fresh_ros_domain)
    yield Robot(probe)
    probe.close()


@pytest.mark.slow
def test_a_killed_recorder_leaves_a_bag_that_the_next_one_mends(
    alone: Robot, tmp_path: Path
) -> None:
    out = tmp_path / "bags"
    options = (f"folder:={out}", *ROOM, *PATIENT)
    victim = Victim(MODULE, *options, log=tmp_path / "first.log")
    alone.wait_connected()
    alone.begin("killed")
    alone.send_more(60)
    victim.kill()
    with Reader(out / "killed") as reader:
        assert len(list(reader.messages())) > 100
    heir = Program(MODULE, *options, log=tmp_path / "second.log")
    alone.probe.wait(lambda: "mended" in heir.output)
    assert "its recorder was killed" in heir.end()


@pytest.mark.slow
def test_simulated_time_has_its_own_pace(fresh_ros_domain: int, tmp_path: Path) -> None:
    options = (f"folder:={tmp_path}", "use_sim_time:=true", "gates.max_ahead:=1.0")
    node = Program(MODULE, *options, *ROOM, *PATIENT, log=tmp_path / "log")
    probe = Probe(fresh_ros_domain)
    robot = FastRobot(probe)
    robot.wait_connected()
    robot.send_more(20)
    robot.begin("fast")
    began = time.monotonic()
    robot.send_more(60)
    seconds = time.monotonic() - began
    bag = robot.end("fast")
    with Bag.open(bag) as found:
        assert found.episode is not None
        assert found.episode.faults == ()
        duration = (found.episode.end_ns - found.episode.start_ns) * 1e-9
        assert duration == pytest.approx(2 * seconds, rel=0.2, abs=1.0)
        rows = list(found.messages(["/joint_states"]))
        ages = [row.time_ns - row.message.header.stamp.sec * 10**9 for row in rows]
        late = [age - row.message.header.stamp.nanosec for age, row in zip(ages, rows, strict=True)]
        assert abs(sorted(late)[len(late) // 2]) < 50_000_000
        assert found.topics["/clock"].count > 100
    node.end()
    probe.close()


def test_a_full_disk_refuses_in_one_line(alone: Robot, tmp_path: Path) -> None:
    options = (f"folder:={tmp_path / 'bags'}", "disk.min_free:=10000.0")
    node = Program(MODULE, *options, log=tmp_path / "log")
    alone.wait_connected()
    alone.tell(Episode.START, "large")
    alone.probe.wait(lambda: alone.state.get("trouble"))
    assert "episode large is not recorded: the disk of" in alone.state["trouble"]
    assert "make room, or set 'folder' to another disk" in node.output
    assert list((tmp_path / "bags").iterdir()) == []
    node.end()


def test_a_mistake_ends_in_one_line(ros_domain: int) -> None:
    told = "parameter 'folder' is empty: give the folder that the bags go to"
    assert told in refusal(MODULE, "--ros-args")
