"""The course of a rehearsal, with a player that plays all three nodes at once."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace as Fields
from typing import Any

import numpy as np
import pytest
from rclpy.serialization import deserialize_message
from rclpy.time import Time
from sensor_msgs.msg import CompressedImage
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from dust_msgs.msg import ActionChunk, ExecutorState
from dust_view.fr3 import ARM_JOINTS
from dust_view.rehearsal.player import EXECUTOR, SilenceError
from dust_view.rehearsal.recording import Recording
from dust_view.rehearsal.rehearsal import Choices, Rehearsal, settle_instruction, thinned
from dust_view.rehearsal.score import Score, score

NS = 1_000_000_000
TOPICS = {view: f"zed_{view}/zed_node/rgb/color/rect/image" for view in ("wrist", "side")}


class Company:
    """Perception, policy and executor as they should be, without a graph.

    Args:
        silent: Numbers of the chunks that do not come.
        ends_after: Chunks after which the policy ends the task; 0: never.
        late: Whether the executor answers a question before it takes the chunk sent before it.

    Attributes:
        arrivals: When the executor took each chunk, ns.
    """

    def __init__(
        self, *, silent: tuple[int, ...] = (), ends_after: int = 0, late: bool = False
    ) -> None:
        self.now_ns = 0
        self.state: ExecutorState | None = None
        self.chunks: dict[int, tuple[float, ActionChunk]] = {}
        self.features: dict[int, tuple[float, None]] = {}
        self.order: list[str] = []
        self.shown: list[int] = []
        self.arrivals: list[int] = []
        self.heard = 0.0
        self._post: list[ActionChunk] = []
        self._late = late
        self._silent, self._ends_after = silent, ends_after
        self._images: dict[str, bytes] = {}
        self._sequence, self._accepted = 0, 0
        self._arm = np.zeros(7)
        self._taken: list[JointTrajectory] = []
        self._over, self._task = False, False

    def wait_connected(self, *, patience: float) -> None:
        self.order.append("connected")

    def ask(self, name: str, parameters: Any, *, patience: float) -> list[float]:
        return [30.0]

    def agree(self, *names: str, patience: float, questions: int = 1) -> None:
        self.order.append(f"agree {len(names)}")
        if EXECUTOR in names and (questions > 1 or not self._late):
            self._take_chunks()

    def wait(
        self,
        condition: Callable[[], Any],
        what: str,
        *,
        patience: float,
        again: Callable[[], object] = lambda: None,
    ) -> Any:
        for _ in range(3):
            if found := condition():
                return found
            again()
            self._work()
        raise SilenceError(what)

    def tell_time(self, now_ns: int) -> None:
        assert now_ns > self.now_ns
        self.now_ns = now_ns
        self._take_chunks()
        self.state = ExecutorState(positions=[0.0], last_sequence=self._accepted)
        self.state.accepted = self._accepted
        self.state.header.stamp = Time(nanoseconds=now_ns).to_msg()

    def send_joints(self, data: bytes) -> None:
        self.order.append("joints")

    def send_arm(self, names: Any, positions: list[float], velocities: list[float]) -> None:
        assert len(names) == len(positions) == len(velocities) == 9
        self._arm = np.array(positions[:7])

    def send_image(self, view: str, image: bytes) -> None:
        self._images[view] = image
        self.order.append("image")

    def send_features(self, stamp_ns: int) -> None:
        self.order.append("features")

    def send_chunk(self, message: ActionChunk) -> None:
        self.order.append(f"chunk {message.sequence}")
        self._post.append(message)

    def _take_chunks(self) -> None:
        while self._post:
            self.arrivals.append(self.now_ns)
            self._publish(self._post.pop(0))

    def _publish(self, message: ActionChunk) -> None:
        self._accepted = int(message.sequence)
        points = []
        for offset, place in ((0, self._arm), (NS // 2, np.array(message.positions[-7:]))):
            point = JointTrajectoryPoint(positions=list(place))
            point.velocities, point.accelerations = [0.0] * 7, [0.0] * 7
            point.time_from_start.sec, point.time_from_start.nanosec = divmod(offset, NS)
            points.append(point)
        trajectory = JointTrajectory(joint_names=list(ARM_JOINTS), points=points)
        trajectory.header.stamp = Time(nanoseconds=self.now_ns).to_msg()
        self._taken.append(trajectory)

    def taken_trajectories(self) -> list[JointTrajectory]:
        taken, self._taken = self._taken, []
        return taken

    def begin_task(self, instruction: str, *, time_limit: float, patience: float) -> Any:
        self._task = True
        ended = Fields(result=Fields(error_msg="canceled"))
        handle = Fields(cancel_goal_async=self._end)
        return handle, Fields(done=lambda: self._over, result=lambda: ended)

    def _end(self) -> None:
        self._over = True

    def _work(self) -> None:
        """Make a chunk of the images that were shown, if there is a task."""
        if not (self._task and len(self._images) == 2):
            return
        stamps = [stamp_of(image) for image in self._images.values()]
        self._images.clear()
        self._sequence += 1
        if self._ends_after and self._sequence > self._ends_after:
            self._over = True
        elif self._sequence not in self._silent:
            self.shown.append(max(stamps))
            self.features[max(stamps)] = (0.0, None)
            self.chunks[max(stamps)] = (1e12, self._chunk(max(stamps)))

    def _chunk(self, stamp_ns: int) -> ActionChunk:
        chunk = ActionChunk(sequence=self._sequence, period=1 / 15, joint_names=list(ARM_JOINTS))
        chunk.header.stamp = Time(nanoseconds=stamp_ns).to_msg()
        chunk.positions = np.tile(self._arm + 0.01, 16).tolist()
        chunk.gripper = [1.0] * 16
        return chunk


def stamp_of(image: bytes) -> int:
    stamp = deserialize_message(image, CompressedImage).header.stamp
    return int(Time.from_msg(stamp).nanoseconds)


@pytest.fixture
def recording(write_bag):
    path = write_bag()
    with Recording.open(path, image_topics=TOPICS, joint_names=ARM_JOINTS) as recording:
        yield recording


def rehearsed(recording: Recording, company: Company, *, latency: float = 0.15) -> Rehearsal:
    choices = Choices(
        instruction=settle_instruction("", recording),
        joint_names=ARM_JOINTS,
        latency_ns=round(latency * NS),
        startup=1.0,
        patience=1.0,
    )
    rehearsal = Rehearsal(company, recording, choices)  # type: ignore[arg-type]
    rehearsal.run()
    return rehearsal


def test_images_that_come_while_the_policy_is_busy_are_passed_over(recording) -> None:
    company = Company()
    rehearsal = rehearsed(recording, company)
    gaps = np.diff(company.shown) / NS
    assert company.shown[0] == recording.sets[0].stamp_ns
    # Every 0.15 s and what it takes to tell; the last images wait for nobody after them.
    assert set(np.round(gaps[:-1] * 15).astype(int)) == {2, 3}
    notes = rehearsal.notes
    assert notes.sets + notes.skipped == len(recording.sets)
    assert notes.accepted >= len(company.shown) - 1
    assert notes.ending == "canceled"


def test_a_chunk_arrives_when_its_latency_has_passed(recording) -> None:
    rehearsal = rehearsed(recording, Company(), latency=0.3)
    for chunk in rehearsal.notes.chunks:
        late = (chunk.sent_ns - chunk.stamp_ns) / NS - 0.3
        assert 0 <= late < 1 / 30 + 0.001


def test_an_executor_that_answers_before_it_takes_a_chunk_changes_nothing(recording) -> None:
    def found(company: Company) -> Score:
        rehearsal = rehearsed(recording, company)
        assert company.arrivals == [chunk.sent_ns for chunk in rehearsal.notes.chunks]
        return score(rehearsal.arm, rehearsal.notes, recording.commands)

    prompt, late = found(Company()), found(Company(late=True))
    assert (prompt.digest, prompt.seam) == (late.digest, late.seam)


def test_joint_states_are_thinned_out_and_taken_in_one_by_one(recording) -> None:
    first = recording.joints[0]
    stamps = range(first.stamp_ns, recording.joints[-1].stamp_ns, NS // 1000)
    recording.joints = [replace(first, stamp_ns=stamp_ns) for stamp_ns in stamps]
    company = Company()
    rehearsed(recording, company)
    steps = list(pairwise(company.order))
    assert ("joints", "joints") not in steps
    assert ("joints", "agree 2") in steps  # more than one in a step of the clock
    kept = [sample.stamp_ns for sample in thinned(recording.joints)]
    assert set(np.diff(kept)) == {NS // 200}


def test_the_nodes_agree_before_images_are_shown_and_after_each_chunk(recording) -> None:
    company = Company()
    rehearsed(recording, company)
    for earlier, later in pairwise(company.order):
        if later == "image":
            assert earlier.startswith(("agree", "image", "features"))
        if earlier.startswith("chunk"):
            assert later == "agree 1"


def test_the_arm_follows_what_is_published_and_ends_at_rest(recording) -> None:
    rehearsal = rehearsed(recording, Company())
    found = score(rehearsal.arm, rehearsal.notes, recording.commands)
    assert found.take_overs == found.notes.accepted
    assert found.seam[0] < 1e-12
    np.testing.assert_allclose(rehearsal.arm.state()[1:], 0.0, atol=1e-12)
    assert found.commanded.joint.count > 1000


def test_the_end_of_the_task_ends_the_rehearsal(recording) -> None:
    company = Company(ends_after=2)
    rehearsal = rehearsed(recording, company)
    assert len(company.shown) == 2
    assert rehearsal.notes.sets == 3


def test_a_chunk_that_does_not_come_is_counted(recording) -> None:
    rehearsal = rehearsed(recording, Company(silent=(3,)))
    assert rehearsal.notes.silent == 1
    assert len(rehearsal.notes.chunks) > 4


def test_a_policy_that_stays_silent_ends_the_rehearsal(recording) -> None:
    with pytest.raises(SilenceError, match="the chunk of the images"):
        rehearsed(recording, Company(silent=tuple(range(2, 99))))
