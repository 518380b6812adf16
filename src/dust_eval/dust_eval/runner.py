"""Carry out one trial: set the scene up, execute, judge."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from dust_eval.cell_client import Audit, CellClient, Judgement
from dust_eval.failure import Diagnosis, Failure, diagnose
from dust_eval.task_client import GraphError, RunningTask, TaskClient, TaskEnd
from dust_eval.trace import Trace
from dust_eval.trial import Flow, TrialResult, TrialSpec
from dust_msgs.action import ExecuteTask

POLL_SEC = 0.5
"""How often the scene is looked at while the task runs. Unit: s of the graph's clock."""

GRACE_SEC = 30.0
"""How much longer than its limit a task may take to end. Unit: s of the graph's clock."""

_WAKE_SEC = 0.05
_STANDSTILL_SEC = 20.0  # of wall time: a clock that stands still for so long has died

_BROKEN = frozenset(
    (
        ExecuteTask.Result.INVALID_GOAL,
        ExecuteTask.Result.BUSY,
        ExecuteTask.Result.NO_FEATURES,
        ExecuteTask.Result.NO_JOINT_STATES,
        ExecuteTask.Result.EXECUTOR_UNAVAILABLE,
        ExecuteTask.Result.MODEL_FAILED,
        ExecuteTask.Result.NOT_ACTIVE,
    )
)
"""Error codes that say that the graph or the driver gave up."""


class Watch(Protocol):
    """Sees what moves in the cell and how chunks come; see TrialWatch."""

    def begin(self) -> None:
        """Forget what was."""

    def trace(self) -> Trace | None:
        """Return what moved."""

    def flow(self) -> Flow | None:
        """Return how chunks came."""


class Scene(Protocol):
    """Where trials take place: the simulated cell, or a robot's table and a person."""

    def set_up(self, spec: TrialSpec) -> str:
        """Bring about the start configuration; return the instruction in words."""

    def is_done(self) -> bool:
        """Return whether there is nothing more to wait for; asked every POLL_SEC."""

    def result(self, spec: TrialSpec, end: TaskEnd) -> TrialResult:
        """Judge what came of it."""


class SimulatedScene:
    """The simulated cell: its services set up and judge, its ground truth tells why.

    A driver that knows when it is done ends the task itself; for one that does not (a policy has no
    success detector) the task is done as soon as the oracle has seen full success twice.

    Args:
        client: Talks to the cell.
        watch: Sees what moves; without it no reason by phase is given.
    """

    def __init__(self, client: CellClient, watch: Watch | None = None) -> None:
        self._client = client
        self._watch = watch
        self._placed = 0

    def set_up(self, spec: TrialSpec) -> str:
        """Reset the cell and its counters; see Scene."""
        instruction = self._client.reset(spec)
        self._client.audit(reset=True)
        self._placed = 0
        if self._watch is not None:
            self._watch.begin()
        return instruction

    def is_done(self) -> bool:
        """Ask the oracle; see Scene."""
        # Seen twice in a row, so that an object that bounces out again does not count.
        self._placed = self._placed + 1 if self._client.judge().score == 1 else 0
        return self._placed >= 2

    def result(self, spec: TrialSpec, end: TaskEnd) -> TrialResult:
        """Ask the oracle, the audit and the watch; see Scene."""
        judgement, audit = self._client.judge(), self._client.audit(reset=False)
        trace = self._watch.trace() if self._watch is not None else None
        flow = self._watch.flow() if self._watch is not None else None
        seen = Diagnosis(Failure.NONE)
        if trace is not None:
            seen = diagnose(trace, spec.object_name, spec.objects, score=judgement.score)
        return _result(spec, end, judgement, audit, seen, flow)


def run_trial(
    client: CellClient,
    spec: TrialSpec,
    *,
    time_limit_sec: float,
    on_feedback: Callable[[ExecuteTask.Feedback], None] | None = None,
) -> TrialResult:
    """Carry out one trial in the simulated cell; see `carry_out` and SimulatedScene."""
    scene = SimulatedScene(client)
    return carry_out(client, scene, spec, time_limit_sec=time_limit_sec, on_feedback=on_feedback)


def carry_out(
    client: TaskClient,
    scene: Scene,
    spec: TrialSpec,
    *,
    time_limit_sec: float,
    on_start: Callable[[str], None] | None = None,
    on_feedback: Callable[[ExecuteTask.Feedback], None] | None = None,
    alive: Callable[[], bool] = lambda: True,
) -> TrialResult:
    """Set the scene up, let whoever serves `execute_task` do it, judge what came of it.

    Args:
        client: Sends the task.
        scene: Where it takes place.
        spec: What is tried.
        time_limit_sec: Longest time of the task. Unit: s of the graph's clock.
        on_start: Gets the instruction when the scene is set, before the task begins.
        on_feedback: Gets the action's feedback, in another thread.
        alive: Whether the processes that the trial needs still run.

    Raises:
        GraphError: The graph did not answer, refused or ended.
    """
    instruction = scene.set_up(spec)
    if on_start is not None:
        on_start(instruction)
    task = client.start_task(instruction, time_limit_sec=time_limit_sec, on_feedback=on_feedback)
    end = _wait_or_cancel(client, scene, task, limit_sec=time_limit_sec + GRACE_SEC, alive=alive)
    return scene.result(spec, end)


def _wait_or_cancel(
    client: TaskClient,
    scene: Scene,
    task: RunningTask,
    *,
    limit_sec: float,
    alive: Callable[[], bool],
) -> TaskEnd:
    begun = looked = client.now()
    moved = time.monotonic()
    while (end := client.wait_task(task, timeout_sec=_WAKE_SEC)) is None:
        now = client.now()
        if not alive():
            raise GraphError("the graph ended during the trial")
        if now - looked < POLL_SEC:
            if time.monotonic() - moved > _STANDSTILL_SEC:
                raise GraphError(f"the clock stood still for {_STANDSTILL_SEC:g} s")
            continue
        looked, moved = now, time.monotonic()
        if scene.is_done() or now - begun > limit_sec:
            return client.cancel_task(task)
    return end


def _result(
    spec: TrialSpec,
    end: TaskEnd,
    judgement: Judgement,
    audit: Audit,
    seen: Diagnosis,
    flow: Flow | None,
) -> TrialResult:
    failure = seen.failure
    if judgement.score < 1 and end.result.error_code == ExecuteTask.Result.EXECUTOR_STOPPED:
        failure = Failure.STOPPED
    elif judgement.score < 1 and end.result.error_code in _BROKEN:
        failure = Failure.BROKEN
    said = [judgement.reason, seen.detail]
    said += [end.result.error_msg] if judgement.score < 1 else []
    return TrialResult(
        spec=spec,
        score=judgement.score,
        reason="; ".join(text for text in said if text),
        elapsed_sec=end.result.elapsed_time,
        chunks=end.result.chunks,
        samples=audit.samples,
        outside=sum(audit.outside),
        peak=audit.peak,
        failure=failure,
        attempted=seen.attempted,
        picked=seen.picked,
        flow=flow,
    )
