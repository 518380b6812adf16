"""How a new chunk and what the arm was already promised become one: the merge strategies.

    blend      the plan's state at the splice fades into the chunk (see planner.py)
    prefix     the chunk was sampled to go on from the plan; dropped when it comes too late for that
    ensemble   average of all predictions for each due time (temporal ensembling, ACT)
    open_loop  a chunk is executed to its end before the next one is taken
    auto       prefix for chunks that say so, blend for all others; but open_loop for chunks that
               know nothing of the plan, where the number of actions to execute is set

Every strategy ends in `Planner.splice`: seams are continuous and proven whichever is chosen. The
strategies differ in what the arm is asked to follow.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from dust_executor.chunk import Chunk, ChunkError, Conditioning
from dust_executor.plan import Plan
from dust_executor.quintic import NS, States, Times
from dust_executor.reference import reference_at, spline_states

_REMEMBERED = 32
"""Most chunks that an ensemble averages."""


class Merge(StrEnum):
    """Values of plan.merge."""

    AUTO = "auto"
    BLEND = "blend"
    PREFIX = "prefix"
    ENSEMBLE = "ensemble"
    OPEN_LOOP = "open_loop"


class PrefixLate(StrEnum):
    """Values of plan.prefix_late."""

    DROP = "drop"
    BLEND = "blend"


class NotYetError(ChunkError):
    """A chunk that is fine, but the one before it is still being executed."""


@dataclass(frozen=True, slots=True)
class MergeSettings:
    """How chunks and the plan become one.

    Attributes:
        merge: The strategy.
        prefix_late: What becomes of a chunk that came too late for its prefix.
        prefix_tolerance: A prefix this close to the plan counts as the plan's own, rad.
        ensemble_decay: m of the ensemble's weights exp(-m i), i = 0 for the oldest prediction.
            Range: >= 0; 0 is the plain mean, larger ones trust old predictions more.
        execute_actions: How many actions of a chunk are executed open loop before the next one is
            taken. 0: all of them with `open_loop`, none with `auto`.
    """

    merge: Merge = Merge.AUTO
    prefix_late: PrefixLate = PrefixLate.DROP
    prefix_tolerance: float = 0.01
    ensemble_decay: float = 0.01
    execute_actions: int = 0


class Merger:
    """Applies the strategy; remembers what it needs of the task's accepted chunks.

    Args:
        settings: How chunks and the plan become one.
    """

    def __init__(self, settings: MergeSettings) -> None:
        self.settings = settings
        self._chunks: list[Chunk] = []
        self._executed_until = 0

    def forget(self) -> None:
        """Forget the chunks so far: a task begins, or goes on after a pause."""
        self._chunks.clear()
        self._executed_until = 0

    def merge(self, chunk: Chunk, plan: Plan, start: int) -> Chunk:
        """Return what the arm is to follow from the splice on.

        Args:
            chunk: Checked chunk inside the position limits.
            plan: The committed plan.
            start: The splice, ns.

        Raises:
            NotYetError: Open loop, and the chunk before is still being executed.
            ChunkError: Its prefix is not what the arm did, and such chunks are dropped.
        """
        match self.settings.merge:
            case Merge.ENSEMBLE:
                return self._averaged(chunk)
            case Merge.PREFIX:
                return self._continued(chunk, plan, start)
            case Merge.AUTO if chunk.conditioning is Conditioning.PREFIX:
                return self._continued(chunk, plan, start)
        if self._is_open_loop(chunk.conditioning):
            self._check_turn(start)
        return chunk

    def accepted(self, chunk: Chunk, start: int) -> None:
        """Note that a chunk, as it came, was spliced at `start` (ns)."""
        times = chunk.times
        if self._is_open_loop(chunk.conditioning):
            count = self.settings.execute_actions or len(times)
            due = times[times > start][:count]
            self._executed_until = int(due[-1]) if len(due) else start
        elif self.settings.merge is Merge.ENSEMBLE:
            alive = [old for old in self._chunks if int(old.times[-1]) > start]
            self._chunks = [*alive, chunk][-_REMEMBERED:]

    def takes_free(self, start: int) -> bool:
        """Return whether a chunk without a prefix that is spliced at `start` (ns) has its turn."""
        return not self._is_open_loop(Conditioning.FREE) or start >= self._executed_until

    def _is_open_loop(self, conditioning: Conditioning) -> bool:
        match self.settings.merge:
            case Merge.OPEN_LOOP:
                return True
            case Merge.AUTO:
                free = conditioning is Conditioning.FREE
                return free and self.settings.execute_actions > 0
        return False

    def _check_turn(self, start: int) -> None:
        left = (self._executed_until - start) / NS
        if left > 0.0:
            raise NotYetError(
                f"open loop: the chunk before it is executed for another {left:.3f} s"
            )

    def _continued(self, chunk: Chunk, plan: Plan, start: int) -> Chunk:
        """Return the chunk with the plan's own states as its prefix."""
        count = chunk.prefix
        # An arm at rest goes on with anything; dropping would only keep it there.
        if not count or start >= plan.end:
            return chunk
        times = chunk.times[:count]
        defect = self._defect(chunk, plan, start)
        if defect:
            if self.settings.prefix_late is PrefixLate.DROP:
                raise ChunkError(defect)
            return chunk
        positions = chunk.positions.copy()
        positions[:count] = plan.sample(times)[:, 0]
        return replace(chunk, positions=positions)

    def _defect(self, chunk: Chunk, plan: Plan, start: int) -> str:
        times = chunk.times[: chunk.prefix]
        if start > times[-1]:
            return (
                f"came too late for its prefix: the splice falls {(start - chunk.stamp) / NS:.3f} "
                f"s after the observation, but the {chunk.prefix} actions that it was conditioned "
                f"on reach only {(int(times[-1]) - chunk.stamp) / NS:.3f} s"
            )
        # What was due long before the splice does not matter any more.
        near = times > start - chunk.period
        gaps = np.abs(plan.sample(times[near])[:, 0] - chunk.positions[: chunk.prefix][near])
        gap = float(gaps.max())
        if gap > self.settings.prefix_tolerance:
            return (
                f"its prefix is {gap:.4f} rad away from the plan (plan.prefix_tolerance is "
                f"{self.settings.prefix_tolerance:g}): the plan changed since it was sampled"
            )
        return ""

    def _averaged(self, chunk: Chunk) -> Chunk:
        """Average all predictions for each due time (ACT, temporal ensembling)."""
        times = chunk.times
        sources = [*self._chunks, chunk]
        known = np.stack([(times >= old.times[0]) & (times <= old.times[-1]) for old in sources])
        age = np.cumsum(known, axis=0) - 1
        weights = np.exp(-self.settings.ensemble_decay * age) * known
        weights /= weights.sum(axis=0)
        predictions = np.stack([_predicted(old, times) for old in sources])
        # A command to the hand holds until the next one is due.
        grips = np.stack([_commanded(old, times) for old in sources])
        return replace(
            chunk,
            positions=np.einsum("mk,mkj->kj", weights, predictions),
            grips=np.einsum("mk,mk->k", weights, grips),
        )


def _predicted(chunk: Chunk, times: Times) -> States:
    if len(chunk.positions) == 1:
        return np.repeat(chunk.positions, len(times), axis=0)
    spline = spline_states(chunk.positions, chunk.period / NS)
    return reference_at(chunk.times, spline, np.clip(times, chunk.times[0], chunk.times[-1]))[:, 0]


def _commanded(chunk: Chunk, times: Times) -> States:
    index = np.searchsorted(chunk.times, times, side="right") - 1
    return chunk.grips[np.clip(index, 0, len(chunk.grips) - 1)]
