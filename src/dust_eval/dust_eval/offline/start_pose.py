"""Does it begin? A policy that learned from pauses stays where it is and waits for ever."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dust_eval.offline.evidence import Evidence
from dust_eval.offline.finding import Finding, Verdict, above, below, worst

Array = NDArray[np.float64]

TRAVEL_WARN, TRAVEL_BAD = 0.5, 0.25
IDLE_WARN, IDLE_BAD = 0.05, 0.2
STUCK = 0.1
"""A chunk that moves by less than this share of what was demonstrated is idle."""

PAUSE_WARN = 1.0
"""Demonstrations that stand still for longer than this at first teach to wait. Unit: s."""


def check_start_pose(evidence: Evidence) -> Finding:
    """Compare how far the first chunk moves with how far the demonstration did."""
    starts = evidence.moments.starts
    if not starts:
        return Finding(
            "idle at the start pose", Verdict.WARN, "No episode shows how it begins.", "", {}
        )
    chunks = evidence.predict(starts)
    ratios, along = [], []
    for moment, drawn in zip(starts, chunks, strict=True):
        joints = moment.state[:-1]
        wanted = moment.actions[:, :-1] - joints
        if _travel(wanted) < 1e-6:
            continue
        for chunk in drawn[..., :-1]:
            ratios.append(_travel(chunk - joints) / _travel(wanted))
            along.append(_cosine(chunk[-1] - joints, wanted[-1]))
    if not ratios:
        return Finding(
            "idle at the start pose", Verdict.WARN, "No demonstration moves at first.", "", {}
        )
    middle, idle = float(np.median(ratios)), float(np.mean(np.array(ratios) < STUCK))
    pause = float(np.median(evidence.moments.idle)) * evidence.period
    verdict = worst(
        (
            below(middle, warn=TRAVEL_WARN, bad=TRAVEL_BAD),
            above(idle, warn=IDLE_WARN, bad=IDLE_BAD),
            Verdict.WARN if pause > PAUSE_WARN else Verdict.OK,
        )
    )
    return Finding(
        check="idle at the start pose",
        verdict=verdict,
        says={
            Verdict.OK: "From the start pose it begins to move as demonstrated.",
            Verdict.WARN: "It begins slowly or not always, or the demonstrations pause at first.",
            Verdict.BAD: "From the start pose it hardly moves: expect it to wait for ever.",
        }[verdict],
        limits=(
            f"travel / demonstrated, median: warn below {TRAVEL_WARN}, bad below {TRAVEL_BAD}; "
            f"idle chunks (below {STUCK}): warn above {IDLE_WARN}, bad above {IDLE_BAD}; pause of "
            f"the demonstrations: warn above {PAUSE_WARN} s"
        ),
        figures={
            "travel / demonstrated, median": middle,
            "idle chunks": idle,
            "direction (cosine, median)": float(np.median(along)),
            "pause of the demonstrations, median [s]": pause,
        },
    )


def _travel(offsets: Array) -> float:
    """Return how far the farthest joint gets within a chunk's offsets [K, J], rad."""
    return float(np.abs(offsets).max())


def _cosine(one: Array, other: Array) -> float:
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / size if size > 1e-12 else 0.0
