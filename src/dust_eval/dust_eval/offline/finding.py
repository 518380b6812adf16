"""What a check found: pure data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    """Look at it before you trust the checkpoint."""
    BAD = "bad"
    """Expect it to fail on the robot."""

    @property
    def rank(self) -> int:
        """0 ok, 1 warn, 2 bad."""
        return list(Verdict).index(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's answer.

    Attributes:
        check: Name of the check.
        verdict: How bad it is.
        says: What that means, in one sentence.
        limits: The thresholds, in words.
        figures: What was measured: name with unit -> number.
    """

    check: str
    verdict: Verdict
    says: str
    limits: str
    figures: Mapping[str, float] = field(default_factory=dict)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of some verdicts; ok of none."""
    return max(verdicts, key=lambda verdict: verdict.rank, default=Verdict.OK)


def below(value: float, *, warn: float, bad: float) -> Verdict:
    """Return the verdict of a figure that should not be small."""
    return Verdict.BAD if value < bad else Verdict.WARN if value < warn else Verdict.OK


def above(value: float, *, warn: float, bad: float) -> Verdict:
    """Return the verdict of a figure that should not be large."""
    return Verdict.BAD if value > bad else Verdict.WARN if value > warn else Verdict.OK
