"""Frozen dataclasses from and to JSON, with one clear line for what does not fit."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


def to_json(record: Any) -> dict[str, Any]:
    """Return a frozen dataclass as plain JSON values: enums as text, tuples as lists."""
    return {f.name: _plain(getattr(record, f.name)) for f in dataclasses.fields(record)}


def from_json(kind: type[T], values: object, *, where: str) -> T:
    """Build the dataclass `kind` from JSON values.

    Args:
        kind: a dataclass whose fields are numbers, text, StrEnum, tuples or such dataclasses.
        values: what json.load gave.
        where: what to call this part in an error, such as "config.json: head".

    Raises:
        ValueError: a field is unknown, missing, of the wrong type, or refused by the dataclass.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"{where}: expected an object, got {type(values).__name__}")
    hints = get_type_hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise ValueError(f"{where}: unknown field {unknown[0]!r}; known: {', '.join(fields)}")
    missing = [n for n, f in fields.items() if n not in values and _required(f)]
    if missing:
        raise ValueError(f"{where}: field {missing[0]!r} is missing")
    parsed = {n: _parse(hints[n], v, where=f"{where}.{n}") for n, v in values.items()}
    try:
        return kind(**parsed)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if dataclasses.is_dataclass(value):
        return to_json(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def _required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _parse(hint: Any, value: Any, *, where: str) -> Any:
    if dataclasses.is_dataclass(hint):
        return from_json(hint, value, where=where)  # type: ignore[arg-type]
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _choice(hint, value, where=where)
    if get_origin(hint) is tuple:
        return _items(hint, value, where=where)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, types.UnionType) or type(value) is not hint:
        raise ValueError(f"{where}: expected {_name(hint)}, got {value!r}")
    return value


def _choice(hint: type[StrEnum], value: Any, *, where: str) -> StrEnum:
    if value not in [choice.value for choice in hint]:
        raise ValueError(f"{where}: {value!r} is none of {', '.join(hint)}")
    return hint(value)


def _items(hint: Any, value: Any, *, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{where}: expected a list, got {value!r}")
    return tuple(_parse(get_args(hint)[0], item, where=where) for item in value)


def _name(hint: Any) -> str:
    return getattr(hint, "__name__", str(hint))
