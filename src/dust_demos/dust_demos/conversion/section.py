"""A part of a YAML file whose every complaint names the file and the key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml


class Section:
    """A mapping out of a YAML file, read key by key.

    Args:
        content: what YAML gave.
        place: how complaints begin, such as "mapping.yaml: state.arm".
    """

    def __init__(self, content: object, place: str) -> None:
        self.place = place
        self._read: set[str] = set()
        if not isinstance(content, dict):
            raise ValueError(f"{place} must be a section of keys, got {content!r}")
        self._content: dict[str, Any] = {str(key): value for key, value in content.items()}

    @classmethod
    def load(cls, path: Path) -> Section:
        """Read a YAML file.

        Raises:
            ValueError: it is missing or no YAML; one line.
        """
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ValueError(f"{path} can't be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ValueError(f"{path} is not UTF-8 text") from None
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = f" line {mark.line + 1}" if mark else ""
            raise ValueError(f"{path}{line}: {getattr(error, 'problem', 'no YAML')}") from None
        return cls({} if content is None else content, f"{path}:")

    def __contains__(self, key: str) -> bool:
        return self._content.get(key) is not None

    def keys(self) -> Iterator[str]:
        """Return the keys that are there."""
        return iter(self._content)

    def where(self, key: str) -> str:
        """Return how a complaint about `key` begins."""
        return f"{self.place} {key}" if self.place.endswith(":") else f"{self.place}.{key}"

    def section(self, key: str) -> Section:
        """Return the section at `key`; it must be there."""
        return Section(self._needed(key), self.where(key))

    def optional(self, key: str) -> Section | None:
        """Return the section at `key`, or None if there is none."""
        self._read.add(key)
        return self.section(key) if key in self else None

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text that is not empty; without `default` it must be there."""
        value = self._value(key, default)
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{self.where(key)} must be text, got {value!r}")
        return value

    def choice(self, key: str, choices: Sequence[str], default: str) -> str:
        """Return one of `choices`."""
        value = self._value(key, default)
        if value not in choices:
            raise ValueError(f"{self.where(key)} must be {' or '.join(choices)}, got {value!r}")
        return str(value)

    def number(self, key: str, default: float | None = None, *, low: float | None = None) -> float:
        """Return a number, at least `low`."""
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{self.where(key)} must be a number, got {value!r}")
        if not abs(value) < float("inf") or (low is not None and value < low):
            least = "finite" if low is None else f"at least {low:g}"
            raise ValueError(f"{self.where(key)} must be {least}, got {value!r}")
        return float(value)

    def names(self, key: str, default: Sequence[str] | None = None) -> tuple[str, ...]:
        """Return a list of different texts, at least one."""
        values = self._list(key, default)
        for value in values:
            if not isinstance(value, str) or not value:
                raise ValueError(f"{self.where(key)} must list names, got {value!r}")
        return tuple(values)

    def columns(self, key: str, default: Sequence[int]) -> tuple[int, ...]:
        """Return a list of different places from 0 on, at least one."""
        values = self._list(key, default)
        for value in values:
            if type(value) is not int or value < 0:
                raise ValueError(f"{self.where(key)} must list places from 0 on, got {value!r}")
        return tuple(values)

    def close(self) -> None:
        """Complain about the first key that nobody asked for."""
        unknown = sorted(set(self._content) - self._read)
        if unknown:
            known = ", ".join(sorted(self._read))
            raise ValueError(f"{self.where(unknown[0])}: unknown key; known here: {known}")

    def _needed(self, key: str) -> Any:
        self._read.add(key)
        if key not in self:
            raise ValueError(f"{self.where(key)} is missing")
        return self._content[key]

    def _value(self, key: str, default: Any) -> Any:
        self._read.add(key)
        return self._needed(key) if default is None else self._content.get(key, default)

    def _list(self, key: str, default: Sequence[Any] | None) -> Sequence[Any]:
        values = self._value(key, default)
        if not isinstance(values, list | tuple) or not values:
            raise ValueError(f"{self.where(key)} must be a list, got {values!r}")
        if len({repr(value) for value in values}) != len(values):
            raise ValueError(f"{self.where(key)} has an entry twice: {list(values)}")
        return values
