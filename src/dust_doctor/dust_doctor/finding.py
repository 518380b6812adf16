"""What a check found: pure data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How bad it is."""

    SKIP = "skip"
    """Not looked at; the finding says why."""
    OK = "ok"
    WARN = "warn"
    """It works, but worse than it could, or it may fail later."""
    FAIL = "fail"
    """Do not move the arm before this is mended."""

    @property
    def rank(self) -> int:
        """0 skip, 1 ok, 2 warn, 3 fail."""
        return list(Verdict).index(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's answer.

    Attributes:
        verdict: How bad it is.
        says: What was found, in one line.
        remedy: How to mend it, in one line; empty where nothing is to be mended.
    """

    verdict: Verdict
    says: str
    remedy: str = ""


def ok(says: str) -> Finding:
    """Return that all is well."""
    return Finding(Verdict.OK, says)


def skip(reason: str) -> Finding:
    """Return that it was not looked at, and why."""
    return Finding(Verdict.SKIP, reason)


def warn(says: str, remedy: str) -> Finding:
    """Return what should be mended."""
    return Finding(Verdict.WARN, says, remedy)


def fail(says: str, remedy: str) -> Finding:
    """Return what must be mended."""
    return Finding(Verdict.FAIL, says, remedy)


def worst(findings: Iterable[Finding]) -> Finding:
    """Return the worst finding, the first among equals.

    Raises:
        ValueError: There is none.
    """
    return max(findings, key=lambda finding: finding.verdict.rank)
