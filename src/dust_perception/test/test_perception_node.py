"""The node over real DDS: images in, features out."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.time import Time
from sensor_msgs.msg import CompressedImage, Image, JointState
from std_msgs.msg import String

from dust_msgs.msg import Features
from dust_node import qos
from dust_node.tensors import from_tensor
from support.probe import Probe
from support.program import Program

TOPICS = {view: f"zed_{view}/zed_node/rgb/color/rect/image" for view in ("wrist", "side")}
JOINTS = [f"fr3_joint{number}" for number in range(1, 8)]
PIXELS = np.random.default_rng(0).integers(0, 256, (360, 640, 4), dtype=np.uint8)


class Cell:
    """Cameras, an instruction and a listener."""

    def __init__(self, probe: Probe, *, compressed: bool = False) -> None:
        self.probe = probe
        self.node = probe.node
        self.compressed = compressed
        kind, suffix = (CompressedImage, "/compressed") if compressed else (Image, "")
        self.cameras = {
            view: self.node.create_publisher(kind, topic + suffix, qos.RELIABLE)
            for view, topic in TOPICS.items()
        }
        self.views = list(TOPICS)
        self.encoding = "bgra8"
        self.frame_ids = {"wrist": "", "side": ""}
        self.joints: list[float] | None = None
        self.blink = False
        self.arm = self.node.create_publisher(JointState, "joint_states", qos.RELIABLE)
        self.sent = 0
        self.sent_ns: set[int] = set()
        self.features = probe.listen(Features, "features", qos.RELIABLE)
        self.diagnostics: list[Any] = []
        self.instruction = self.node.create_publisher(String, "instruction", qos.LATCHED)
        self.node.create_subscription(
            DiagnosticArray,
            "/diagnostics",
            lambda message: self.diagnostics.extend(message.status),
            10,
        )
        self.node.create_timer(1 / 15, self.take_pictures)

    def take_pictures(self) -> None:
        """Let each camera that runs send an image, all with the same stamp."""
        stamp = self.node.get_clock().now()
        self.sent += 1
        self.sent_ns.add(stamp.nanoseconds)
        for view in self.views:
            message = self.image()
            message.header.stamp = stamp.to_msg()
            message.header.frame_id = self.frame_ids[view]
            self.cameras[view].publish(message)
        if self.joints is not None:
            self.joints[3] += 0.02
            self.arm.publish(JointState(name=JOINTS, position=self.joints))

    def image(self) -> Image | CompressedImage:
        """Make the image that the cameras see."""
        if self.compressed:
            data = cv2.imencode(".jpg", PIXELS[..., :3])[1].tobytes()
            return CompressedImage(format="jpeg", data=data)
        message = Image(height=360, width=640, encoding=self.encoding, step=640 * 4)
        pixels = np.roll(PIXELS, self.sent if self.blink else 0, axis=0)
        message.data = pixels.tobytes()
        return message

    def tell(self, instruction: str) -> None:
        """Publish the instruction."""
        self.instruction.publish(String(data=instruction))

    def wait_features(self, count: int) -> list[Features]:
        """Return that many new features."""
        self.features.clear()
        assert self.probe.spin_until(lambda: len(self.features) >= count), "no features"
        return list(self.features)

    def expect_silence(self, pictures: int = 20) -> None:
        """Check that images bring no features."""
        # What was under way when silence was asked for may still arrive.
        self.wait_pictures(10)
        self.features.clear()
        self.wait_pictures(pictures)
        assert not self.features

    def wait_pictures(self, count: int) -> None:
        """Let the cameras send that many images."""
        goal = self.sent + count
        assert self.probe.spin_until(lambda: self.sent >= goal)

    def wait_warning(self, text: str) -> None:
        """Wait until the node warns with this text."""
        self.diagnostics.clear()
        assert self.probe.spin_until(
            lambda: any(s.level == s.WARN and text in s.message for s in self.diagnostics)
        ), [status.message for status in self.diagnostics]

    def wait_connected(self, topic: str) -> None:
        """Wait until the node listens."""
        assert self.probe.spin_until(
            lambda: self.node.count_subscribers(topic) > 0, timeout_sec=60
        ), "the node does not listen"


@pytest.fixture(scope="module")
def perception(start_program: Callable[..., Program], tiny_checkpoint: Path) -> Program:
    """Start one node for the tests of this module."""
    return start_program("dust_perception.perception_node", f"checkpoint:={tiny_checkpoint}")


@pytest.fixture
def cell(perception: Program, probe: Probe) -> Iterator[Cell]:
    """Give cameras to which the node listens."""
    cell = Cell(probe)
    cell.wait_connected(TOPICS["side"])
    cell.wait_connected("instruction")
    yield cell
    cell.tell("")


def test_images_become_features(cell: Cell) -> None:
    cell.tell("put the blue cube into the bowl")
    received = cell.wait_features(5)
    sequence = [message.sequence for message in received]
    assert sequence == list(range(sequence[0], sequence[0] + 5))
    check_features(received[-1])
    stamp_ns = Time.from_msg(received[-1].header.stamp).nanoseconds
    assert stamp_ns in cell.sent_ns
    assert list(received[-1].view_stamps) == [received[-1].header.stamp] * 2


def check_features(message: Features) -> None:
    """Check everything that does not depend on the time."""
    features, mask = from_tensor(message.features), from_tensor(message.mask)
    assert message.views == ["wrist", "side"]
    assert message.header.frame_id == "side"
    assert message.instruction == "put the blue cube into the bowl"
    assert features.dtype == np.float16
    assert features.ndim == 2
    assert mask.shape == features.shape[:1]
    assert mask.any()
    assert from_tensor(message.embedding).shape == (16, 192)
    assert np.isfinite(features).all()
    assert len(message.checkpoint) == 16
    assert [timing.stage for timing in message.timings] == ["wait", "preprocess", "encode"]
    assert all(timing.duration > 0 for timing in message.timings)


def test_the_same_picture_and_words_give_the_same_features(cell: Cell) -> None:
    cell.tell("put the blue cube into the bowl")
    one, two = cell.wait_features(2)
    assert one.features == two.features
    cell.tell("put the sponge onto the plate")
    assert cell.probe.spin_until(lambda: cell.features[-1].instruction.startswith("put the sponge"))
    assert cell.features[-1].features != one.features


def test_nothing_is_encoded_without_an_instruction(cell: Cell) -> None:
    cell.tell("")
    cell.expect_silence()


def test_nothing_is_encoded_when_the_policy_is_gone(cell: Cell, perception: Program) -> None:
    cell.tell("put the blue cube into the bowl")
    cell.wait_features(1)
    cell.node.destroy_publisher(cell.instruction)
    assert cell.probe.spin_until(lambda: "resting" in perception.output)
    cell.expect_silence(10)
    cell.instruction = cell.node.create_publisher(String, "instruction", qos.LATCHED)
    cell.tell("put the blue cube into the bowl")
    cell.wait_features(1)


def test_a_missing_camera_is_named_on_diagnostics(cell: Cell) -> None:
    cell.tell("put the blue cube into the bowl")
    cell.wait_features(1)
    cell.views = ["wrist"]
    cell.diagnostics.clear()
    assert cell.probe.spin_until(
        lambda: any(TOPICS["side"] in status.message for status in cell.diagnostics)
    ), [status.message for status in cell.diagnostics]
    status = next(s for s in cell.diagnostics if TOPICS["side"] in s.message)
    assert status.name == "dust_perception"
    assert status.level == status.WARN
    cell.expect_silence(10)
    cell.views = list(TOPICS)
    cell.wait_features(1)


def test_swapped_cameras_are_refused_until_they_are_right(cell: Cell) -> None:
    cell.tell("put the blue cube into the bowl")
    cell.wait_features(1)
    frame = "zed_{}_left_camera_frame_optical"
    cell.frame_ids = {"wrist": frame.format("side"), "side": frame.format("wrist")}
    cell.wait_warning("view wrist: images come from frame 'zed_side_left_camera_frame_optical'")
    cell.expect_silence(10)
    cell.frame_ids = {view: frame.format(view) for view in TOPICS}
    cell.wait_features(1)


def test_a_frozen_camera_is_refused_while_the_arm_moves(cell: Cell) -> None:
    cell.tell("put the blue cube into the bowl")
    cell.wait_features(10)  # all are the same: nothing moves
    cell.joints = [0.0] * 7
    cell.wait_warning("view wrist: the same picture")
    cell.expect_silence(10)
    cell.blink = True
    cell.wait_features(1)


def test_an_image_that_cannot_be_read_is_reported_and_survived(
    cell: Cell, perception: Program
) -> None:
    cell.tell("put the blue cube into the bowl")
    cell.encoding = "16UC1"
    assert cell.probe.spin_until(lambda: "encoding '16UC1' is not supported" in perception.output)
    cell.encoding = "bgra8"
    cell.wait_features(1)
    assert "Traceback" not in perception.output


def test_an_image_stamped_before_the_beginning_of_time_is_survived(
    cell: Cell, perception: Program
) -> None:
    cell.tell("put the blue cube into the bowl")
    message = cell.image()
    message.header.stamp.sec = -1
    cell.cameras["side"].publish(message)
    # Those sent after it arrive after it.
    cell.wait_pictures(1)
    cell.wait_features(3)
    assert perception.running


def test_an_inactive_node_is_silent_and_starts_counting_anew(cell: Cell) -> None:
    cell.tell("put the blue cube into the bowl")
    cell.wait_features(1)
    change_state(cell, Transition.TRANSITION_DEACTIVATE)
    cell.expect_silence()
    change_state(cell, Transition.TRANSITION_ACTIVATE)
    assert cell.wait_features(1)[0].sequence == 1


def test_a_node_that_was_cleaned_up_can_be_configured_again(cell: Cell) -> None:
    cell.tell("put the blue cube into the bowl")
    change_state(cell, Transition.TRANSITION_DEACTIVATE)
    change_state(cell, Transition.TRANSITION_CLEANUP)
    cell.expect_silence()
    change_state(cell, Transition.TRANSITION_CONFIGURE)
    change_state(cell, Transition.TRANSITION_ACTIVATE)
    check_features(cell.wait_features(1)[0])


def change_state(cell: Cell, transition: int) -> None:
    """Ask for a lifecycle transition and wait for its success."""
    request = {"transition": Transition(id=transition)}
    assert cell.probe.call(ChangeState, "dust_perception/change_state", **request).success
