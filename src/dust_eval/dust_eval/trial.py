"""One trial of the protocol and what came of it: pure data."""

import itertools
from dataclasses import dataclass
from pathlib import Path

import yaml


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


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What came of a trial.

    Attributes:
        spec: What was tried.
        score: 1 success, 0.5 half success (centre of gravity outside the target), 0 otherwise.
        reason: What the oracle saw, or why the trial ended.
        elapsed_sec: Time the task took. Unit: s.
        chunks: Chunks that the driver published.
        samples: Commanded samples at 1 kHz that were looked at.
        outside: How many of them were outside a limit of position, velocity, acceleration or jerk.
        peak: Largest share used of these four limits. Unit: 1.
    """

    spec: TrialSpec
    score: float
    reason: str
    elapsed_sec: float
    chunks: int
    samples: int
    outside: int
    peak: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Protocol:
    """A set of trials.

    Attributes:
        specs: Trials in order.
        time_limit_sec: Longest time per trial. Unit: s.
    """

    specs: tuple[TrialSpec, ...]
    time_limit_sec: float


def load_protocol(path: Path) -> Protocol:
    """Read a protocol: the product of its tasks, objects and seeds.

    Raises:
        ValueError: The file is missing an entry or an entry is not a list.
    """
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    try:
        rows = itertools.product(content["tasks"], content["objects"], content["seeds"])
        specs = tuple(TrialSpec(task, name, int(seed)) for task, name, seed in rows)
        return Protocol(specs, float(content["time_limit"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"protocol {path} needs lists 'tasks', 'objects', 'seeds' and a number 'time_limit' "
            f"({error!r})"
        ) from error
