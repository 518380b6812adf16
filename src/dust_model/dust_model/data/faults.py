"""What can be wrong with recorded data, and what is to happen then."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DataError(ValueError):
    """One episode or file is missing, broken or does not hold what it should; one clear line."""


class OnFault(StrEnum):
    """What to do about a faulty episode."""

    RAISE = "raise"
    """Stop with its line."""
    SKIP = "skip"
    """Leave the episode out and list it."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An episode that was left out, and why."""

    episode: int
    reason: str

    def __str__(self) -> str:
        return f"episode {self.episode} left out: {self.reason}"
