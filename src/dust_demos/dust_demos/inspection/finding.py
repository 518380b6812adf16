"""What was found in the data, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding matters."""

    WARNING = "warning"
    """Something is wrong with an episode or with all: look at it before training."""
    NOTE = "note"
    """Worth knowing."""


class Kind(StrEnum):
    """What a finding is about."""

    FLAGGED = "flagged"
    LEFT_OUT = "left out"
    GAP = "gap"
    RATE = "rate"
    AGE = "age"
    SKEW = "skew"
    TIMES = "times"
    VALUES = "values"
    SPEED = "speed"
    OUTLIER = "outlier"
    FOLLOWING = "following"
    IDLE = "idle"
    LENGTH = "length"
    START = "start pose"
    DUPLICATE = "duplicate"
    INSTRUCTION = "instruction"
    PICTURE = "picture"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    Attributes:
        level: how much it matters.
        kind: what it is about.
        episode: name of the episode; empty: all of them.
        text: what was found, with figure and limit.
        remedy: what to do.
    """

    level: Level
    kind: Kind
    episode: str
    text: str
    remedy: str


def warning(kind: Kind, episode: str, text: str, remedy: str) -> Finding:
    """Return a finding that asks for something to be done."""
    return Finding(Level.WARNING, kind, episode, text, remedy)


def note(kind: Kind, episode: str, text: str, remedy: str = "") -> Finding:
    """Return a finding that is worth knowing."""
    return Finding(Level.NOTE, kind, episode, text, remedy)
