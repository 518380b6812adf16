"""One trial of the protocol and what came of it: pure data."""

from __future__ import annotations

from dataclasses import dataclass

from dust_eval.failure import Failure


@dataclass(frozen=True, slots=True)
class TrialSpec:
    """What is tried.

    Attributes:
        task: Task, such as box_to_bowl.
        object_name: Object to be moved, such as blue_cube.
        seed: Seed of the predetermined configuration.
        distractors: Further objects in the scene.
    """

    task: str
    object_name: str
    seed: int
    distractors: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the trial, unique within a protocol."""
        return f"{self.task}-{self.object_name}-{self.seed}"

    @property
    def objects(self) -> tuple[str, ...]:
        """All objects in the scene."""
        return (self.object_name, *self.distractors)


@dataclass(frozen=True, slots=True)
class Flow:
    """How chunks came to the arm during a trial.

    Attributes:
        chunk_rate: Chunks per second. Unit: Hz.
        latency_p50: Median time from an observation to the trajectory made of it. Unit: s.
        latency_p95: The same, 95th percentile. Unit: s.
        underruns: How often the committed actions ran out while the task ran.
        rejected: Chunks that the executor rejected.
        real_time_factor: Least simulated time per wall time in a second; 1 on a robot. Unit: 1.
    """

    chunk_rate: float
    latency_p50: float
    latency_p95: float
    underruns: int
    rejected: int
    real_time_factor: float = 1.0


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What came of a trial.

    Attributes:
        spec: What was tried.
        score: 1 success, 0.5 half success (centre of gravity outside the target), 0 otherwise.
        reason: What the oracle or the person saw, or why the trial ended.
        elapsed_sec: Time the task took. Unit: s.
        chunks: Chunks that the driver published.
        samples: Commanded samples at 1 kHz that were looked at; 0 on a robot.
        outside: How many of them were outside a limit of position, velocity, acceleration or jerk.
        peak: Largest share used of these four limits. Unit: 1.
        failure: Phase in which it failed.
        attempted: Object that was gripped for first; empty: none, or not known.
        picked: Object that was picked up first; empty: none, or not known.
        flow: How chunks came; None when too few came to tell, or nobody watched.
    """

    spec: TrialSpec
    score: float
    reason: str
    elapsed_sec: float
    chunks: int
    samples: int = 0
    outside: int = 0
    peak: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    failure: Failure = Failure.NONE
    attempted: str = ""
    picked: str = ""
    flow: Flow | None = None


def broken_result(spec: TrialSpec, reason: str) -> TrialResult:
    """Return the result of a trial that could not be carried out: it counts as a failure."""
    return TrialResult(spec, 0.0, reason, 0.0, 0, failure=Failure.BROKEN)
