"""Carry out one trial: reset, execute, judge, audit."""

import time
from collections.abc import Callable

from dust_eval.cell_client import CellClient, RunningTask, TaskEnd
from dust_eval.trial import TrialResult, TrialSpec
from dust_msgs.action import ExecuteTask

POLL_SEC = 0.5
"""How often the oracle is asked while the task runs. Unit: s of wall time."""


def run_trial(
    client: CellClient,
    spec: TrialSpec,
    *,
    time_limit_sec: float,
    on_feedback: Callable[[ExecuteTask.Feedback], None] | None = None,
) -> TrialResult:
    """Reset the cell, let whoever serves `execute_task` do it, judge what came of it.

    A driver that knows when it is done ends the task itself; one that does not (a policy has no
    success detector) is canceled as soon as the oracle sees full success.

    Raises:
        GraphError: The graph did not answer or refused.
    """
    instruction = client.reset(spec)
    client.audit(reset=True)
    task = client.start_task(instruction, time_limit_sec=time_limit_sec, on_feedback=on_feedback)
    end = _wait_or_cancel(client, task, deadline=time.monotonic() + time_limit_sec + 30)
    judgement = client.judge()
    audit = client.audit(reset=False)
    reason = (
        judgement.reason
        if judgement.score == 1 or not end.result.error_msg
        else (f"{judgement.reason}; {end.result.error_msg}")
    )
    return TrialResult(
        spec=spec,
        score=judgement.score,
        reason=reason,
        elapsed_sec=end.result.elapsed_time,
        chunks=end.result.chunks,
        samples=audit.samples,
        outside=sum(audit.outside),
        peak=audit.peak,
    )


def _wait_or_cancel(client: CellClient, task: RunningTask, *, deadline: float) -> TaskEnd:
    placed = 0
    while (end := client.wait_task(task, timeout_sec=POLL_SEC)) is None:
        # Seen twice in a row, so that an object that bounces out again does not count.
        placed = placed + 1 if client.judge().score == 1 else 0
        if placed >= 2 or time.monotonic() > deadline:
            return client.cancel_task(task)
    return end
