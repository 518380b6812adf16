"""The course of a rehearsal: step by step, until the recording ends and the arm is at rest."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rclpy.time import Time

from dust_msgs.msg import ActionChunk, ExecutorState
from dust_node.errors import UserError
from dust_view.arm import FollowingArm
from dust_view.fr3 import FINGER_JOINTS
from dust_view.messages import read_chunk
from dust_view.rehearsal.player import (
    EXECUTOR,
    NODES,
    PERCEPTION,
    POLICY,
    Player,
    SilenceError,
    as_png,
)
from dust_view.rehearsal.recording import ImageSet, JointSample, Recording
from dust_view.rehearsal.score import Notes, RehearsedChunk, correction
from dust_view.trajectory import NS, Array, Trajectory

_EARLY_STEPS = 6
"""Before the first images: every node learns the time, the executor sees the arm."""

_ENDING_SEC = 3.0
"""Longest time in which the arm has to come to rest."""

_ANSWER_NS = 150_000_000
"""After which the policy takes a chunk that the executor has not accepted for a rejected one."""

_SPACING_NS = 5_000_000
"""Joint states that come faster are thinned out: the policy keeps none that are closer together."""

_MOST_SILENT = 3
"""Sets in a row that may bring no chunk."""

STAGES = ("perception", "policy", "executor")


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be chosen.

    Attributes:
        instruction: What to do, in words.
        joint_names: Arm joints in the order of the columns.
        latency_ns: From an image to its chunk's arrival at the executor.
        startup: Longest wait for the nodes to be there, wall time in s.
        patience: Longest wait for an answer, wall time in s.
    """

    instruction: str
    joint_names: tuple[str, ...]
    latency_ns: int
    startup: float
    patience: float


