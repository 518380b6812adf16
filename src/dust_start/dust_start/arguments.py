"""Arguments of a start, `name:=value`: their declaration, their check, their text."""

import difflib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from dust_start.conditions import Scalar
from dust_start.errors import StartError

AUTO = "auto"
"""Default of an argument that follows from others: see `automatic` in cell.yaml."""

_NAMESPACE = re.compile(r"/|/?[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)*/?")


class Kind(StrEnum):
    """What an argument's text must be."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    PATH = "path"
    FOLDER = "folder"


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument. `default` is text; empty means that the nodes' own parameter files decide."""

    name: str
    description: str
    default: str = ""
    kind: Kind = Kind.TEXT
    choices: tuple[str, ...] = ()

    @property
    def named(self) -> tuple[str, ...]:
        """The choices that are not the empty text."""
        return tuple(choice for choice in self.choices if choice)

    def parse(self, text: str) -> Scalar:
        """Return the value that a text stands for; an empty text stays one, and so does `auto`.

        Raises:
            StartError: not one of the choices, not of the kind, a path that does not exist, or a
                folder that is a file
        """
        if self.choices and text not in self.choices:
            listed = ", ".join(self.named) + _hint(text, self.named)
            raise StartError(f"{self.name}:={text}: must be one of {listed}")
        if text == "" or text == AUTO == self.default:
            return text
        match self.kind:
            case Kind.INTEGER:
                return self._integer(text)
            case Kind.NUMBER:
                return self._number(text)
            case Kind.BOOLEAN:
                return self._boolean(text)
            case Kind.PATH:
                return self._path(text)
            case Kind.FOLDER:
                return self._folder(text)
        return text

    def _integer(self, text: str) -> int:
        try:
            return int(text)
        except ValueError:
            raise StartError(f"{self.name}:={text}: must be a whole number") from None

    def _number(self, text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise StartError(f"{self.name}:={text}: must be a number")
        return number

    def _boolean(self, text: str) -> bool:
        if text.lower() not in ("true", "false"):
            raise StartError(f"{self.name}:={text}: must be true or false")
        return text.lower() == "true"

    def _path(self, text: str) -> str:
        path = Path(text).expanduser().resolve()
        if not path.exists():
            raise StartError(f"{self.name}:={text}: {path} does not exist")
        return str(path)

    def _folder(self, text: str) -> str:
        path = Path(text).expanduser().resolve()
        if path.exists() and not path.is_dir():
            raise StartError(f"{self.name}:={text}: {path} is not a folder")
        return str(path)


def declare(described: Mapping[str, Mapping[str, Any]]) -> dict[str, Argument]:
    """Make arguments of the section `arguments` of cell.yaml."""
    return {name: _declared(name, **entry) for name, entry in described.items()}


def _declared(
    name: str,
    *,
    description: str,
    default: Scalar = "",
    kind: str = "text",
    choices: Sequence[str] = (),
) -> Argument:
    text = str(default).lower() if isinstance(default, bool) else str(default)
    return Argument(name, description, text, Kind(kind), tuple(choices))


def split(words: Iterable[str], known: Mapping[str, Argument]) -> dict[str, str]:
    """Split `name:=value` words.

    Raises:
        StartError: a word of another form, or an unknown name
    """
    given: dict[str, str] = {}
    for word in words:
        name, sign, text = word.partition(":=")
        if not sign:
            raise StartError(f"'{word}' is not of the form name:=value")
        if name not in known:
            raise StartError(
                f"unknown argument '{name}'{_hint(name, known)}; --show-args lists all"
            )
        given[name] = text
    return given


def parse(given: Mapping[str, str], known: Mapping[str, Argument]) -> dict[str, Scalar]:
    """Return the values of all known arguments: the given ones, defaults for the others."""
    return {
        name: argument.parse(given.get(name, argument.default)) for name, argument in known.items()
    }


def check_namespace(text: str) -> None:
    """Check a ROS namespace; an empty one is none.

    Raises:
        StartError: no node could have it
    """
    if text and not _NAMESPACE.fullmatch(text):
        raise StartError(
            f"namespace:={text}: must be of letters, digits and _, no digit first, with / between "
            "its parts, such as left or lab/left"
        )


def describe(known: Mapping[str, Argument]) -> str:
    """Return a table of all arguments for people."""
    lines = []
    for argument in known.values():
        kind = "|".join(argument.named) or argument.kind.value
        lines.append(f"  {argument.name}:={argument.default or '...'}  ({kind})")
        lines.append(f"      {argument.description}")
    return "\n".join(lines)


def _hint(text: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(text, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""
