"""The executor's core and a policy, joined as they would be on the arm, on a simulated clock.

Figures that come of this are the same on every machine: nothing depends on how fast it is.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray

from dust_executor.chunk import Chunk, ChunkRules, Conditioning
from dust_executor.core import Executor
from dust_executor.lead import tolerated_lateness
from dust_executor.limits import Limits, named
from dust_executor.merge import Merge, MergeSettings
from dust_executor.plan import Plan
from dust_executor.planner import Planner, Splice
from dust_executor.quintic import NS, States, Times
from dust_executor.reference import reference_at, spline_states
from dust_executor.settings import Settings
from dust_executor.watchdog import JointState

Array = NDArray[np.float64]

SAMPLE = 1e-3
"""Time between two commands, s."""

_SAMPLE = round(SAMPLE * NS)


class Continuation(StrEnum):
    """How a chunk is sampled to go on from the plan."""

    NONE = "none"
    PREFIX = "prefix"
    GUIDED = "guided"
    BLENDED = "blended"


STRATEGIES: dict[str, tuple[Merge, Continuation]] = {
    "prefix": (Merge.PREFIX, Continuation.PREFIX),
    "guided (RTC)": (Merge.BLEND, Continuation.GUIDED),
    "blend": (Merge.BLEND, Continuation.NONE),
    "ensemble": (Merge.ENSEMBLE, Continuation.NONE),
    "open loop": (Merge.OPEN_LOOP, Continuation.NONE),
}
"""What is compared: how the executor merges, and how the policy samples."""

STEPWISE = {"blended start": (Merge.BLEND, Continuation.BLENDED)}
"""The same for policies that sample in denoising steps."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a policy is asked for.

    Attributes:
        time: When the observation was taken, s from the start.
        number: Number of the chunk, from 1; noise that depends on it alone is the same for all
            strategies.
        committed: Promised positions [n, J] at the due times of the chunk's first n actions, rad.
        frozen: How many of them cannot be changed any more. Range: 0 to n.
        continuation: What to make of them.
    """

    time: float
    number: int
    committed: Array
    frozen: int
    continuation: Continuation


Source = Callable[[Request], Array]
"""A policy: returns a chunk's positions [k, J], rad; k actions `PERIOD` apart from the observation.
A recorded stream of predictions is one that ignores all but `time`."""

PERIOD = 1.0 / 15.0
"""Time between two actions, s."""


@dataclass(slots=True)
class Record:
    """What came of one run.

    Attributes:
        commands: Commanded positions at 1 kHz [N, J], rad.
        ages: How old the observation behind each command was [N], s.
        gaps: Distance of plan and chunk at each seam, in position, rad.
        speed_gaps: The same in velocity, rad/s.
        tolerated: How late each new plan might have reached the controller, s.
        chunks: Chunks that arrived.
        accepted: Chunks that were followed.
    """

    commands: list[Array] = field(default_factory=list)
    ages: list[Array] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    speed_gaps: list[float] = field(default_factory=list)
    tolerated: list[float] = field(default_factory=list)
    chunks: int = 0
    accepted: int = 0


class _WatchedPlanner(Planner):
    """Notes how far plan and chunk are apart at each seam."""

    def __init__(self, limits: Limits, record: Record) -> None:
        super().__init__(limits)
        self._record = record

    def splice(self, plan: Plan, chunk: Chunk, now: int, *, lead: float) -> Splice:
        splice = super().splice(plan, chunk, now, lead=lead)
        at = np.array([splice.start], dtype=np.int64)
        wanted = reference_at(chunk.times, spline_states(chunk.positions, PERIOD), at)[0]
        apart = plan.at(splice.start) - wanted
        self._record.gaps.append(rms(apart[0]))
        self._record.speed_gaps.append(rms(apart[1]))
        late = tolerated_lateness(plan, splice.plan, splice.changed, self.limits)
        self._record.tolerated.append(late)
        return splice


class Run:
    """One policy, one way to join its chunks, one latency.

    Args:
        source: The policy.
        home: Where the arm rests at first [J], rad.
        strategy: Key of `STRATEGIES` or `STEPWISE`.
        latency: From an observation to the arrival of its chunk, s.
        prefix_limit: Longest prefix that the policy can be given, actions.
        limits: The arm's limits.
    """

    def __init__(
        self,
        source: Source,
        home: Array,
        *,
        strategy: str,
        latency: float,
        prefix_limit: int = 7,
        limits: Limits | None = None,
    ) -> None:
        self._source, self._latency, self._prefix_limit = source, latency, prefix_limit
        merge, self._continuation = (STRATEGIES | STEPWISE)[strategy]
        limits = limits or named("fr3_rectangular")
        self._names = tuple(f"joint{index}" for index in range(len(home)))
        self._settings = Settings(limits, ChunkRules(self._names), merge=MergeSettings(merge))
        self.record = Record()
        self._now = 1000 * NS
        self._executor = Executor(self._settings, clock=lambda: self._now, publish=_nowhere)
        self._executor.planner = _WatchedPlanner(limits, self.record)
        self._begin = self._now
        self._observed = (self._now, self._now)
        self._executor.joints(JointState(self._now, self._now, home, np.zeros(len(home)), 1.0))
        self._executor.start_task("run", "run")

    def run(self, seconds: float) -> Record:
        """Let the policy drive the arm; one chunk is sampled after the other."""
        number = 0
        while self._now < self._begin + seconds * NS:
            number += 1
            stamp, request = self._now, self._request(number)
            actions = self._source(request)
            self._pass(stamp + round(self._latency * NS))
            prefixed = request.continuation is Continuation.PREFIX
            self._deliver(stamp, number, actions, request.frozen if prefixed else 0)
        return self.record

    def _request(self, number: int) -> Request:
        plan, settings = self._executor.plan, self._settings
        assert plan is not None
        none = np.empty((0, len(self._names)))
        seconds = (self._now - self._begin) / NS
        if self._continuation is Continuation.NONE or self._executor.ledger.accepted == 0:
            return Request(seconds, number, none, 0, Continuation.NONE)
        effect = self._latency + settings.lead.lead
        frozen = min(math.ceil(effect / PERIOD - 1e-6) + 1, self._prefix_limit)
        known = max(frozen, int((plan.action_end - self._now) / NS / PERIOD) + 1)
        due = self._now + np.round(PERIOD * NS * np.arange(known)).astype(np.int64)
        return Request(seconds, number, plan.sample(due)[:, 0], frozen, self._continuation)

    def _pass(self, until: int) -> None:
        plan = self._executor.plan
        assert plan is not None
        at = np.arange(self._now, until, _SAMPLE)
        self.record.commands.append(plan.sample(at)[:, 0])
        before, since = self._observed
        seen = np.where(at < self._executor.ledger.last_splice, before, since)
        self.record.ages.append((at - seen) / NS)
        # Whole samples, so that those of all chunks form one grid.
        self._now += len(at) * _SAMPLE
        state = plan.at(self._now)
        self._executor.joints(JointState(self._now, self._now, state[0], state[1], 1.0))
        self._executor.tick()

    def _deliver(self, stamp: int, number: int, actions: Array, prefix: int) -> None:
        executor, record = self._executor, self.record
        message = SimpleNamespace(
            header=SimpleNamespace(stamp=SimpleNamespace(sec=stamp // NS, nanosec=stamp % NS)),
            source="run",
            task_id="run",
            sequence=number,
            period=PERIOD,
            joint_names=self._names,
            positions=actions.ravel(),
            gripper=np.ones(len(actions)),
            prefix=prefix,
            conditioning=Conditioning.PREFIX if prefix else Conditioning.FREE,
        )
        record.chunks += 1
        passed_over = executor.ledger.passed_over
        if not executor.chunk(message) and executor.ledger.passed_over == passed_over:
            record.accepted += 1
            self._observed = (self._observed[1], stamp)


def rms(values: Array | list[float]) -> float:
    """Return the root mean square; NaN of nothing."""
    return float(np.sqrt(np.mean(np.square(values)))) if np.size(values) else math.nan


def _nowhere(times: Times, states: States) -> None:
    """Publish nothing: the plan itself is what the arm follows."""
