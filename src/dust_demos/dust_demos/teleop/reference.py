"""What the operator asks for, as chunks that continue each other and end at rest.

The path is sampled on a grid of the chunks' period. Every chunk keeps the samples that the executor
has committed to by now, follows the operator for two more, then brakes::

      stamp  now                                  rest
        |-----|-------|-------|-------|-------|-------|-------|-------|
        k     k    kept, then `drive`          braking             at rest
        next:         k    kept, `drive`, braking ...

So a chunk never contradicts the one before it where that is being executed, and an operator's node
that dies leaves a soft stop behind.
"""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

NS = 1_000_000_000

_DRIVE = 2
"""Samples after the kept ones that follow the operator: one for now, one for a late next chunk."""

_AT_REST = 3
"""Equal samples at the end; the executor's spline takes the velocity there from three."""

_SUBSTEPS = 4
_HISTORY = 15  # samples that are remembered, for comparisons with messages that took their time


class State(Protocol):
    """An arm at one moment, as a driver describes it."""

    @property
    def joints(self) -> Array:
        """Joint positions [7], rad."""

    @property
    def rates(self) -> Array:
        """How fast it moves, in whatever terms; zeros at rest."""


S = TypeVar("S", bound=State)


class Driver(Protocol[S]):
    """Moves an arm step by step: `Jog` or `Leader`."""

    def begin(self, joints: Array) -> S:
        """Return the arm at rest at joint positions [7] (rad)."""

    def step(self, state: S, seconds: float, rates: Array | None = None) -> S:
        """Return the arm a moment later; `rates` overrides what the operator asks for."""


@dataclass(frozen=True, slots=True)
class Grid:
    """How chunks are sampled.

    Attributes:
        period: Time between two samples, s.
        horizon: Samples in a chunk.
        lead: Samples that are due before now + lead stay as they were announced, s.

    Raises:
        ValueError: The horizon leaves too little room to brake.
    """

    period: float = 1.0 / 15.0
    horizon: int = 10
    lead: float = 0.1

    def __post_init__(self) -> None:
        if self.braking < 2:
            least = self._kept + _DRIVE + _AT_REST + 2
            raise ValueError(
                f"chunk.horizon is {self.horizon}: with chunk.period {self.period:.3f} s and "
                f"chunk.lead {self.lead:g} s it must be at least {least} to end at rest"
            )

    @property
    def period_ns(self) -> int:
        """Time between two samples, ns."""
        return round(self.period * NS)

    @property
    def _kept(self) -> int:
        # Most samples after the first one that can be due before now + lead.
        return int(self.lead / self.period) + 1

    @property
    def braking(self) -> int:
        """Samples from full speed to rest."""
        return self.horizon - self._kept - _DRIVE - _AT_REST


@dataclass(frozen=True, slots=True)
class Path:
    """One chunk of positions.

    Attributes:
        stamp_ns: When the first one is due, ns.
        positions: Joint positions [horizon, 7], rad; the last ones are equal.
        prefix: How many first ones repeat the chunk before.
    """

    stamp_ns: int
    positions: Array
    prefix: int


class Reference(Generic[S]):
    """The path that was asked for so far.

    Args:
        driver: Moves the arm.
        grid: How chunks are sampled.
        now_ns: When it begins, ns.
        joints: Where the arm rests then [7], rad.
    """

    def __init__(self, driver: Driver[S], grid: Grid, *, now_ns: int, joints: Array) -> None:
        self._driver = driver
        self.grid = grid
        self._first_ns = now_ns
        self._states = [driver.begin(joints)]
        self._drives = False
        self._history = [joints] * _HISTORY

    def plan(self, now_ns: int, *, drive: bool) -> Path:
        """Return the chunk from now on.

        Args:
            now_ns: Time, ns; not before that of the last call.
            drive: Whether to follow the operator; otherwise the arm brakes.
        """
        period_ns = self.grid.period_ns
        past = max(0, now_ns - self._first_ns) // period_ns
        self._first_ns += past * period_ns
        # Beyond its end the path rests where it ended.
        rest = self._states[-1]
        gone = (self._states + [rest] * min(past, _HISTORY))[:past]
        self._history = [*self._history, *(state.joints for state in gone)][-_HISTORY:]
        states = self._states[past:] or [rest]
        kept = (now_ns + round(self.grid.lead * NS) - self._first_ns) // period_ns
        if drive or self._drives:
            states = (states + [rest] * kept)[: kept + 1]
            states += self._ahead(states[-1], drive=drive)
        # Else the arm is on its way to rest already.
        self._drives = drive
        self._states = states + [states[-1]] * (self.grid.horizon - len(states))
        positions = np.array([state.joints for state in self._states])
        return Path(self._first_ns, positions, kept + 1)

    def joints_at(self, now_ns: int) -> Array:
        """Return the joint positions [7] (rad) asked for at a time (ns), also one just past."""
        known = [*self._history, *(state.joints for state in self._states)]
        at = (now_ns - self._first_ns) / self.grid.period_ns + _HISTORY
        at = min(max(0.0, at), len(known) - 1.0)
        before = int(at)
        after = min(before + 1, len(known) - 1)
        return np.asarray((1 - at + before) * known[before] + (at - before) * known[after])

    def is_at_rest(self, now_ns: int) -> bool:
        """Return whether nothing moves from now (ns) on."""
        index = max(0, now_ns - self._first_ns) // self.grid.period_ns
        return not any(np.any(state.rates) for state in self._states[index:])

    def _ahead(self, state: S, *, drive: bool) -> list[S]:
        """Return the samples after the kept ones, the last one at rest."""
        states = []
        for _ in range(_DRIVE if drive else 0):
            state = self._sample(state)
            states.append(state)
        first = state.rates
        if not np.any(first):
            return states
        count = self.grid.braking
        for sample in range(count):
            state = self._sample(state, first * (1 - sample / count), -first / count)
            states.append(state)
        return [*states[:-1], self._driver.begin(states[-1].joints)]

    def _sample(self, state: S, rates: Array | None = None, change: Array | None = None) -> S:
        """Return the state a period later; given rates change by `change` within it."""
        seconds = self.grid.period / _SUBSTEPS
        for substep in range(1, _SUBSTEPS + 1):
            forced = None
            if rates is not None and change is not None:
                forced = rates + change * (substep / _SUBSTEPS)
            state = self._driver.step(state, seconds, forced)
        return state
