"""The operator's side of a task at the executor, without ROS: devices in, chunks out.

A task is wanted while the clutch is engaged or an episode runs, and a little longer. As long as it
runs a chunk leaves at every tick, also one that rests: silence would stop the executor for cause.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from dust_demos.teleop.clutch import Clutch, Presses, Style
from dust_demos.teleop.controls import Button, Command
from dust_demos.teleop.fr3 import ARM_JOINTS
from dust_demos.teleop.jog import Jog
from dust_demos.teleop.leader import Leader
from dust_demos.teleop.reference import Grid, Path, Reference
from dust_demos.teleop.streams import Stream

Array = NDArray[np.float64]

_LINGER_NS = 1_000_000_000
_SETTLE_NS = 500_000_000  # in which the executor may still report the time before the task
_REST_SPEED = 1e-3  # rad/s
_BEHIND, _CAUGHT_UP = 0.06, 0.03  # rad
_ASTRAY = (0.15, 500_000_000)  # rad, ns
_CLOSE_BELOW, _OPEN_ABOVE = 0.4, 0.6
_OPENINGS = {Button.GRIPPER_CLOSE: 0.0, Button.GRIPPER_OPEN: 1.0}


class Word(StrEnum):
    """How serious something is that the operator is told."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


Say = Callable[[str, Word], None]


@dataclass(frozen=True, slots=True)
class ExecutorView:
    """What the executor last said about itself.

    Attributes:
        arrival_ns: When it came in, by a clock that never jumps, ns.
        stamp_ns: Time of the plan's sample below, ns.
        is_stopped: Whether it stopped for cause.
        reason: Why it is in its mode.
        task_id: Task that it works on; empty: none.
        joints: Committed positions at the stamp [7], rad.
        speeds: Committed velocities at the stamp [7], rad/s.
        opening: Committed gripper opening. Range: 0 (closed) to 1 (open).
    """

    arrival_ns: int
    stamp_ns: int
    is_stopped: bool
    reason: str
    task_id: str
    joints: Array
    speeds: Array
    opening: float

    @property
    def is_at_rest(self) -> bool:
        """Whether the plan does not move at the stamp."""
        return bool(np.max(np.abs(self.speeds), initial=0.0) < _REST_SPEED)


@dataclass(slots=True)
class Task:
    """A task at the executor.

    Attributes:
        task_id: Its name.
        since_ns: When the executor agreed, or has to be heard anew after, by a clock that never
            jumps, ns; None: not yet.
        reference: What was asked for; None until the plan's start is known.
        opening: Commanded gripper opening. Range: 0 (closed) to 1 (open).
        chunks: How many were made.
    """

    task_id: str
    since_ns: int | None = None
    reference: Reference | None = None
    opening: float = 1.0
    chunks: int = 0


@dataclass(frozen=True, slots=True)
class Chunk:
    """What the executor is to do next.

    Attributes:
        task_id: Task that it belongs to.
        sequence: Its number within the task.
        path: Joint positions.
        opening: Gripper opening. Range: 0 (closed) to 1 (open).
    """

    task_id: str
    sequence: int
    path: Path
    opening: float


