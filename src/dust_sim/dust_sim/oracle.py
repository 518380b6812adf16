"""Success as the paper counts it (appendix A.4): full, half (partly placed), or none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from dust_sim.containers import CONTAINERS, container_spec
from dust_sim.objects import object_spec
from dust_sim.pose import Pose2

MAX_SPEED = 0.03
"""An object that moves faster does not rest yet, m/s."""

FALLEN = -0.05
"""An object whose centre of gravity is lower has fallen off the table, whose top is at 0, m."""

ROBOT = "robot"
"""Name that stands for any part of the robot among the bodies that touch each other."""


class Outcome(IntEnum):
    """How a trial ended; the values are those of ``dust_msgs/srv/JudgeCell``."""

    NONE = 0
    HALF = 1
    FULL = 2

    @property
    def score(self) -> float:
        """As the paper counts it: 0, 0.5 or 1."""
        return self.value / 2


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the oracle looks at: one moment of the scene."""

    object_name: str
    target: str
    centre: tuple[float, float, float]
    """The object's centre of gravity in the base frame, m."""
    speed: float
    """Of the centre of gravity, m/s."""
    target_pose: Pose2
    touching: frozenset[frozenset[str]]
    """Pairs of bodies in contact: names, ``table``, and ``robot`` for any part of it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The oracle's answer, with what it saw in words."""

    outcome: Outcome
    reason: str


def judge(evidence: Evidence) -> Verdict:
    """Judge whether the object is placed in or on the target.

    Full: the object was let go of, rests, is carried by the target, and its centre of gravity is
        above the target's footprint. Half: as
    full, but the centre of gravity is outside. None: anything else.
    """
    what, where = object_spec(evidence.object_name).words, container_spec(evidence.target).words
    none = Outcome.NONE
    if frozenset((evidence.object_name, ROBOT)) in evidence.touching:
        return Verdict(none, f"the robot touches the {what}")
    if evidence.centre[2] < FALLEN:
        return Verdict(none, f"the {what} fell off the table")
    if evidence.speed > MAX_SPEED:
        return Verdict(none, f"the {what} still moves at {evidence.speed:.2f} m/s")
    if not _carried(evidence):
        return Verdict(none, f"the {what} does not touch the {where}; {_whereabouts(evidence)}")
    x, y = evidence.target_pose.to_local(*evidence.centre[:2])
    if not CONTAINERS[evidence.target].covers(x, y):
        return Verdict(
            Outcome.HALF,
            f"the {what} touches the {where}, but its centre of gravity is outside "
            f"({x:+.3f}, {y:+.3f} m from the middle)",
        )
    return Verdict(Outcome.FULL, f"the {what} rests in or on the {where}")


def _carried(evidence: Evidence) -> bool:
    """Say whether the target carries the object, directly or through other objects."""
    reached, fresh = {evidence.object_name}, {evidence.object_name}
    while fresh:
        reached |= fresh
        fresh = _neighbours(fresh, evidence.touching) - reached
    return evidence.target in reached


def _neighbours(names: set[str], touching: Iterable[frozenset[str]]) -> set[str]:
    """Answer what touches any of the named objects; only objects pass a contact on."""
    passing = {name for name in names if name not in CONTAINERS and name not in (ROBOT, "table")}
    return {other for pair in touching if pair & passing for other in pair - passing}


def _whereabouts(evidence: Evidence) -> str:
    beside = sorted(_neighbours({evidence.object_name}, evidence.touching))
    if not beside:
        return "it touches nothing"
    words = [CONTAINERS[n].words if n in CONTAINERS else n.replace("_", " ") for n in beside]
    return "it touches the " + " and the ".join(words)
