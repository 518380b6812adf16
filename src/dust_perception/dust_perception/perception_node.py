"""Node `dust_perception`: cameras -> features, while there is an instruction."""

import sys
import threading
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CompressedImage, Image, JointState
from std_msgs.msg import String

from dust_model.checkpoint import Checkpoint
from dust_msgs.msg import Features
from dust_node import qos
from dust_node.clock import beat
from dust_node.diagnostics import OK, WARN, Level, Monitor
from dust_node.errors import UserError
from dust_node.lifecycle import DustNode
from dust_node.run import run
from dust_node.stamps import nanoseconds_of
from dust_node.worker import LatestWorker
from dust_perception.encoder import Encoder
from dust_perception.features import features_message
from dust_perception.frozen import FrozenWatch
from dust_perception.identity import wrong_camera
from dust_perception.pacer import Pacer
from dust_perception.parameters import PARAMETERS
from dust_perception.readers import make_reader
from dust_perception.settings import Settings
from dust_perception.share import Share
from dust_perception.synchroniser import FrameSet, Gap, Synchroniser
from dust_perception.trigger import Trigger

# Cameras need a moment to appear; nobody is told before.
_PATIENCE_SEC = 3.0
_WARN_EVERY_SEC = 5.0


class Job(NamedTuple):
    """What the worker encodes."""

    frames: FrameSet[Any]
    instruction: str


