"""A client of the simulated cell: reset, judge, audit, faults, beside what TaskClient does."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from dust_eval.task_client import ANSWER_SEC, GraphError, RunningTask, TaskClient, TaskEnd
from dust_eval.trial import TrialSpec
from dust_msgs.srv import AuditCommands, InjectFault, JudgeCell, ResetCell

__all__ = ["Audit", "CellClient", "GraphError", "Judgement", "RunningTask", "TaskEnd"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the success oracle says: score 0, 0.5 or 1, and why."""

    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class Audit:
    """Commanded samples at 1 kHz against the robot's limits.

    Attributes:
        samples: Samples looked at.
        outside: Samples outside position, velocity, acceleration, jerk limits.
        peak: Largest share used of each limit. Unit: 1.
    """

    samples: int
    outside: tuple[int, int, int, int]
    peak: tuple[float, float, float, float]


class CellClient(TaskClient):
    """Talk to the simulated cell and to whoever serves `execute_task`; see TaskClient."""

    def __init__(self, *, domain_id: int | None = None, use_sim_time: bool = False) -> None:
        super().__init__(domain_id=domain_id, use_sim_time=use_sim_time)
        self._reset = self.node.create_client(ResetCell, "dust_sim/reset")
        self._judge = self.node.create_client(JudgeCell, "dust_sim/judge")
        self._audit = self.node.create_client(AuditCommands, "dust_sim/audit")
        self._fault = self.node.create_client(InjectFault, "dust_sim/inject_fault")

    def reset(self, spec: TrialSpec) -> str:
        """Put the cell into the trial's start configuration.

        Returns:
            The instruction in words.

        Raises:
            GraphError: The cell refused.
        """
        request = ResetCell.Request(
            task=spec.task,
            object_name=spec.object_name,
            seed=spec.seed,
            distractors=list(spec.distractors),
        )
        answer = self._call(self._reset, request)
        if not answer.success:
            raise GraphError(answer.message)
        self._wait_agreement()
        return str(answer.instruction)

    def judge(self) -> Judgement:
        """Ask the success oracle."""
        answer = self._call(self._judge, JudgeCell.Request())
        return Judgement(answer.score, answer.reason)

    def audit(self, *, reset: bool) -> Audit:
        """Return the counters of commanded samples, and reset them if asked to."""
        answer = self._call(self._audit, AuditCommands.Request(reset=reset))
        outside = (
            answer.outside_position,
            answer.outside_velocity,
            answer.outside_acceleration,
            answer.outside_jerk,
        )
        peak = tuple(float(share) for share in answer.peak)
        return Audit(answer.samples, outside, peak)  # type: ignore[arg-type]

    def inject_fault(
        self, fault: str, *, target: str = "", value: float = 0.0, duration_sec: float = 0.0
    ) -> None:
        """Break a part of the cell; see dust_msgs/srv/InjectFault."""
        request = InjectFault.Request(
            fault=fault, target=target, value=float(value), duration=float(duration_sec)
        )
        answer = self._call(self._fault, request)
        if not answer.success:
            raise GraphError(answer.message)

    def _needed(self) -> list[tuple[str, Callable[[float], bool]]]:
        return [
            ("service dust_sim/reset", lambda step: self._reset.wait_for_service(step)),
            ("service dust_sim/judge", lambda step: self._judge.wait_for_service(step)),
            *super()._needed(),
        ]

    def _wait_agreement(self) -> None:
        # The reset moved the arm by magic; a task must not begin before the executor has seen that.
        deadline = time.monotonic() + ANSWER_SEC
        self.arm.forget()
        while not self.arm.agree():
            if time.monotonic() > deadline:
                raise GraphError("the executor does not see where the arm is")
