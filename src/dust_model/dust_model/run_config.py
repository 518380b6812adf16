"""The configuration of a run as a user writes it: a YAML file, and `key=value` over it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml

from dust_model.config import require
from dust_model.records import from_json, to_json

C = TypeVar("C")


def read_config(kind: type[C], path: str | Path, overrides: Sequence[str] = ()) -> C:
    """Read a YAML file and put `key=value` over it, such as `optimizer.learning_rate=3e-4`.

    Args:
        kind: dataclass of the configuration.
        path: the YAML file.
        overrides: texts `key=value`; dots in a key lead into parts, an empty value is "".

    Raises:
        ValueError: the file can't be read, or a key or a value is wrong; one line.
    """
    where = " with ".join((str(path), *([" ".join(overrides)] if overrides else [])))
    try:
        values = _parse(Path(path).read_text())
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not YAML: {_one_line(error)}") from None
    require(isinstance(values, dict), f"{path}: expected keys and values")
    for override in overrides:
        _override(values, override)
    return from_json(kind, values, where=where)


def require_same(now: C, then: object, *, free: Collection[str], where: str) -> None:
    """Raise ValueError if a run would go on with another configuration than it began with.

    Args:
        now: the configuration to go on with.
        then: what `to_json` made of the one it began with.
        free: fields that may change.
        where: names the run.
    """
    before = to_json(from_json(type(now), then, where=where))
    for name, value in to_json(now).items():
        require(
            name in free or before[name] == value,
            f"{where} was begun with {name}={before[name]}, not {value}: "
            "an exact continuation needs the same, another run another output",
        )


class _Loader(yaml.SafeLoader):
    """YAML 1.1 as PyYAML reads it, but 1e-4 is a number."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d+\.\d*|\.?\d+)([eE][-+]?\d+)$"),
    list("-+.0123456789"),
)


def _parse(text: str) -> Any:
    return yaml.load(text, Loader=_Loader)


def _override(values: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    require(bool(key and equals), f"{override!r} is not of the form key=value")
    *parents, last = key.split(".")
    place = values
    for parent in parents:
        place = place.setdefault(parent, {})
        require(isinstance(place, dict), f"{override!r}: {parent} has no parts")
    try:
        place[last] = _parse(text)
    except yaml.YAMLError as error:
        raise ValueError(f"{override!r}: {_one_line(error)}") from None
    if place[last] is None:
        place[last] = ""


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
