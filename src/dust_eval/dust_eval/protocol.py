"""The protocol file: which trials an evaluation consists of, predetermined."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from dust_eval.hand import JOINTS
from dust_eval.trial import TrialSpec

RESERVED = range(1000)
"""Seeds that no demonstration (from 1000 on) and no picture for pre-training (from 100000) has."""

LONGEST_SEC = 3600.0
"""Longest time limit: that of execute_task. Unit: s."""

FIELDS = ("tasks", "objects", "configurations", "time_limit", "start_pose")


@dataclass(frozen=True, slots=True)
class Protocol:
    """A set of trials.

    Attributes:
        specs: Trials in order.
        instructions: Task -> instruction with {object} in it.
        time_limit_sec: Longest time per trial. Unit: s.
        start_pose: Where the arm's joints are when a trial begins. Unit: rad.
    """

    specs: tuple[TrialSpec, ...]
    instructions: Mapping[str, str]
    time_limit_sec: float
    start_pose: tuple[float, ...] = ()

    def instruction(self, spec: TrialSpec) -> str:
        """Return what the arm is told, in words."""
        return self.instructions[spec.task].format(object=spec.object_name.replace("_", " "))

    @property
    def trained_on(self) -> list[int]:
        """Seeds outside those that are kept for evaluation: training may have seen them."""
        return sorted({spec.seed for spec in self.specs if spec.seed not in RESERVED})

    def only(
        self,
        *,
        tasks: Sequence[str] = (),
        objects: Sequence[str] = (),
        seeds: Sequence[int] = (),
    ) -> Protocol:
        """Return the part of the protocol with these tasks, objects, seeds; empty means all.

        Raises:
            ValueError: The protocol has no such one, or one is named twice.
        """
        _require_known("task", tasks, {spec.task: None for spec in self.specs})
        _require_known("object", objects, {spec.object_name: None for spec in self.specs})
        _require_known("seed", seeds, {spec.seed: None for spec in self.specs})
        kept = tuple(
            spec
            for spec in self.specs
            if (not tasks or spec.task in tasks)
            and (not objects or spec.object_name in objects)
            and (not seeds or spec.seed in seeds)
        )
        return replace(self, specs=kept)


def load_protocol(path: Path) -> Protocol:
    """Read a protocol: the product of its tasks, objects and configurations.

    Raises:
        ValueError: The file can't be read, lacks an entry, or an entry is not what it should be.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"protocol {path} can't be read: {error}") from None
    except yaml.YAMLError as error:
        raise ValueError(f"protocol {path} is not YAML: {str(error).splitlines()[0]}") from None
    try:
        return _parse(content)
    except ValueError as error:
        raise ValueError(f"protocol {path}: {error}") from None


def _parse(content: Any) -> Protocol:
    if not isinstance(content, dict):
        raise ValueError(f"must have the entries {', '.join(FIELDS)}")
    unknown = [name for name in content if name not in FIELDS]
    missing = [name for name in FIELDS[:-1] if name not in content]
    if unknown or missing:
        fault = f"unknown entry {unknown[0]!r}" if unknown else f"entry {missing[0]!r} is missing"
        raise ValueError(f"{fault}; there are {', '.join(FIELDS)}")
    tasks = _mapping(content["tasks"])
    objects = [str(name) for name in _listing(content["objects"], "objects")]
    cases = [_case(entry) for entry in _listing(content["configurations"], "configurations")]
    specs = tuple(
        TrialSpec(task, name, seed, choose_distractors(objects, name, seed, number, shift=shift))
        for (shift, task), name, (seed, number) in itertools.product(
            enumerate(tasks), objects, cases
        )
    )
    _require_unique(specs)
    return Protocol(specs, tasks, _limit(content["time_limit"]), _pose(content.get("start_pose")))


def choose_distractors(
    objects: Sequence[str], name: str, seed: int, count: int, *, shift: int = 0
) -> tuple[str, ...]:
    """Choose which other objects share a scene: a function of the arguments alone.

    They take turns over seeds and tasks, so that each object disturbs each other one equally often.

    Args:
        objects: All objects of the protocol.
        name: The object that is asked for.
        seed: Seed of the configuration.
        count: How many distractors.
        shift: Place of the task in the protocol.

    Raises:
        ValueError: There are not as many other objects.
    """
    others = [other for other in objects if other != name]
    if count > len(others):
        raise ValueError(f"{count} distractors for {name}, but only {len(others)} other objects")
    return tuple(others[(seed // 2 + shift + i) % len(others)] for i in range(count))


def _case(entry: Any) -> tuple[int, int]:
    """Return seed and number of distractors of one configuration."""
    values = entry if isinstance(entry, dict) else {"seed": entry}
    unknown = [name for name in values if name not in ("seed", "distractors")]
    seed, number = values.get("seed"), values.get("distractors", 0)
    if unknown or type(seed) is not int or type(number) is not int or min(seed, number) < 0:
        raise ValueError(
            f"configurations: {entry!r} is not of the form {{seed: 3, distractors: 1}}"
        )
    return seed, number


def _mapping(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not value:
        raise ValueError("tasks must map each task to its instruction")
    for task, text in value.items():
        if "{object}" not in str(text):
            raise ValueError(f"tasks: the instruction of {task} must contain {{object}}")
        _require_filled(str(task), str(text))
    return {str(task): str(text) for task, text in value.items()}


def _require_filled(task: str, text: str) -> None:
    """Raise ValueError where an instruction has more to fill in than the object's name."""
    try:
        text.format(object="cup")
    except (LookupError, ValueError, AttributeError) as error:
        raise ValueError(
            f"tasks: the instruction of {task} may have nothing in braces but {{object}}: {text!r}"
        ) from error


def _listing(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise ValueError(f"{name} must be a list, got {value!r}")
    return value


def _limit(value: Any) -> float:
    if not _is_number(value) or not 0 < value <= LONGEST_SEC:
        raise ValueError(f"time_limit must be above 0 and at most {LONGEST_SEC:g} s, got {value!r}")
    return float(value)


def _pose(value: Any) -> tuple[float, ...]:
    if not value:
        return ()
    angles = value if isinstance(value, list) else []
    if len(angles) != len(JOINTS) or not all(_is_number(a) and math.isfinite(a) for a in angles):
        raise ValueError(f"start_pose must be a list of {len(JOINTS)} angles in rad, got {value!r}")
    return tuple(float(angle) for angle in angles)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _require_unique(specs: Sequence[TrialSpec]) -> None:
    names = [spec.name for spec in specs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ValueError(f"trial {twice} appears twice")


def _require_known(kind: str, chosen: Sequence[object], known: Collection[object]) -> None:
    """Raise ValueError if something is chosen that there is not, or that is chosen already."""
    for place, name in enumerate(chosen):
        if name not in known:
            listed = ", ".join(str(value) for value in known)
            raise ValueError(f"the protocol has no {kind} {name}; it has {listed}")
        if name in chosen[:place]:
            raise ValueError(f"{kind} {name} is named twice, but each trial is carried out once")
