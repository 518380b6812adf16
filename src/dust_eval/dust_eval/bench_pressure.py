"""What a load did to the policy: vision steps, and how often the arm ran out of actions.

    before            during             after
|--------------|##################|----------------|      # the load
64 64 64 64 64 64 8 4 4 4 4 8 4 4 4 4 8 16 32 64 64       N_o of the chunks
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

_ROUNDING_SEC = 1e-4
_LAST_PART = 0.25


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of a measurement. Unit: s of the graph's clock."""

    name: str
    begin: float
    end: float

    def holds(self, time: float) -> bool:
        """Whether a time lies in it."""
        return self.begin <= time < self.end


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk: when its observation was taken (s) and its vision steps N_o."""

    time: float
    vision_steps: int


@dataclass(frozen=True, slots=True)
class Promise:
    """What the executor said during a task.

    Attributes:
        time: When. Unit: s.
        buffer: Time left until the committed actions run out. Unit: s.
        splice: From when on the plan follows the newest accepted chunk. Unit: s.
        accepted: Chunks accepted so far.
    """

    time: float
    buffer: float
    splice: float
    accepted: int


@dataclass(frozen=True, slots=True)
class Underrun:
    """A time without committed actions: the arm was braking or at rest. Unit: s."""

    begin: float
    length: float


@dataclass(frozen=True, slots=True)
class PhaseSummary:
    """What a phase was like.

    Attributes:
        name: The phase's name.
        seconds: Its length. Unit: s.
        chunk_rate: Chunks per second. Unit: Hz.
        vision_steps: Mean N_o; None without chunks.
        vision_steps_end: Mean N_o in the last quarter; None without chunks there.
        underruns: How often the committed actions ran out.
        longest: Longest time without any. Unit: s.
        least_buffer: Least time left that the executor told. Unit: s; None: it told nothing.
    """

    name: str
    seconds: float
    chunk_rate: float
    vision_steps: float | None
    vision_steps_end: float | None
    underruns: int
    longest: float
    least_buffer: float | None


def find_underruns(promises: Sequence[Promise]) -> list[Underrun]:
    """Return the times in which the committed actions had run out, from the first chunk on.

    Exact although the executor speaks only now and then: it tells when its actions will run out,
    and from when on the next ones are followed. Of several chunks between two words of it only
    the last one's splice is known; they count if it was heard to have nothing left before.
    """
    found: list[Underrun] = []
    end, accepted, empty = float("inf"), 0, False
    for promise in promises:
        if promise.buffer <= 0:
            empty = True
            continue
        known = empty or promise.accepted - accepted <= 1
        if known and promise.splice > end + _ROUNDING_SEC:
            found.append(Underrun(end, promise.splice - end))
        end, accepted, empty = promise.time + promise.buffer, promise.accepted, False
    if empty and end < promises[-1].time:
        found.append(Underrun(end, promises[-1].time - end))
    return found


def summarise(phase: Phase, chunks: Sequence[Chunk], promises: Sequence[Promise]) -> PhaseSummary:
    """Return what a phase was like, of all that was heard during the task."""
    seconds = phase.end - phase.begin
    within = [chunk for chunk in chunks if phase.holds(chunk.time)]
    last = [c for c in within if c.time >= phase.end - _LAST_PART * seconds]
    gaps = [gap.length for gap in find_underruns(promises) if phase.holds(gap.begin)]
    left = [promise.buffer for promise in promises if phase.holds(promise.time)]
    return PhaseSummary(
        name=phase.name,
        seconds=seconds,
        chunk_rate=len(within) / seconds,
        vision_steps=_mean_steps(within),
        vision_steps_end=_mean_steps(last),
        underruns=len(gaps),
        longest=max(gaps, default=0.0),
        least_buffer=min(left, default=None),
    )


def recovery(before: Phase, after: Phase, chunks: Sequence[Chunk]) -> float | None:
    """Return how long after the load a chunk had as many steps as usual before it. Unit: s.

    Usual is the median. None: it did not come to that, or nobody knows what is usual.
    """
    usual = [chunk.vision_steps for chunk in chunks if before.holds(chunk.time)]
    if not usual:
        return None
    level = statistics.median_low(usual)
    times = (c.time for c in chunks if after.holds(c.time) and c.vision_steps >= level)
    first = next(times, None)
    return None if first is None else first - after.begin


def _mean_steps(chunks: Sequence[Chunk]) -> float | None:
    return statistics.fmean(chunk.vision_steps for chunk in chunks) if chunks else None