class PerceptionNode(DustNode):
    """Keep the newest images; encode them in a thread of its own; publish features."""

    parameters = PARAMETERS

    def __init__(self) -> None:
        """Declare the parameters; everything else is made in `setup`."""
        self._worker: LatestWorker[Job] | None = None
        self._monitor: Monitor | None = None
        self._entities: list[tuple[Any, Any]] = []
        self._instruction = ""
        self._sequence = 0
        self._started_ns = 0
        self._publishing = threading.Lock()
        super().__init__("dust_perception")

    def setup(self) -> None:
        """Load the checkpoint, warm it up, make publisher, subscriptions and worker."""
        try:
            self._settings = Settings.from_values(self.values)
            self._load()
        except ValueError as error:
            raise UserError(str(error)) from error
        self._make_trigger()
        self._monitor = Monitor(self, self._assess)
        self._publisher = self.create_publisher(Features, "features", qos.RELIABLE)
        self._entities.append((self.destroy_publisher, self._publisher))
        self._subscribe()
        timer = beat(self, 1.0, self._watch)
        self._entities.append((self.destroy_timer, timer))
        self._worker = LatestWorker(self._encode, on_error=self._report, name="encoder")

    def start(self) -> None:
        """Begin to encode, as soon as there are an instruction and images."""
        self._sequence = 0
        self._started_ns = self._now_ns()
        self._synchroniser.clear()
        self._frozen.clear()
        self._wrong.clear()
        self._trigger.rearm()

    def stop(self) -> None:
        """Publish nothing any more; waits for a publication that is under way."""
        with self._publishing:
            self._sequence = 0

    def teardown(self) -> None:
        """End the worker, then release what it publishes to."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None
        while self._entities:
            destroy, entity = self._entities.pop()
            destroy(entity)
        if self._monitor is not None:
            self._monitor.close()
            self._monitor = None

    def _load(self) -> None:
        settings = self._settings
        if settings.threads:
            torch.set_num_threads(settings.threads)
        checkpoint = Checkpoint.load(settings.checkpoint)
        self._robot = checkpoint.robot
        self._fingerprint = checkpoint.fingerprint
        self._topics = settings.topic_by_view(self._robot.views)
        read, reader_name = make_reader(settings.transport, settings.image_reader)
        backbone = checkpoint.backbone(device=settings.device, dtype=settings.dtype)
        self._encoder = Encoder(
            backbone,
            self._robot.views,
            read,
            feature_dtype=settings.feature_dtype,
            clock=self._now_ns,
        )
        self._encoder.warm_up("wait")
        self.get_logger().info(
            f"checkpoint {self._fingerprint} on {settings.device}, images read by {reader_name}"
        )

    def _make_trigger(self) -> None:
        settings = self._settings
        self._synchroniser: Synchroniser[Any] = Synchroniser(
            self._robot.views,
            max_age_ns=round(settings.max_age * 1e9),
            max_skew_ns=round(settings.max_skew * 1e9),
            max_ahead_ns=round(settings.max_ahead * 1e9),
        )
        self._trigger = Trigger(self._synchroniser, Pacer(settings.rate))
        self._share = Share(settings.share if settings.device == "cpu" else 1.0)
        self._frozen = FrozenWatch(
            self._robot.views, images=settings.frozen_images, travel=settings.frozen_travel
        )
        self._frame_ids = settings.frame_by_view()
        self._wrong: dict[str, str] = {}

    def _subscribe(self) -> None:
        kind = CompressedImage if self._settings.transport == "compressed" else Image
        profile = qos.SENSOR
        if self._settings.image_reliability == "reliable":
            profile = QoSProfile(depth=5)
        for view, topic in self._topics.items():
            self._listen(kind, topic, partial(self._on_image, view), profile)
        self._listen(String, "instruction", self._on_instruction, qos.LATCHED)
        self._listen(JointState, "joint_states", self._on_joint_states, qos.SENSOR)

    def _listen(self, kind: Any, topic: str, callback: Any, profile: QoSProfile) -> None:
        subscription = self.create_subscription(kind, topic, callback, profile)
        self._entities.append((self.destroy_subscription, subscription))

    def _on_image(self, view: str, message: Any) -> None:
        assert self._monitor is not None
        self._monitor.tick(f"{view} images")
        # One that makes no sense is below 0, and so too old to be used.
        self._synchroniser.add(view, nanoseconds_of(message.header.stamp), message)
        self._wrong[view] = wrong_camera(view, message.header.frame_id, self._frame_ids[view])
        self._frozen.see(view, np.frombuffer(message.data, np.uint8))
        self._encode_if_due()

    def _on_joint_states(self, message: JointState) -> None:
        by_name = dict(zip(message.name, message.position, strict=False))
        if all(name in by_name for name in self._robot.joint_names):
            self._frozen.move(np.array([by_name[name] for name in self._robot.joint_names]))

    def _on_instruction(self, message: String) -> None:
        if message.data == self._instruction:
            return
        self._instruction = message.data
        self._trigger.rearm()
        self._encode_if_due()

    def _encode_if_due(self) -> None:
        if not self.active or not self._instruction or self._worker is None or self._doubt():
            return
        found = self._trigger.poll(self._now_ns())
        if isinstance(found, FrameSet) and self._share.may_begin(idle=self._worker.idle):
            self._worker.submit(Job(found, self._instruction))

    def _encode(self, job: Job) -> None:
        """Encode and publish, in the worker's thread."""
        with self._share.working():
            if job.instruction == self._instruction:
                self._encode_now(job)

    def _encode_now(self, job: Job) -> None:
        messages = {
            view: frame.item
            for view, frame in zip(job.frames.views, job.frames.frames, strict=True)
        }
        encoding = self._encoder.encode(messages, job.instruction)
        with self._publishing:
            if not self.active or job.instruction != self._instruction:
                return
            self._sequence += 1
            message = features_message(
                encoding,
                job.frames,
                instruction=job.instruction,
                primary_view=self._robot.primary_view,
                checkpoint=self._fingerprint,
                sequence=self._sequence,
            )
            self._publisher.publish(message)
        self._note(message)

    def _note(self, message: Features) -> None:
        assert self._monitor is not None
        assert self._worker is not None
        self._monitor.tick("features")
        for timing in message.timings:
            self._monitor.observe(timing.stage, timing.duration)
        skipped = self._worker.replaced + self._share.refused
        self._monitor.set("sets skipped while busy", skipped)

    def _report(self, error: Exception) -> None:
        """Say in the worker's thread what failed; the next images get their chance."""
        self.get_logger().error(f"not encoded: {error}", throttle_duration_sec=_WARN_EVERY_SEC)
        if self._monitor is not None:
            self._monitor.tick("failed")
            self._monitor.set("last failure", error)

    def _watch(self) -> None:
        """Rest when the policy is gone; name the camera that keeps the robot waiting."""
        if self._instruction and not self.count_publishers("instruction"):
            self.get_logger().info("nobody publishes the instruction any more: resting")
            self._instruction = ""
        level, text = self._assess()
        patient = self._now_ns() - self._started_ns < _PATIENCE_SEC * 1e9
        if self.active and level != OK and not patient:
            self.get_logger().warning(text, throttle_duration_sec=_WARN_EVERY_SEC)

    def _assess(self) -> Level:
        if not self.active:
            return OK, "inactive"
        found = self._synchroniser.latest(self._now_ns())
        if isinstance(found, Gap):
            return WARN, self._explain(found)
        if doubt := self._doubt():
            return WARN, doubt
        return OK, f"encoding '{self._instruction}'" if self._instruction else "no instruction"

    def _doubt(self) -> str:
        """Return why the images that arrive must not be used; empty when they may."""
        doubts = (self._wrong.get(view) or self._frozen.problem(view) for view in self._topics)
        return next((doubt for doubt in doubts if doubt), "")

    def _explain(self, gap: Gap) -> str:
        topic = self.resolve_topic_name(self._topics[gap.view])
        publishers = self.count_publishers(topic)
        hint = "" if publishers else ", which nobody publishes"
        return f"{gap.text} (topic {topic}{hint})"

    def _now_ns(self) -> int:
        return int(self.get_clock().now().nanoseconds)


def main() -> int:
    """Run the node until it is interrupted."""
    return run(PerceptionNode)


if __name__ == "__main__":
    sys.exit(main())
