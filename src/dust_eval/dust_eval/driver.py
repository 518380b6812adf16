"""Who drives the arm in a trial: a checkpoint with its settings, or the scripted expert."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dust_start import index
from dust_start.environment import workspace_environment

EXPERT = "expert"

_NAME = re.compile(r"[A-Za-z0-9_.+-]+")

# What a checkpoint needs to run; the state of its training may lie beside that.
_FILES = (
    "config.json",
    "statistics.json",
    "tokenizer.json",
    "backbone.safetensors",
    "head.safetensors",
)


@dataclass(frozen=True, slots=True)
class Driver:
    """One of those who are compared.

    Attributes:
        name: What tables call it.
        checkpoint: Folder of the checkpoint, or `expert`.
        arguments: Further arguments of the graph, each as `name:=value`.
        identity: 16 hexadecimal digits over the checkpoint's files; empty for the expert.
    """

    name: str
    checkpoint: str
    arguments: tuple[str, ...] = ()
    identity: str = ""

    @property
    def is_expert(self) -> bool:
        """Whether it is the scripted expert, which knows the ground truth."""
        return self.checkpoint == EXPERT

    def __str__(self) -> str:
        """Return what the command line calls it."""
        given = [argument.replace(":=", "=", 1) for argument in self.arguments]
        return ",".join([f"{self.name}={self.checkpoint}", *given])

    @property
    def seat(self) -> list[str]:
        """Arguments of the graph that say who drives, without the further ones."""
        if self.is_expert:
            return ["policy:=expert"]
        return ["policy:=dust", f"checkpoint:={self.checkpoint}"]

    @property
    def words(self) -> list[str]:
        """Arguments of the graph that put it into the driver's seat."""
        return [*self.seat, *self.arguments]

    @property
    def robot_words(self) -> list[str]:
        """Arguments of the robot's half of the graph: how it follows this driver."""
        return ["policy:=expert" if self.is_expert else "policy:=dust", *self.arguments]

    @property
    def nodes(self) -> tuple[str, ...]:
        """Lifecycle nodes that must be active before it can drive."""
        return ("dust_expert",) if self.is_expert else ("dust_perception", "dust_policy")


def parse_driver(text: str) -> Driver:
    """Read `[name=]folder[,argument=value]...` or `[name=]expert[,...]`.

    >>> parse_driver("expert").words
    ['policy:=expert']

    Raises:
        ValueError: The text is of another form, or the folder is no checkpoint.
    """
    first, *rest = text.split(",")
    name, sign, place = first.partition("=")
    if not sign:
        name, place = "", first
    if not place:
        raise ValueError(f"'{text}': no checkpoint is named; give [name=]FOLDER or expert")
    arguments = tuple(_argument(text, word) for word in rest)
    if place == EXPERT:
        return Driver(_checked_name(text, name or EXPERT), EXPERT, arguments)
    folder = Path(place).expanduser().resolve()
    name = _checked_name(text, name or _default_name(folder, arguments))
    return Driver(name, str(folder), arguments, identify(folder))


def parse_drivers(texts: Sequence[str]) -> tuple[Driver, ...]:
    """Read several drivers; see `parse_driver`.

    Raises:
        ValueError: One is wrong, none is given, or a name appears twice.
    """
    drivers = tuple(parse_driver(text) for text in texts)
    names = [driver.name for driver in drivers]
    if not names:
        raise ValueError("nobody drives: give --checkpoint FOLDER or --checkpoint expert")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ValueError(f"two drivers are called '{twice}': name them, as in a=FOLDER b=FOLDER")
    return drivers


def one_driver(checkpoint: str) -> Driver:
    """Read who drives where one does: a folder, `expert`, or nothing for the shipped checkpoint.

    Raises:
        ValueError: As of `parse_driver`.
    """
    return parse_driver(checkpoint or str(shipped_checkpoint()))


def shipped_checkpoint() -> Path:
    """Return the folder of the checkpoint that is installed with dust_bringup.

    Raises:
        ValueError: dust_bringup is not installed, or without it.
    """
    share = index.share_of("dust_bringup", workspace_environment())
    if share is None:
        raise ValueError("dust_bringup is not installed: build the workspace (make setup)")
    folder = share / "models" / "tiny"
    if not (folder / "config.json").is_file():
        raise ValueError(f"{folder} is missing: build the workspace anew (make setup)")
    return folder


def require_unchanged(drivers: Sequence[Driver]) -> None:
    """Raise ValueError if the files of a checkpoint are not what they were."""
    for driver in drivers:
        if not driver.is_expert and identify(Path(driver.checkpoint)) != driver.identity:
            raise ValueError(
                f"the checkpoint {driver.checkpoint} has changed since the evaluation began; "
                "give another --out"
            )


def checkpoint_files(folder: Path) -> list[Path]:
    """Return what of a checkpoint's files is there, by name."""
    return sorted(folder / name for name in _FILES if (folder / name).is_file())


def identify(folder: Path) -> str:
    """Return 16 hexadecimal digits over the files of a checkpoint.

    Raises:
        ValueError: The folder is no checkpoint.
    """
    files = checkpoint_files(folder)
    if not any(path.name == "config.json" for path in files):
        fault = "it has no config.json" if folder.is_dir() else "there is no such folder"
        raise ValueError(f"{folder} is no checkpoint: {fault}")
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            digest.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


def _checked_name(text: str, name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"'{text}': the name '{name}' may have letters, digits, _ . + - only: give one, as in "
            "NAME=FOLDER"
        )
    return name


def _argument(text: str, word: str) -> str:
    name, sign, value = word.partition("=")
    if not (sign and name and value):
        raise ValueError(f"'{text}': '{word}' is not of the form argument=value")
    return f"{name.removesuffix(':')}:={value}"


def _default_name(folder: Path, arguments: Sequence[str]) -> str:
    """Return the folder's name, or its parent's where that says more, and what is special."""
    base = folder.parent.name if folder.name in ("last", "best") else folder.name
    values = [argument.replace(":=", "") for argument in arguments if "/" not in argument]
    return "-".join([base, *values])
