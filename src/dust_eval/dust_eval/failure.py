"""Why a trial failed, by phase, from the cell's ground truth.

             approach          close            carry            open
hand  --------------------o--------------o----------------o--------------->
                          |              |                |
      never_reached       missed_grasp   dropped          placed_outside, half
      wrong_object        (any time: knocked_over, stopped, out_of_time, broken)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from dust_eval.trace import Trace

Array = NDArray[np.float64]

LIFT = 0.03
"""An object that rose by this much while the hand held it was picked up. Unit: m."""

NEAR = 0.06
"""The hand is at an object when the finger tips are this close to its origin. Unit: m."""

HOLD = 0.09
"""An object in the hand is at most this far from the finger tips. Unit: m."""

OPEN = 0.9
"""A hand that is opened further holds nothing. Unit: 1."""

PUSHED = 0.05
"""An object that moved this far without being picked up was pushed. Unit: m."""

TIPPED = np.deg2rad(50.0)
"""A body that leans by this much has fallen over. Unit: rad."""

TARGET = 0.09
"""An object whose origin is this close to the target's, seen from above, lies in it. Unit: m."""

AROUND = 0.20
"""A hand that lets go this close to the target meant to place there. Unit: m."""

_LET_GO = 0.4  # s: the fingers take this long to open after the command


class Failure(StrEnum):
    """Phase in which a trial failed; the first one that fits."""

    NONE = "none"
    """It did not."""
    HALF = "half"
    """Placed, but the centre of gravity is outside the target (counts 0.5)."""
    NEVER_REACHED = "never_reached"
    """The hand never came to the object."""
    WRONG_OBJECT = "wrong_object"
    """Another object was picked up, or gripped for, instead."""
    MISSED_GRASP = "missed_grasp"
    """The hand came to the object but did not lift it."""
    KNOCKED_OVER = "knocked_over"
    """The object or a container was tipped over, or the object pushed away, before a grasp."""
    DROPPED = "dropped"
    """Lifted, then lost on the way."""
    PLACED_OUTSIDE = "placed_outside"
    """Let go of near the target, but not in it."""
    OUT_OF_TIME = "out_of_time"
    """The time was up while the object was held or not yet let go of."""
    STOPPED = "stopped"
    """The executor stopped for cause."""
    BROKEN = "broken"
    """The graph or the driver gave up; the reason names what."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a trace shows.

    Attributes:
        failure: Phase in which it failed.
        detail: What was seen, in words.
        attempted: Object that the hand was at when it first closed; empty: none.
        picked: Object that was lifted first; empty: none.
    """

    failure: Failure
    detail: str = ""
    attempted: str = ""
    picked: str = ""


@dataclass(frozen=True, slots=True)
class Pick:
    """An object that was held up from row `begin` to row `end` (the last one) of a trace."""

    name: str
    begin: int
    end: int


def diagnose(trace: Trace, object_name: str, objects: Sequence[str], *, score: float) -> Diagnosis:
    """Say in which phase a trial failed.

    Args:
        trace: The trial, from its start configuration to its end; at least one row.
        object_name: The object that was asked for.
        objects: All objects of the scene, that one included.
        score: 0, 0.5 or 1, as the oracle judged the end.
    """
    picks = find_picks(trace, objects)
    attempt = _first_attempt(trace, objects)
    failure, detail = _reason(trace, object_name, picks, attempt, score)
    return Diagnosis(failure, detail, attempt, picks[0].name if picks else "")


def find_picks(trace: Trace, objects: Sequence[str]) -> list[Pick]:
    """Return every time that an object was held up, in order."""
    picks = []
    for name in objects:
        near = (trace.distances(name) < HOLD) & (trace.opening < OPEN)
        held = near & (trace.rises(name) > LIFT)
        picks += [Pick(name, begin, end) for begin, end in _runs(held)]
    return sorted(picks, key=lambda pick: pick.begin)


def _reason(
    trace: Trace, object_name: str, picks: Sequence[Pick], attempt: str, score: float
) -> tuple[Failure, str]:
    if score >= 1:
        return Failure.NONE, ""
    if score > 0:
        return Failure.HALF, _where(trace, object_name)
    own = [pick for pick in picks if pick.name == object_name]
    if own:
        return _after_pick(trace, own[-1])
    if picks or attempt not in ("", object_name):
        verb = f"picked up the {picks[0].name}" if picks else f"gripped for the {attempt}"
        return Failure.WRONG_OBJECT, verb.replace("_", " ")
    return _before_pick(trace, object_name, attempt)


def _after_pick(trace: Trace, pick: Pick) -> tuple[Failure, str]:
    """Say what became of an object after it was held up for the last time."""
    if pick.end == len(trace) - 1:
        return Failure.OUT_OF_TIME, "still held at the end"
    lost = trace.times[pick.end]
    around = np.abs(trace.times - lost) <= _LET_GO
    opened = bool((trace.command[around] > 0.5).any())
    gap = _gap(trace, pick.name)
    said = f"{lost - trace.times[0]:.1f} s after the start, {gap[pick.end]:.2f} m from the target"
    if not opened:
        return Failure.DROPPED, f"slipped out of the closed hand {said}"
    if gap[pick.end] > AROUND:
        return Failure.DROPPED, f"the hand opened {said}"
    if gap[-1] < TARGET:
        return Failure.OUT_OF_TIME, "in the target, but not at rest or not let go of"
    return Failure.PLACED_OUTSIDE, _where(trace, pick.name)


def _before_pick(trace: Trace, object_name: str, attempt: str) -> tuple[Failure, str]:
    fallen = [name for name in trace.poses if trace.tilts(name).max() > TIPPED]
    if fallen:
        return Failure.KNOCKED_OVER, f"tipped over: {', '.join(fallen)}".replace("_", " ")
    closest = trace.distances(object_name)
    nearest = f"the hand came within {np.nanmin(closest) * 100:.1f} cm"
    if attempt == object_name:
        return Failure.MISSED_GRASP, f"{nearest} and closed, but did not lift it"
    shift = float(trace.shifts(object_name)[-1])
    if shift > PUSHED or trace.rises(object_name)[-1] < -LIFT:
        return Failure.KNOCKED_OVER, f"pushed {shift:.2f} m away"
    if np.nanmin(closest) < NEAR:
        return Failure.MISSED_GRASP, f"{nearest} but did not close"
    return Failure.NEVER_REACHED, nearest


def _first_attempt(trace: Trace, objects: Sequence[str]) -> str:
    """Return the object that the hand was at when it was first told to close; empty: none."""
    was_open = np.concatenate([trace.opening[:1], trace.command[:-1]]) > 0.5
    for row in np.flatnonzero(was_open & (trace.command <= 0.5)):
        gaps = {name: float(trace.distances(name)[row]) for name in objects}
        name = min(gaps, key=lambda name: gaps[name])
        if gaps[name] < NEAR:
            return name
    return ""


def _gap(trace: Trace, name: str) -> Array:
    """Return the distance of a body from the target, seen from above [N], m."""
    between = trace.poses[name][:, :2] - trace.poses[trace.target][:, :2]
    return np.asarray(np.linalg.norm(between, axis=1))


def _where(trace: Trace, name: str) -> str:
    return f"{_gap(trace, name)[-1]:.2f} m from the middle of the {trace.target}".replace("_", " ")


def _runs(held: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return first and last row of every run of True."""
    edges = np.diff(np.concatenate([[0], held.astype(np.int8), [0]]))
    return list(
        zip(
            np.flatnonzero(edges == 1).tolist(),
            (np.flatnonzero(edges == -1) - 1).tolist(),
            strict=True,
        )
    )