@dataclass(slots=True)
class Pilot:
    """Drives the arm as the operator says.

    Attributes:
        driver: What turns the operator's motion into the arm's.
        controls: The device with the buttons, and with the axes where the hand is jogged.
        leader: The leader arm; None where the hand is jogged.
        style: How the clutch is engaged.
        grid: How chunks are sampled.
        say: Tells the operator something.
        rearm: How the executor's rearm service is called, in words.
        in_episode: Whether an episode runs.
        task: The task at the executor; None: none.
        executor: What the executor last said.
    """

    driver: Jog | Leader
    controls: Stream
    say: Say
    leader: Stream | None = None
    style: Style = Style.HOLD
    grid: Grid = field(default_factory=Grid)
    rearm: str = "call dust_executor/rearm"
    in_episode: bool = False
    task: Task | None = None
    executor: ExecutorView | None = None
    _clutch: Clutch = field(init=False)
    _presses: Presses = field(default_factory=Presses)
    _leader_joints: Array | None = None
    _wanted_opening: float | None = None
    _idle_since_ns: int | None = None
    _astray_since_ns: int | None = None
    _behind: bool = False
    _stop_said: bool = False
    _ticked_ns: int = 0

    def __post_init__(self) -> None:
        """Make the clutch."""
        self._clutch = Clutch(self.style)

    @property
    def engaged(self) -> bool:
        """Whether the arm follows the operator."""
        return self._clutch.engaged

    @property
    def is_stopped(self) -> bool:
        """Whether the executor stopped for cause."""
        return self.executor is not None and self.executor.is_stopped

    def wants_task(self, now_ns: int) -> bool:
        """Return whether a task should run at the executor; time by the steady clock, ns."""
        if self.is_stopped:
            return False
        if self.engaged or self.in_episode:
            self._idle_since_ns = None
            return True
        if self.task is None:
            return False
        if self._idle_since_ns is None:
            self._idle_since_ns = now_ns
        return now_ns - self._idle_since_ns < _LINGER_NS

    def take_command(self, command: Command, now_ns: int) -> frozenset[Button]:
        """Take in what the operator asks for.

        Args:
            command: State of the device.
            now_ns: Time by a clock that never jumps, ns.

        Returns:
            Buttons that were pressed just now; `press` takes those of the gripper.
        """
        if self.controls.take(now_ns, still=command.is_neutral):
            self._presses.forget()
            self._clutch.disarm()
        pressed = self._presses.update(command)
        if self._clutch.update(command, now_ns):
            self._on_engaged(now_ns)
        if isinstance(self.driver, Jog):
            self.driver.motion = command.motion
        return pressed

    def press(self, button: Button) -> None:
        """Take in a button of the gripper; others are somebody else's."""
        task = self.task
        if task is None:
            return
        if button is Button.GRIPPER_TOGGLE:
            task.opening = 1.0 - task.opening
        elif button in _OPENINGS:
            task.opening = _OPENINGS[button]

    def take_leader(self, joints: Array, now_ns: int) -> None:
        """Take in the leader's joints [7], rad."""
        assert self.leader is not None
        if self.leader.take(now_ns):
            self.release()
        self._leader_joints = joints

    def take_opening(self, opening: float) -> None:
        """Take in how far the operator's gripper is open, 0 (closed) to 1 (open).

        The hand follows its changes only, so that engaging drops nothing.
        """
        if not (opening < _CLOSE_BELOW or opening > _OPEN_ABOVE):
            return
        wanted = 0.0 if opening < _CLOSE_BELOW else 1.0
        before, self._wanted_opening = self._wanted_opening, wanted
        follows = self.task is not None and (self.engaged or self.leader is None)
        if self.task is not None and follows and before not in (None, wanted):
            self.task.opening = wanted

    def take_executor(self, view: ExecutorView) -> None:
        """Take in what the executor says."""
        self.executor = view
        if not view.is_stopped:
            if self._stop_said:
                self.say("the executor is armed again: press the clutch to go on", Word.INFO)
            self._stop_said = False
        else:
            self._on_stopped(view.reason)
        task = self.task
        if task is None or task.since_ns is None:
            return
        if view.task_id != task.task_id and view.arrival_ns - task.since_ns > _SETTLE_NS:
            self._drop_task(f"the executor left the task: {view.reason or 'someone ended it'}")
        elif task.reference is not None:
            self._watch_gap(task.reference, view)

    def task_asked(self, task_id: str, opening: float | None = None) -> None:
        """Note that the executor is being asked to start a task.

        Args:
            task_id: Its name.
            opening: Gripper opening to begin with; None: as it is commanded now.
        """
        if opening is None:
            opening = self.executor.opening if self.executor is not None else 1.0
        self.task = Task(task_id, opening=1.0 if opening > 0.5 else 0.0)

    def task_started(self, now_ns: int) -> None:
        """Note that the executor agreed; time by the steady clock, ns."""
        if self.task is not None:
            self.task.since_ns = now_ns

    def task_over(self) -> None:
        """Note that no task runs any more, or none was started."""
        self.task = None
        self.release()

    def release(self) -> bool:
        """Disengage the clutch until it is pressed anew; return whether it was engaged."""
        if isinstance(self.driver, Leader):
            self.driver.disengage()
        return self._clutch.release()

    def forget_operator(self) -> None:
        """Start anew: what was pressed so far does nothing, and has to be let go of first."""
        self.release()
        self._clutch.disarm()
        self._presses.forget()
        for stream in (self.controls, self.leader):
            if stream is not None:
                stream.forget()

    def tick(self, now_ns: int, steady_ns: int) -> Chunk | None:
        """Return the next chunk; None while there is nothing to say to the executor.

        Args:
            now_ns: Time that chunks are stamped with, ns.
            steady_ns: Time by a clock that never jumps, ns.
        """
        self._watch_devices(steady_ns)
        self._watch_clock(now_ns, steady_ns)
        task = self.task
        if task is None or task.since_ns is None:
            return None
        if task.reference is None and not self._begin(task, now_ns):
            return None
        assert task.reference is not None
        # An arm must not run on with what was asked for half a second ago.
        follows = self.engaged and self.controls.is_recent(steady_ns) and not self._behind
        drive = follows and self._steer(task.reference.joints_at(now_ns))
        task.chunks += 1
        path = task.reference.plan(now_ns, drive=drive)
        return Chunk(task.task_id, task.chunks, path, task.opening)

    def is_at_rest(self, now_ns: int) -> bool:
        """Return whether nothing moves any more from now on (ns)."""
        reference = self.task.reference if self.task is not None else None
        return reference is None or reference.is_at_rest(now_ns)

    def _begin(self, task: Task, now_ns: int) -> bool:
        """Begin from the executor's plan, once it rests; return whether that is so."""
        view = self.executor
        fresh = view is not None and task.since_ns is not None and view.arrival_ns > task.since_ns
        if view is None or not fresh or view.task_id != task.task_id or not view.is_at_rest:
            return False
        self._behind, self._astray_since_ns = False, None
        # The driver decides which states the reference is made of.
        task.reference = Reference(
            self.driver,
            self.grid,
            now_ns=now_ns,
            joints=view.joints,
        )
        return True

    def _steer(self, joints: Array) -> bool:
        """Show the driver its leader; return whether it may drive."""
        driver = self.driver
        if isinstance(driver, Jog):
            return True
        assert self._leader_joints is not None
        if driver.target is None:
            refusal = driver.engage(self._leader_joints, joints, ARM_JOINTS)
            if refusal:
                self.release()
                self.say(refusal, Word.WARNING)
                return False
            aligns = "comes slowly to the leader" if not driver.aligned else "follows the leader"
            self.say(f"the arm {aligns}", Word.INFO)
            return True
        was_aligned = driver.aligned
        driver.follow(self._leader_joints, joints)
        if driver.aligned and not was_aligned:
            self.say("the arm has come to the leader and follows it", Word.INFO)
        return True

    def _on_engaged(self, now_ns: int) -> None:
        if self.is_stopped:
            assert self.executor is not None
            self.release()
            self.say(self._stop_text(self.executor.reason), Word.ERROR)
        elif self.leader is not None and not self.leader.is_fresh(now_ns):
            self.release()
            self.say(f"no leader arm on {self.leader.topic}: is its driver running?", Word.WARNING)

    def _watch_devices(self, steady_ns: int) -> None:
        for stream in (self.controls, self.leader):
            if stream is None or not stream.lost(steady_ns):
                continue
            was_engaged = self.release()
            end = "the arm comes softly to rest; press" if was_engaged else "press"
            self.say(
                f"nothing on {stream.topic} for {stream.timeout:g} s: {end} the clutch again when "
                "the device is back",
                Word.WARNING,
            )
        if not self.engaged and isinstance(self.driver, Leader):
            self.driver.disengage()

    def _watch_clock(self, now_ns: int, steady_ns: int) -> None:
        """Begin anew from the executor's plan where the chunks' clock was set back."""
        back_ns, self._ticked_ns = self._ticked_ns - now_ns, now_ns
        task = self.task
        if back_ns <= 0 or task is None or task.reference is None:
            return
        task.reference = None
        # What the executor said before stands for a time that the clock has yet to come to.
        task.since_ns = steady_ns
        self.release()
        self.say(
            f"the clock was set back by {back_ns * 1e-9:.3g} s: the arm stops; press the clutch "
            "again",
            Word.WARNING,
        )

    def _watch_gap(self, reference: Reference, view: ExecutorView) -> None:
        """Wait for an executor whose plan falls behind; start anew where it is far away."""
        gap = float(np.max(np.abs(reference.joints_at(view.stamp_ns) - view.joints)))
        self._behind = gap > (_CAUGHT_UP if self._behind else _BEHIND)
        if gap <= _ASTRAY[0]:
            self._astray_since_ns = None
        elif self._astray_since_ns is None:
            self._astray_since_ns = view.arrival_ns
        elif view.arrival_ns - self._astray_since_ns > _ASTRAY[1]:
            assert self.task is not None
            self.task.reference = self._astray_since_ns = None
            self.release()
            self.say(
                f"the executor's plan is {gap:.2f} rad away from what was asked for: the arm "
                "stops; press the clutch again",
                Word.WARNING,
            )

    def _on_stopped(self, reason: str) -> None:
        if self._stop_said:
            return
        self._stop_said = True
        self.task_over()
        self.say(self._stop_text(reason), Word.ERROR)

    def _stop_text(self, reason: str) -> str:
        return f"the executor stopped: {reason}; mend the cause, then {self.rearm}"

    def _drop_task(self, why: str) -> None:
        self.task_over()
        self.say(f"{why}; press the clutch to go on", Word.WARNING)