class Rehearsal:
    """Leads a policy through a recording.

    Attributes:
        arm: Follows what the executor publishes.
        notes: What happened.
    """

    def __init__(self, player: Player, recording: Recording, choices: Choices) -> None:
        """Set the clock to the first images.

        Args:
            player: Talks to the nodes.
            recording: What happened once.
            choices: What can be chosen.

        Raises:
            ValueError: The recording lacks a joint.
        """
        self._player, self._recording, self._choices = player, recording, choices
        self._joints = deque(thinned(recording.joints))
        self._first_ns = recording.sets[0].stamp_ns
        self._shown = self._joint_at_first()
        position = self._shown.of(choices.joint_names)
        self.notes = Notes(latency={stage: [] for stage in STAGES})
        self.arm = FollowingArm(position, now_ns=self._first_ns)
        self._images: Iterator[ImageSet] = iter(())
        self._pending: ImageSet | None = None
        self._progress: Callable[[int], object] = lambda sets: None
        self._waiting: deque[tuple[int, ActionChunk]] = deque()
        self._newest, self._left_ns = 0, 0
        self._step_ns = 0
        self._silent = 0

    def run(self, *, progress: Callable[[int], object] = lambda sets: None) -> None:
        """Rehearse.

        Args:
            progress: Called with the number of sets that are done.

        Raises:
            SilenceError: A node did not answer.
            UserError: The nodes are not set up for a rehearsal.
        """
        self._player.wait_connected(patience=self._choices.startup)
        self._learn_step()
        self._settle()
        self._images, self._progress = self._recording.read_sets(), progress
        first = self._next_images()
        assert first is not None
        handle, result = self._begin(first)
        while self._pending is not None and not result.done():
            if self._pending.stamp_ns <= self._player.now_ns and self._is_free():
                self._show(self._newest_images(), result)
            else:
                self._step()
        self._finish(handle, result)

    # -- before and after

    def _joint_at_first(self) -> Any:
        """Return the newest joint state not after the first images, and drop those before it."""
        while len(self._joints) > 1 and self._joints[1].stamp_ns <= self._first_ns:
            self._joints.popleft()
        return self._joints.popleft()

    def _learn_step(self) -> None:
        """Set the step of the clock: as long as the executor's, so that each step has its tick."""
        (rate,) = self._player.ask(EXECUTOR, ["rate"], patience=self._choices.patience)
        self._step_ns = int(NS / rate) + 1

    def _settle(self) -> None:
        """Let every node learn the time and the executor see the arm, which does not move."""
        begin_ns = self._first_ns - _EARLY_STEPS * self._step_ns
        for number in range(_EARLY_STEPS + 1):
            self._tick(begin_ns + number * self._step_ns)
        if self._player.state is None or not self._player.state.positions:
            raise SilenceError("the executor does not see the arm on rehearsal/joint_states")

    def _begin(self, first: ImageSet) -> tuple[Any, Any]:
        """Start the task and wait for its first chunk; time stands still meanwhile."""
        player, patience = self._player, self._choices.patience
        length = (self._recording.sets[-1].stamp_ns - self._first_ns) / NS
        self._send_images(first)
        player.agree(PERCEPTION, patience=patience)
        handle, result = player.begin_task(
            self._choices.instruction, time_limit=length + 60.0, patience=patience
        )

        def again() -> None:
            player.send_joints(self._shown.data)
            player.send_features(first.stamp_ns)
            if first.stamp_ns not in player.features:
                self._send_images(first)

        again()
        player.wait(
            lambda: first.stamp_ns in player.chunks or result.done(),
            "the first chunk",
            patience=patience,
            again=again,
        )
        return handle, result

    def _finish(self, handle: Any, result: Any) -> None:
        """End the task and let the arm come to rest."""
        player, patience = self._player, self._choices.patience
        if not result.done():
            handle.cancel_goal_async()
            player.wait(result.done, "the end of the task", patience=patience)
        ended = result.result().result
        self.notes.ending = ended.error_msg or "ended as it should"
        player.agree(EXECUTOR, patience=patience)
        self._follow()
        self._waiting.clear()
        until_ns = player.now_ns + round(_ENDING_SEC * NS)
        while player.now_ns < self.arm.end_ns + self._step_ns and player.now_ns < until_ns:
            self._step()

    # -- steps

    def _next_images(self) -> ImageSet | None:
        """Move on to the next set and return it; None after the last one."""
        self._pending = next(self._images, None)
        return self._pending

    def _newest_images(self) -> ImageSet:
        """Return the newest set that is there by now; the policy was busy during older ones."""
        images, now_ns = self._pending, self._player.now_ns
        while (newer := self._next_images()) is not None and newer.stamp_ns <= now_ns:
            images = newer
            self.notes.skipped += 1
            self._progress(1)
        self._progress(1)
        assert images is not None
        return images

    def _is_free(self) -> bool:
        """Return whether the policy is done with its newest chunk and knows what became of it."""
        state, now_ns = self._player.state, self._player.now_ns
        assert state is not None
        told = state.last_sequence >= self._newest or now_ns >= self._left_ns + _ANSWER_NS
        return not self._waiting and told

    def _step(self) -> None:
        """Move on by one step: the arm, the clock, joint states, chunks that are due."""
        self._tick(self._player.now_ns + self._step_ns)
        self._release()

    def _tick(self, now_ns: int) -> None:
        player, patience = self._player, self._choices.patience
        if now_ns > self._first_ns:
            self.arm.advance(now_ns)
        due = self._due_joints(now_ns)
        player.tell_time(now_ns)
        self._send_arm()
        player.wait(
            lambda: _stamp(player.state) >= now_ns,
            f"the state of {EXECUTOR}",
            patience=patience,
            again=self._send_arm,
        )
        self._send_joints(due)
        player.agree(*NODES, patience=patience)
        self._count()

    def _due_joints(self, now_ns: int) -> list[JointSample]:
        """Return the joint states that are due, oldest first; the newest one is shown from now."""
        due = []
        while self._joints and self._joints[0].stamp_ns <= now_ns:
            due.append(self._joints.popleft())
        self._shown = due[-1] if due else self._shown
        return due

    def _send_joints(self, due: list[JointSample]) -> None:
        """Send joint states, each when the one before was taken in: many at once would be lost."""
        for number, sample in enumerate(due):
            if number:
                self._player.agree(PERCEPTION, POLICY, patience=self._choices.patience)
            self._player.send_joints(sample.data)

    def _send_arm(self) -> None:
        state = self.arm.state()
        fingers = [name for name in FINGER_JOINTS if name in self._shown.names]
        names = (*self._choices.joint_names, *fingers)
        positions = np.concatenate([state[0], self._shown.of(fingers)])
        velocities = np.concatenate([state[1], np.zeros(len(fingers))])
        self._player.send_arm(names, positions.tolist(), velocities.tolist())

    def _show(self, images: ImageSet, result: Any) -> None:
        """Show a set of images and wait for what the policy makes of it, or the task's end."""
        player = self._player
        self.notes.sets += 1
        begun = time.perf_counter()
        if images.stamp_ns not in player.chunks:  # the first set was shown already
            self._send_images(images)
        try:
            player.wait(
                lambda: images.stamp_ns in player.chunks or result.done(),
                f"the chunk of the images of {images.stamp_ns * 1e-9:.3f}",
                patience=self._choices.patience,
            )
        except SilenceError:
            self._silent += 1
            self.notes.silent += 1
            if self._silent >= _MOST_SILENT:
                raise
            return
        self._silent = 0
        if images.stamp_ns in player.chunks:
            self._take_chunk(images.stamp_ns, begun)

    def _take_chunk(self, stamp_ns: int, begun: float) -> None:
        player = self._player
        came, message = player.chunks.pop(stamp_ns)
        seen, _ = player.features.pop(stamp_ns)
        if came > begun:  # not the first one, which waited for the task to begin
            self.notes.latency["perception"].append(seen - begun)
            self.notes.latency["policy"].append(came - seen)
        self._newest, self._left_ns = int(message.sequence), player.now_ns
        self._waiting.append((stamp_ns + self._choices.latency_ns, message))
        self._release()

    def _release(self) -> None:
        """Hand the chunks that are due to the executor, and follow what it publishes."""
        while self._waiting and self._waiting[0][0] <= self._player.now_ns:
            _, message = self._waiting.popleft()
            chunk = self._note(message)
            begun = time.perf_counter()
            self._player.send_chunk(message)
            self._player.agree(EXECUTOR, patience=self._choices.patience, questions=2)
            if self._player.heard > begun:  # not of a chunk that changes nothing
                self.notes.latency["executor"].append(self._player.heard - begun)
            self.notes.chunks.append(chunk)
        self._follow()

    def _follow(self) -> None:
        for message in self._player.taken_trajectories():
            names = self._choices.joint_names
            arrival_ns = self._player.now_ns
            self.arm.take(Trajectory.from_message(message, names, arrival_ns=arrival_ns))

    def _note(self, message: ActionChunk) -> RehearsedChunk:
        stamp_ns, now_ns = _time(message.header.stamp), self._player.now_ns
        period_ns = round(message.period * NS)
        positions: Array | None = read_chunk(message, self._choices.joint_names)
        if positions is None:
            positions = np.empty((0, len(self._choices.joint_names)))
        times = stamp_ns + np.arange(len(positions), dtype=np.int64) * period_ns
        return RehearsedChunk(
            stamp_ns=stamp_ns,
            period_ns=period_ns,
            positions=positions,
            gripper=np.array(message.gripper),
            sent_ns=now_ns,
            correction=correction(positions, times, self.arm, now_ns),
        )

    def _send_images(self, images: ImageSet) -> None:
        for view, data in images.images.items():
            if self._recording.is_raw(view):
                image = self._recording.decode_image(view, data)
                self._player.send_image(view, as_png(image))
            else:
                self._player.send_image(view, data)

    def _count(self) -> None:
        """Take over what the executor counted; it begins anew with each task."""
        state, notes = self._player.state, self.notes
        assert state is not None
        if state.mode == ExecutorState.STOPPED and not notes.stopped:
            notes.stopped = state.reason
        if state.accepted + state.rejected >= notes.accepted + notes.rejected:
            notes.accepted, notes.rejected = state.accepted, state.rejected
            notes.clamped, notes.limited = state.clamped, state.limited
        if state.last_rejection and state.last_rejection not in notes.rejections:
            notes.rejections.append(state.last_rejection)


def thinned(samples: Sequence[JointSample]) -> list[JointSample]:
    """Return the first joint state and each that is far enough behind the last one returned.

    Args:
        samples: Oldest first.
    """
    kept: list[JointSample] = []
    for sample in samples:
        if not kept or sample.stamp_ns - kept[-1].stamp_ns >= _SPACING_NS:
            kept.append(sample)
    return kept


def settle_instruction(given: str, recording: Recording) -> str:
    """Return the instruction to rehearse.

    Raises:
        UserError: Neither the user nor the bag gives one.
    """
    text = given or recording.instruction
    if not text:
        raise UserError("the bag tells no instruction: give one with instruction:=...")
    return text


def _time(stamp: Any) -> int:
    return int(Time.from_msg(stamp).nanoseconds)


def _stamp(state: ExecutorState | None) -> int:
    return -1 if state is None else _time(state.header.stamp)
