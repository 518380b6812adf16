"""What is to be collected: pure data, from a YAML file and the command line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import yaml

SEEDS = range(1000, 100_000)
"""Seeds of demonstrations: those below are kept for evaluation, those above for pre-training."""

TASKS = ("box_to_bowl", "box_to_plate", "basket_to_bowl", "plate_to_basket")
OBJECTS = ("teddy_bear", "blue_cube", "blue_cup", "sponge")

MADE_BY = ("seed_from", "distractors", "variation", "perturbation", "start_spread", "start_astray")
"""Settings that decide what an episode of a given name shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionSettings:
    """What is to be collected, and how fast.

    Attributes:
        tasks: Tasks, each as often as the others.
        objects: Objects; they take turns within a task.
        per_task: Demonstrations of each task. The paper took 60 (appendix A.4).
        seed_from: Seed of each task's first demonstration; they count up from there.
        distractors: Share of the demonstrations with one or two further objects. Range: 0 to 1.
        variation: How much light, colours and cameras vary. Range: 0 to 1.
        perturbation: How far the expert leaves the straight way and corrects it. Range: 0 to 1.
        start_spread: Share of the demonstrations that start near home instead of there.
            Range: 0 to 1.
        start_astray: Share that starts beside the object, as if the hand had missed it.
            Range: 0 to 1.
        time_limit: Longest time of a demonstration. Unit: s of the cell's time.
        real_time_factor: The cell's time per wall time; it is slower where the machine is.
            Range: 0.05 to 50.
    """

    tasks: tuple[str, ...] = TASKS
    objects: tuple[str, ...] = OBJECTS
    per_task: int = 60
    seed_from: int = 1000
    distractors: float = 0.5
    variation: float = 1.0
    perturbation: float = 0.5
    start_spread: float = 0.5
    start_astray: float = 0.0
    time_limit: float = 60.0
    real_time_factor: float = 1.0

    def __post_init__(self) -> None:
        """Check everything.

        Raises:
            ValueError: A value is not allowed; the message says which and what is.
        """
        _check_names("tasks", self.tasks, TASKS)
        _check_names("objects", self.objects, OBJECTS)
        for name in ("distractors", "variation", "perturbation", "start_spread", "start_astray"):
            _check_range(name, getattr(self, name), 0.0, 1.0)
        _check_range("time_limit", self.time_limit, 1.0, 3600.0)
        _check_range("real_time_factor", self.real_time_factor, 0.05, 50.0)
        if self.per_task < 1:
            raise ValueError(f"per_task is {self.per_task}; allowed: at least 1")
        last = self.seed_from + self.per_task - 1
        if self.seed_from not in SEEDS or last not in SEEDS:
            raise ValueError(
                f"seeds {self.seed_from} to {last} are not all demonstrations': these have "
                f"{SEEDS[0]} to {SEEDS[-1]}, so that evaluation (below) and pre-training (above) "
                "never see the same scene"
            )

    @classmethod
    def load(cls, path: Path | None, overrides: Mapping[str, Any]) -> Self:
        """Read settings from a YAML file, the command line's over it.

        Args:
            path: The file; None: all as by default.
            overrides: Values by name; None stands for not given.

        Raises:
            ValueError: The file is not YAML, names something unknown, or a value is not allowed.
        """
        given = {name: value for name, value in overrides.items() if value is not None}
        values = {} if path is None else _read(path)
        try:
            return cls(**_typed({**values, **given}))
        except ValueError as error:
            raise ValueError(f"{path}: {error}" if path and not given else str(error)) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} can't be read: {getattr(error, 'strerror', error)}") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path} must map names to values, such as per_task: 60")
    return content


def _typed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values in the types of the settings' defaults."""
    defaults = {row.name: row.default for row in fields(CollectionSettings)}
    unknown = [name for name in values if name not in defaults]
    if unknown:
        raise ValueError(f"no setting '{unknown[0]}'; there are: {', '.join(defaults)}")
    return {name: _as(defaults[name], name, value) for name, value in values.items()}


def _as(default: Any, name: str, value: Any) -> Any:
    if isinstance(default, tuple):
        if not isinstance(value, list | tuple) or not value:
            raise ValueError(f"{name} must be a list of names, is {value!r}")
        return tuple(str(row) for row in value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} must be a number, is {value!r}")
    if isinstance(default, int) and not isinstance(value, int):
        raise ValueError(f"{name} must be a whole number, is {value!r}")
    return type(default)(value)


def _check_names(what: str, names: Sequence[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"{what}: no {name!r}; there are: {', '.join(known)}")
    if len(set(names)) < len(names):
        raise ValueError(f"{what}: {', '.join(names)} names one twice")


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not (math.isfinite(value) and low <= value <= high):
        raise ValueError(f"{name} is {value:g}; allowed: {low:g} to {high:g}")
