"""One task from goal to result: when it may start, when it has to end, and why.

WAITING --features and joint states--> STARTING --executor agrees--> RUNNING
`----------------- the first verdict, whatever it is --------------> ENDING
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from dust_node.verdict import Code, Verdict


class Mode(IntEnum):
    """Modes of dust_msgs/ExecutorState."""

    IDLE = 0
    RUNNING = 1
    HOLDING = 2
    STOPPED = 3
    PAUSED = 4


class Phase(StrEnum):
    """Where a task stands."""

    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    ENDING = "ending"


@dataclass(frozen=True, slots=True)
class Limits:
    """How long what may stay away. Unit: ns."""

    start_ns: int
    features_ns: int
    states_ns: int
    executor_ns: int
    client_ns: int


@dataclass(frozen=True, slots=True)
class ExecutorView:
    """What the executor last said about itself.

    Attributes:
        arrival_ns: When it said so, by this node's clock.
        mode: What it is doing.
        reason: Why.
        task_id: Task that it works for; empty: none.
        joint_names: Arm joints.
        buffer: Time left until the actions run out. Unit: s.
        stamp_ns: The time of which it speaks.
        last_sequence: Number of the newest chunk that it accepted; 0: none.
        last_stamp_ns: When that chunk's observation was taken.
        last_splice_ns: From when on the arm follows that chunk.
    """

    arrival_ns: int
    mode: Mode
    reason: str
    task_id: str
    joint_names: tuple[str, ...]
    buffer: float = 0.0
    stamp_ns: int = 0
    last_sequence: int = 0
    last_stamp_ns: int = 0
    last_splice_ns: int = 0

    def is_executing(self, task_id: str) -> bool:
        """Return whether it follows actions of this task."""
        return self.mode == Mode.RUNNING and self.task_id == task_id

    def remaining(self, now_ns: int) -> float:
        """Return the time left at `now_ns` until the actions run out. Unit: s. Range: >= 0."""
        return max(0.0, self.buffer - (now_ns - self.stamp_ns) * 1e-9)


@dataclass(slots=True)
class Status:
    """What the node knows while a task runs. Times by the node clock; None: never.

    Attributes:
        features_ns: Arrival of the newest usable features of this task.
        features_problem: Why the newest features were not usable; empty if they were.
        states_ns: Arrival of the newest usable joint states.
        states_problem: Why the newest joint states were not usable; empty if they were.
        executor: The executor's newest state.
        client_ns: When an action client was last known to exist.
    """

    features_ns: int | None = None
    features_problem: str = ""
    states_ns: int | None = None
    states_problem: str = ""
    executor: ExecutorView | None = None
    client_ns: int | None = None


class Task:
    """State machine of one task. Not safe for threads.

    Attributes:
        verdict: Why the task ends; None while it goes on.
        engaged: Whether the executor works for the task, or may do so: it has to be released.
        paused: Whether it waits for somebody to let it go on.
        rehearsing: Whether sampling from its features is being tried; the sampling thread says so.
        rehearsed: Whether that was done, so that nothing is slow any more.
    """

    def __init__(
        self,
        task_id: str,
        instruction: str,
        *,
        time_limit: float,
        now_ns: int,
        joint_names: Sequence[str],
        limits: Limits,
    ) -> None:
        """Begin to wait for features and joint states.

        Args:
            task_id: Name that the executor knows the task by.
            instruction: What to do, in words.
            time_limit: Longest time that the task may take. Unit: s.
            now_ns: Time at which the task begins.
            joint_names: Arm joints of the checkpoint.
            limits: How long what may stay away.
        """
        self.task_id = task_id
        self.instruction = instruction
        self.phase = Phase.WAITING
        self.verdict: Verdict | None = None
        self.engaged = False
        self.paused = False
        self.rehearsing = False
        self.rehearsed = False
        self.begun_ns = now_ns
        self._time_limit = time_limit
        self._joint_names = frozenset(joint_names)
        self._limits = limits
        # Nobody stayed away before that.
        self._since_ns = now_ns

    def elapsed(self, now_ns: int) -> float:
        """Return the time since the task began. Unit: s."""
        return max(0, now_ns - self.begun_ns) * 1e-9

    def end(self, code: Code, text: str) -> None:
        """End the task. The first cause counts, later ones follow from it."""
        if self.verdict is None:
            self.verdict = Verdict(code, text)
            self.phase = Phase.ENDING

    def starting(self) -> None:
        """Note that the executor is being asked."""
        assert self.phase == Phase.WAITING
        self.phase = Phase.STARTING
        self.engaged = True

    def refused(self, verdict: Verdict) -> None:
        """Note that the executor does not work for the task."""
        self.engaged = False
        self.end(verdict.code, verdict.text)

    def running(self, now_ns: int) -> None:
        """Note that the executor agreed; a task that was ended meanwhile stays ended."""
        if self.phase == Phase.STARTING:
            self.phase = Phase.RUNNING
            self._since_ns = now_ns

    def slept(self, now_ns: int) -> None:
        """Note that this process did not run for a while: nobody stayed away because of that."""
        self._since_ns = max(self._since_ns, now_ns)

    def is_ready(self, status: Status, now_ns: int) -> bool:
        """Return whether everything is there to ask the executor, as fresh as running needs it."""
        return (
            self.phase == Phase.WAITING
            and self.rehearsed
            and _is_fresh(status.features_ns, self._limits.features_ns, now_ns)
            and _is_fresh(status.states_ns, self._limits.states_ns, now_ns)
        )

    def watch(self, status: Status, now_ns: int) -> None:
        """End the task if something is wrong with it or with what it depends on."""
        if self.elapsed(now_ns) >= self._time_limit:
            self.end(Code.TIMEOUT, f"the time limit of {self._time_limit:g} s passed")
        elif _longer_ago(status.client_ns, self._limits.client_ns, now_ns, self.begun_ns):
            self.end(Code.CANCELED, "the client that gave the task is gone")
        elif self.phase == Phase.WAITING:
            self._watch_waiting(status, now_ns)
        elif self.phase == Phase.RUNNING:
            self._watch_running(status, now_ns)

    def _watch_waiting(self, status: Status, now_ns: int) -> None:
        self._watch_joints(status.executor)
        if self.rehearsing:
            # That may keep a machine so busy that perception gets no further meanwhile.
            self.slept(now_ns)
        if now_ns - self.begun_ns < self._limits.start_ns:
            return
        seconds = f"within {self._limits.start_ns * 1e-9:g} s"
        if status.states_ns is None:
            problem = status.states_problem or "is their publisher running?"
            self.end(Code.NO_JOINT_STATES, f"no usable joint states {seconds}: {problem}")
        elif status.features_ns is None:
            problem = status.features_problem or "is perception active, do images arrive?"
            self.end(Code.NO_FEATURES, f"no usable features {seconds}: {problem}")
        else:
            self._watch_senses(status, now_ns)

    def _watch_joints(self, executor: ExecutorView | None) -> None:
        if executor is None or not executor.joint_names:
            return
        if frozenset(executor.joint_names) != self._joint_names:
            self.end(
                Code.EXECUTOR_UNAVAILABLE,
                f"the executor drives {', '.join(executor.joint_names)}, but the checkpoint was "
                f"made for {', '.join(sorted(self._joint_names))}",
            )

    def _watch_running(self, status: Status, now_ns: int) -> None:
        self._watch_executor(status.executor, now_ns)
        self._watch_senses(status, now_ns)

    def _watch_senses(self, status: Status, now_ns: int) -> None:
        limits, since_ns = self._limits, self._since_ns
        if _longer_ago(status.states_ns, limits.states_ns, now_ns, since_ns):
            text = status.states_problem or f"none for {limits.states_ns * 1e-9:g} s"
            self.end(Code.NO_JOINT_STATES, f"joint states stay away: {text}")
        if _longer_ago(status.features_ns, limits.features_ns, now_ns, since_ns):
            text = status.features_problem or f"none for {limits.features_ns * 1e-9:g} s"
            self.end(Code.NO_FEATURES, f"features stay away: {text}")

    def _watch_executor(self, executor: ExecutorView | None, now_ns: int) -> None:
        since_ns = self._since_ns
        if executor is None or _longer_ago(
            executor.arrival_ns, self._limits.executor_ns, now_ns, since_ns
        ):
            if now_ns - since_ns > self._limits.executor_ns:
                self.end(Code.EXECUTOR_UNAVAILABLE, "the executor fell silent")
        elif executor.mode == Mode.STOPPED:
            self.end(Code.EXECUTOR_STOPPED, stopped_text(executor))
        # A state that was sent before the executor agreed still tells of the time before.
        elif executor.task_id != self.task_id and executor.arrival_ns - since_ns > _SETTLE_NS:
            reason = executor.reason or "no reason given"
            self.end(Code.EXECUTOR_STOPPED, f"the executor left the task: {reason}")


_SETTLE_NS = 500_000_000


def check_goal(instruction: str, time_limit: float, *, longest: float) -> str:
    """Return what is wrong with a goal, an empty text if nothing is.

    Args:
        instruction: Range: 1 to 500 characters, not blank only.
        time_limit: Unit: s. Range: above 0 to `longest`.
        longest: Unit: s.
    """
    if not instruction.strip():
        return "the instruction is empty: say what to do"
    if len(instruction) > 500:
        return f"the instruction has {len(instruction)} characters, at most 500 are allowed"
    if not (math.isfinite(time_limit) and 0 < time_limit <= longest):
        return f"time_limit is {time_limit:g} s, allowed is above 0 to {longest:g} s"
    return ""


def refusal(executor: ExecutorView | None, message: str) -> Verdict:
    """Tell why the executor refused to start a task, as precisely as its state allows."""
    if executor is not None and executor.mode == Mode.STOPPED:
        return Verdict(Code.EXECUTOR_STOPPED, stopped_text(executor))
    if executor is not None and executor.mode in (
        Mode.RUNNING,
        Mode.HOLDING,
        Mode.PAUSED,
    ):
        return Verdict(Code.BUSY, f"the executor is busy: {message}")
    return Verdict(Code.EXECUTOR_UNAVAILABLE, f"the executor refused: {message}")


def stopped_text(executor: ExecutorView) -> str:
    """Tell why the executor stopped and how to go on."""
    reason = executor.reason or "no reason given"
    return f"the executor stopped: {reason}; mend the cause, then call dust_executor/rearm"


def _is_fresh(event_ns: int | None, limit_ns: int, now_ns: int) -> bool:
    """Tell whether an event was there, and not over its limit ago."""
    return event_ns is not None and not _longer_ago(event_ns, limit_ns, now_ns, event_ns)


def _longer_ago(event_ns: int | None, limit_ns: int, now_ns: int, since_ns: int) -> bool:
    """Tell whether an event is over its limit, counted from `since_ns` at the earliest.

    A limit of 0 is none.
    """
    return limit_ns > 0 and now_ns - max(event_ns or since_ns, since_ns) > limit_ns
