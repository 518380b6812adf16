"""All checks together."""

from __future__ import annotations

from collections.abc import Sequence

from dust_demos.conversion.mapping import Gates
from dust_demos.inspection.balance import check_balance
from dust_demos.inspection.episode import Collection, Episode
from dust_demos.inspection.finding import Finding, Level
from dust_demos.inspection.likeness import check_likeness
from dust_demos.inspection.looks import check_first_pictures
from dust_demos.inspection.motion import check_motion
from dust_demos.inspection.timing import check_timing


def check_all(data: Collection, gates: Gates) -> list[Finding]:
    """Return what is wrong with the data, except what only whole films show."""
    return [
        *check_timing(data, gates),
        *check_motion(data),
        *check_likeness(data),
        *check_balance(data),
        *check_first_pictures(data),
    ]


def choose(data: Collection, findings: Sequence[Finding], count: int) -> list[Episode]:
    """Return the episodes to show in detail, in order: those with warnings, then evenly others."""
    warned = {row.episode for row in findings if row.level is Level.WARNING}
    flagged = [place for place, e in enumerate(data.episodes) if e.name in warned][:count]
    others = [place for place in range(len(data.episodes)) if place not in set(flagged)]
    room = min(count - len(flagged), len(others))
    even = {others[(2 * i + 1) * len(others) // (2 * room)] for i in range(room)}
    return [data.episodes[place] for place in sorted({*flagged, *even})]
