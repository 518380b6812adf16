"""Tasks at the executor and episodes, one step after the other, without ever blocking."""

import uuid
from collections import deque
from collections.abc import Callable, Collection, Coroutine
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

from rclpy.node import Node
from rclpy.task import Future, Task

from dust_demos.teleop.arm_watch import ArmWatch
from dust_demos.teleop.controls import Button
from dust_demos.teleop.episodes import JUDGED, MARKS, Outcome, Running, episode_name
from dust_demos.teleop.pilot import Pilot, Word
from dust_demos.teleop.scenes import Scene
from dust_demos.teleop.services import call
from dust_msgs.msg import Episode
from dust_msgs.srv import JudgeCell, ResetCell
from dust_node.executor_link import ExecutorLink
from dust_node.qos import LATCHED

_NS = 1_000_000_000
_PAUSE_NS = 2 * _NS  # between two attempts to start a task
_RESET_SEC = 5.0
_REST_SEC = 1.5
_SETTLE_NS = 600_000_000


class _FinishedError(Exception):
    """What is under way is not to go on."""


class Conductor:
    """Does what buttons and the pilot ask for, in the order in which they do.

    Args:
        node: Node that owns topics and services; has checked parameter values in `values`.
        pilot: Drives the arm.
        scenes: Scenes for the episodes to come.
        arm: Compares the arm with the executor's plan.

    Attributes:
        episode: The episode that runs; None: none.
        instruction: What is to be shown next, in words.
        cell_instruction: What the simulated cell is set for, in words; empty: it is not there.
        outcomes: How the episodes so far ended.
    """

    def __init__(self, node: Any, pilot: Pilot, scenes: list[Scene], arm: ArmWatch) -> None:
        self._node: Node = node
        self._values = node.values
        self._pilot = pilot
        self._scenes = deque(scenes)
        self._arm = arm
        self.episode: Running | None = None
        self.instruction: str = self._values["instruction"]
        self.cell_instruction = ""
        self.outcomes: list[Outcome] = []
        self._begun = 0
        self._scene: Scene | None = None
        self._mark: Button | None = None  # it ends the episode that runs, once the arm rests
        self._wanted: deque[Button] = deque()
        self._job: Task | None = None
        self._waits: list[tuple[Callable[[], bool], int, Future]] = []
        self._not_before_ns = 0
        self._finished = ""  # why nothing is to be begun; empty: all may go on
        cell = self._values["cell_node"]
        self._link = ExecutorLink(node)
        self._reset = node.create_client(ResetCell, f"{cell}/reset")
        self._judge = node.create_client(JudgeCell, f"{cell}/judge")
        self._publisher = node.create_publisher(Episode, "episode", LATCHED)

    @property
    def busy(self) -> bool:
        """Whether a step is under way or waits."""
        return self._job is not None or bool(self._wanted)

    def press(self, pressed: Collection[Button]) -> None:
        """Take in buttons of the episodes; each is done when its turn comes.

        Where one button of a device both starts and marks, it does what makes sense now.
        """
        marks = [button for button in pressed if button in MARKS]
        starts = Button.START in pressed and (not marks or self.episode is None)
        if starts:
            self._wanted.append(Button.START)
        elif marks:
            self._wanted.append(marks[0])

    def begin(self) -> None:
        """Take in what is asked for from now on, after `finish` too."""
        self._finished = ""

    def tick(self, steady_ns: int) -> None:
        """Go on; call it at every tick. Time by a clock that never jumps, ns."""
        self._settle_waits(steady_ns)
        if self._job is not None and self._job.done():
            self._job = None
        if self._job is None:
            self._next(steady_ns)

    def finish(self, why: str) -> bool:
        """End what runs, and do no more until `begin`; return whether all is done.

        It needs no tick; the executor hears of it also where a step waits for something else.
        """
        self._finished = why
        if self.episode is not None:
            self._publish_end(self._marked() or Outcome.UNKNOWN, why)
        self._wanted.clear()
        while self._waits:
            self._waits.pop()[2].set_result(False)
        if self._job is not None and self._job.done():
            self._job = None
        if self._job is None and self._pilot.task is not None:
            self._start(partial(self._end_task, why))
        return self._job is None

    def close(self) -> None:
        """Release topics and services."""
        if self._job is not None:
            self._job.cancel()
        self._link.close()
        self._node.destroy_client(self._reset)
        self._node.destroy_client(self._judge)
        self._node.destroy_publisher(self._publisher)

    def _next(self, steady_ns: int) -> None:
        pilot = self._pilot
        if self.episode is not None and pilot.is_stopped:
            assert pilot.executor is not None
            self._publish_end(Outcome.FAILURE, f"the executor stopped: {pilot.executor.reason}")
        elif self._wanted:
            button = self._wanted.popleft()
            if self.episode is not None and button in MARKS:
                self._mark = button
            marked = partial(self._end_episode, button)
            self._start(self._begin_episode if button is Button.START else marked)
        elif pilot.task is None and pilot.wants_task(steady_ns):
            if steady_ns >= self._not_before_ns:
                self._start(self._start_task)
        elif pilot.task is not None and not pilot.wants_task(steady_ns):
            self._start(partial(self._end_task, "the operator let go"))

    def _marked(self) -> Outcome | None:
        """Return what the operator has said of the episode that runs; None: nothing."""
        buttons = [self._mark, *self._wanted]
        return next((MARKS[button] for button in buttons if button in MARKS), None)

    def _start(self, job: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        assert self._node.executor is not None
        self._job = self._node.executor.create_task(self._perform(job))

    async def _perform(self, job: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        with suppress(_FinishedError):
            await job()
        if self._finished:
            await self._end_task(self._finished)

    def _check(self) -> None:
        """Go no further where all was ended while a step waited.

        Raises:
            _FinishedError: It was.
        """
        if self._finished:
            raise _FinishedError

    async def _start_task(self, opening: float | None = None) -> bool:
        """Start a task at the executor, with a gripper opening; return whether it runs."""
        self._check()
        task_id = uuid.uuid4().hex
        self._pilot.task_asked(task_id, opening)
        try:
            problem = await self._link.start_task(
                task_id, self._node.get_name(), timeout_sec=self._values["service_timeout"]
            )
        except (ConnectionError, TimeoutError) as error:
            problem = f"{error}: is the executor active?"
        if not problem:
            self._check()
            self._pilot.task_started(self._steady_ns())
            return True
        self._pilot.task_over()
        self._not_before_ns = self._steady_ns() + _PAUSE_NS
        self._say(f"the executor does not start: {problem}", Word.WARNING)
        return False

    async def _end_task(self, reason: str) -> None:
        """End the task that runs, if one does; the arm comes to rest."""
        task = self._pilot.task
        if task is None:
            return
        self._pilot.task_over()
        problem = await self._link.end_task(
            task.task_id, reason, timeout_sec=self._values["service_timeout"]
        )
        if problem:
            self._say(f"end of the task: {problem}", Word.WARNING)

    async def _begin_episode(self) -> None:
        if self.episode is not None:
            self._say(f"{self.episode.episode_id} runs: mark it first", Word.WARNING)
            return
        if self._pilot.is_stopped:
            self._say(f"the executor is stopped: {self._pilot.rearm}", Word.ERROR)
            return
        self._pilot.release()
        await self._end_task("an episode begins")
        scene = self._scenes[0] if self._scenes else None
        instruction = self.instruction or self.cell_instruction
        if scene is not None:
            instruction = await self._set(scene)
        elif not instruction:
            self._say(
                "no instruction: set the parameter instruction, or publish teleop/instruction",
                Word.WARNING,
            )
        # A reset opens the hand, whatever it was told before.
        if instruction and await self._start_task(1.0 if scene is not None else None):
            self._publish_start(instruction, scene)

    async def _set(self, scene: Scene) -> str:
        """Reset the cell to a scene; return its instruction, an empty text when that failed."""
        self._check()
        request = ResetCell.Request(
            task=scene.task,
            object_name=scene.object_name,
            seed=scene.seed,
            distractors=list(scene.distractors),
        )
        timeout = self._values["service_timeout"]
        try:
            response = await call(self._node, self._reset, request, timeout_sec=timeout)
        except (ConnectionError, TimeoutError) as error:
            self._say(f"the cell cannot be reset: {error}", Word.WARNING)
            return ""
        if not response.success:
            self._say(f"the cell refuses {scene.name}: {response.message}", Word.WARNING)
            return ""
        # The executor follows the arm, which has jumped.
        self._arm.forget()
        if not await self._until(self._arm.agrees, _RESET_SEC):
            self._say("the executor does not see the arm where it was reset to", Word.WARNING)
            return ""
        # Objects come to rest; and what is recorded from shortly before the start is this scene.
        settled_ns = self._now_ns() + _SETTLE_NS
        await self._until(lambda: self._now_ns() >= settled_ns, _RESET_SEC)
        return str(response.instruction)

    async def _end_episode(self, button: Button) -> None:
        if self.episode is None:
            self._say("no episode runs: press start first", Word.WARNING)
            return
        self._pilot.release()
        await self._until(lambda: self._pilot.is_at_rest(self._now_ns()), _REST_SEC)
        outcome, note = await self._outcome(MARKS[button])
        self._check()
        if self.episode is not None:
            self._publish_end(outcome, note)
        await self._end_task("the episode is over")

    async def _outcome(self, mark: Outcome | None) -> tuple[Outcome, str]:
        """Return how an episode ended, by the mark or by the cell's oracle, and a note."""
        if self._values["outcome"] != "oracle" or mark is Outcome.DISCARDED:
            return mark or Outcome.UNKNOWN, ""
        timeout = self._values["service_timeout"]
        try:
            verdict = await call(self._node, self._judge, JudgeCell.Request(), timeout_sec=timeout)
        except (ConnectionError, TimeoutError) as error:
            return mark or Outcome.UNKNOWN, f"not judged: {error}"
        judged = JUDGED.get(verdict.outcome, Outcome.UNKNOWN)
        if mark is None:
            return judged, f"judged by the cell: {verdict.reason}"
        return (
            mark,
            "" if mark is judged else f"{judged.name.lower()} for the cell: {verdict.reason}",
        )

    def _publish_start(self, instruction: str, scene: Scene | None) -> None:
        self._scene = scene
        if scene is not None:
            self._scenes.popleft()
        name = episode_name(datetime.now(), scene.name if scene else "", self._begun)
        self._begun += 1
        self.episode = Running(name, instruction)
        self._pilot.in_episode = True
        self._publish(Episode.START, Outcome.UNKNOWN, "")
        left = f" ({len(self._scenes)} scenes left)" if scene else ""
        self._say(f"episode {name} runs{left}: {instruction}")

    def _publish_end(self, outcome: Outcome, note: str) -> None:
        assert self.episode is not None
        self._publish(Episode.END, outcome, note)
        self.outcomes.append(outcome)
        if outcome is Outcome.DISCARDED and self._scene is not None:
            self._scenes.appendleft(self._scene)  # to be shown once more
        remark = f" ({note})" if note else ""
        self._say(f"episode {self.episode.episode_id} is over: {outcome.name.lower()}{remark}")
        self.episode = self._mark = None
        self._pilot.in_episode = False

    def _publish(self, event: int, outcome: Outcome, note: str) -> None:
        assert self.episode is not None
        message = Episode(
            episode_id=self.episode.episode_id,
            event=event,
            outcome=int(outcome),
            instruction=self.episode.instruction,
            operator_name=self._values["operator"],
            note=note,
        )
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)

    async def _until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait for a condition; return whether it came true in time."""
        self._check()
        if condition():
            return True
        settled: Future = Future()
        self._waits.append((condition, self._steady_ns() + round(seconds * _NS), settled))
        met = bool(await settled)
        self._check()
        return met

    def _settle_waits(self, steady_ns: int) -> None:
        for wait in list(self._waits):
            condition, deadline_ns, settled = wait
            met = condition()
            if met or steady_ns > deadline_ns:
                self._waits.remove(wait)
                settled.set_result(met)

    def _say(self, text: str, word: Word = Word.INFO) -> None:
        self._pilot.say(text, word)

    def _now_ns(self) -> int:
        return int(self._node.get_clock().now().nanoseconds)

    def _steady_ns(self) -> int:
        return int(self._node.steady_ns())  # type: ignore[attr-defined]
