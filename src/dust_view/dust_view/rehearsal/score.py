"""What a rehearsal came to: limits, seams, distances, latency."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from dust_node.fr3_kinematics import hand_position
from dust_view.arm import FollowingArm
from dust_view.limits import LimitUse, limit_use
from dust_view.rehearsal.recording import Commands
from dust_view.trajectory import Array, Times

SEAM_TOLERANCE = (1e-9, 1e-6, 1e-3)
"""Largest step at a seam that is rounding: rad, rad/s, rad/s^2."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Percentiles of something that was measured `count` times."""

    count: int
    p50: float
    p95: float
    p99: float
    worst: float

    @classmethod
    def of(cls, values: Sequence[float] | Array) -> "Spread":
        """Return the percentiles; zeros when there is nothing."""
        if not len(values):
            return cls(0, 0.0, 0.0, 0.0, 0.0)
        p50, p95, p99 = (float(p) for p in np.percentile(values, (50, 95, 99)))
        return cls(len(values), p50, p95, p99, float(np.max(values)))


@dataclass(frozen=True, slots=True)
class RehearsedChunk:
    """One chunk of the policy.

    Attributes:
        stamp_ns: When its observation was taken.
        period_ns: Between two actions.
        positions: Raw actions [k, J], rad.
        gripper: Raw gripper commands [k].
        sent_ns: When the executor got it.
        correction: Largest distance of a joint from the plan, over the actions to come; rad.
    """

    stamp_ns: int
    period_ns: int
    positions: Array
    gripper: Array
    sent_ns: int
    correction: float


@dataclass(slots=True)
class Notes:
    """What is written down on the way.

    Attributes:
        sets: Sets of images that were shown.
        skipped: Sets that came while the policy was busy.
        chunks: Chunks that came back.
        rejections: Why chunks were rejected, each reason once.
        accepted: Chunks that the executor accepted.
        rejected: Chunks that it rejected.
        clamped: Actions that it clamped.
        limited: Chunks whose path it changed.
        latency: Wall time of each stage, by its name; s.
        ending: How the task ended.
        stopped: Why the executor stopped for cause; empty: it did not.
        silent: Sets that brought no chunk.
    """

    sets: int = 0
    skipped: int = 0
    chunks: list[RehearsedChunk] = field(default_factory=list)
    rejections: list[str] = field(default_factory=list)
    accepted: int = 0
    rejected: int = 0
    clamped: int = 0
    limited: int = 0
    latency: dict[str, list[float]] = field(default_factory=dict)
    ending: str = ""
    stopped: str = ""
    silent: int = 0


@dataclass(frozen=True, slots=True)
class Distance:
    """How far from what was recorded, at the same times.

    Attributes:
        source: Topic of the recorded commands; empty: the bag has none, all else is 0.
        joint: Largest difference of a joint; rad.
        hand: Of the point between the finger tips; m.
        joint_rms: Root mean square over all joints and times; rad.
    """

    source: str
    joint: Spread
    hand: Spread
    joint_rms: float


@dataclass(frozen=True, slots=True)
class Score:
    """All that a rehearsal found.

    Attributes:
        seconds: Length of the commanded motion, s.
        limits: Use of the FR3's limits at 1 kHz.
        take_overs: Trajectories that replaced another.
        seam: Largest step of position, velocity and acceleration at one of them [3].
        correction: Of chunks against what was planned before; rad.
        commanded: Distance of the commanded motion from the recorded one.
        actions: Distance of the policy's raw actions from the recorded commands.
        latency: Wall time of each stage, s.
        digest: Of chunks and commands: equal digests mean equal runs, bit by bit.
        notes: What was counted.
    """

    seconds: float
    limits: LimitUse
    take_overs: int
    seam: tuple[float, ...]
    correction: Spread
    commanded: Distance
    actions: Distance
    latency: dict[str, Spread]
    digest: str
    notes: Notes

    @property
    def problems(self) -> list[str]:
        """What makes the rehearsal fail, in words; empty: nothing."""
        found = []
        if not self.limits.kept:
            counts = ", ".join(f"{n} in {k}" for k, n in self.limits.outside.items() if n)
            found.append(f"samples outside the limits: {counts}")
        if any(step > most for step, most in zip(self.seam, SEAM_TOLERANCE, strict=True)):
            found.append("a trajectory did not go on where the one before was: see seams")
        if self.notes.stopped:
            found.append(f"the executor stopped: {self.notes.stopped}")
        if not self.notes.accepted:
            why = self.notes.rejections[0] if self.notes.rejections else self.notes.ending
            found.append(f"no chunk was accepted: {why}")
        if self.notes.silent:
            found.append(f"{self.notes.silent} sets of images brought no chunk")
        return found


def score(arm: FollowingArm, notes: Notes, recorded: Commands) -> Score:
    """Judge what was commanded."""
    times, positions = arm.commands()
    inside, there = recorded.at(times)
    steps = [row.jump for row in arm.take_overs] or [np.zeros(3)]
    return Score(
        seconds=len(times) * 1e-3,
        limits=limit_use(positions),
        take_overs=len(arm.take_overs),
        seam=tuple(float(step) for step in np.max(steps, axis=0)),
        correction=Spread.of([chunk.correction for chunk in notes.chunks]),
        commanded=_distance(recorded.source, positions[inside], there),
        actions=_action_distance(notes.chunks, recorded),
        latency={stage: Spread.of(values) for stage, values in notes.latency.items()},
        digest=_digest(notes.chunks, positions),
        notes=notes,
    )


def _action_distance(chunks: Sequence[RehearsedChunk], recorded: Commands) -> Distance:
    joints = recorded.positions.shape[1]
    ours, theirs = [np.empty((0, joints))], [np.empty((0, joints))]
    for chunk in chunks:
        steps = np.arange(len(chunk.positions), dtype=np.int64) * chunk.period_ns
        inside, there = recorded.at(chunk.stamp_ns + steps)
        ours.append(chunk.positions[inside])
        theirs.append(there)
    return _distance(recorded.source, np.concatenate(ours), np.concatenate(theirs))


def _distance(source: str, ours: Array, theirs: Array) -> Distance:
    if not len(ours):
        return Distance(source, Spread.of([]), Spread.of([]), 0.0)
    gap = np.abs(ours - theirs)
    hand = np.linalg.norm(hand_position(ours) - hand_position(theirs), axis=1)
    rms = float(np.sqrt(np.mean(gap**2)))
    return Distance(source, Spread.of(gap.max(axis=1)), Spread.of(hand), rms)


def _digest(chunks: Sequence[RehearsedChunk], positions: Array) -> str:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(np.array([chunk.stamp_ns, chunk.sent_ns]).tobytes())
        digest.update(np.ascontiguousarray(chunk.positions).tobytes())
        digest.update(np.ascontiguousarray(chunk.gripper).tobytes())
    digest.update(np.ascontiguousarray(positions).tobytes())
    return digest.hexdigest()[:16]


def correction(chunk: Array, times_ns: Times, arm: FollowingArm, now_ns: int) -> float:
    """Return how far a chunk's actions to come [k, J] are from what is planned; rad.

    Only actions before the planned rest count: behind it, nothing was planned.

    Args:
        chunk: Positions, rad.
        times_ns: When they are due [k].
        arm: Follows the plan.
        now_ns: Now.
    """
    ahead = (times_ns > now_ns) & (times_ns < arm.end_ns)
    if not np.any(ahead):
        return 0.0
    return float(np.abs(chunk[ahead] - arm.planned(times_ns[ahead])).max())
