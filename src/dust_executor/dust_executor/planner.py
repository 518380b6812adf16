"""Splice a chunk into the plan: candidates from the smoothest to the safest, each one proven.

    stamp                now    splice           last action
      |--a--a--a--a-------|--------x==a==a==a==a==a==a----> rest
       stale, kept as support        blended     braking tail
       for the spline

The path through the waypoints is published as it is when it keeps to the planning limits. Otherwise
the waypoints are smoothed, then tracked by ruckig, then tracked gently; when nothing passes the
proof, the old plan stays, which was proven and ends at rest. Where the hand has a workspace, the
proof looks at that too.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from dust_executor.chunk import Chunk
from dust_executor.limiter import Track, follow
from dust_executor.limits import Limits, Shares, envelope
from dust_executor.plan import MIN_GAP, Plan
from dust_executor.quintic import NS, States, Times, evaluate, evaluate_at
from dust_executor.reference import reference_at, smooth, spline_states
from dust_executor.tail import tails
from dust_executor.verify import inside, surely_inside, violation
from dust_executor.workspace import Workspace

Body = tuple[Times, States]

# Share of the hard limits that the proof allows: the controller's 1 kHz samples lie between ours.
_PROOF = Shares(velocity=0.99, acceleration=0.98, jerk=0.9)
_HISTORY = NS
# How many more last actions are left out, one after the other, where the hand would leave its box.
_CUTS = (0, 1, 2, 4, 6)


class PlanError(ValueError):
    """A chunk that no plan can follow; the message is the reason, in one line."""


class Method(StrEnum):
    """How a splice was made."""

    UNCHANGED = "unchanged"
    DIRECT = "direct"
    SMOOTHED = "smoothed"
    LIMITED = "limited"


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """How chunks are spliced.

    Attributes:
        blend: Time over which the old plan's state fades into the new path, s.
        min_actions: Fewest actions that must be due after the splice.
        knot_period: Distance of knots where ruckig plans, s.
        agreement: Leading actions this close to the plan leave it as it is, rad.
        position_margin: Waypoints stay this far inside the position limits, rad.
        tail: Preferred duration of the braking tail, s.
        longest_tail: Longest duration of the braking tail, s.

    Raises:
        ValueError: `tail` is longer than `longest_tail`.
    """

    blend: float = 0.2
    min_actions: int = 2
    knot_period: float = 0.02
    agreement: float = 1e-4
    position_margin: float = 0.01
    tail: float = 0.3
    longest_tail: float = 0.45

    def __post_init__(self) -> None:
        if self.tail > self.longest_tail:
            raise ValueError(
                f"plan.tail ({self.tail:g} s) must not be longer than "
                f"plan.longest_tail ({self.longest_tail:g} s)"
            )


@dataclass(frozen=True, slots=True)
class Splice:
    """A new plan and how it came about.

    Attributes:
        plan: The plan, proven.
        method: How it follows the chunk.
        start: From when on it follows the chunk, ns.
        changed: From when on it differs from the old plan, ns: later, where the chunk's first
            actions repeat that.
        cut: How many last actions were left out, as the hand would have left its workspace.
    """

    plan: Plan
    method: Method
    start: int
    changed: int
    cut: int = 0

    @property
    def limited(self) -> bool:
        """Whether the path had to be changed to stay inside the limits."""
        return self.cut > 0 or self.method in (Method.SMOOTHED, Method.LIMITED)


class Planner:
    """Splices chunks and stops into plans.

    Args:
        limits: The arm's hard limits.
        shares: Share of them that is planned with.
        settings: How chunks are spliced.
        workspace: Where the hand may be; None: anywhere.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        shares: Shares | None = None,
        settings: PlanSettings | None = None,
        workspace: Workspace | None = None,
    ) -> None:
        self.limits = limits
        self.settings = settings or PlanSettings()
        self.workspace = workspace
        planned = (shares or Shares()).at_most(_PROOF)
        self._planning = envelope(limits, planned, stop_time=self.settings.longest_tail)
        self._proof = envelope(limits, _PROOF)
        margin = self.settings.position_margin
        margins = np.maximum(margin, limits.dead_zone() + 0.5 * margin)
        self._low, self._high = limits.lower + margins, limits.upper - margins

    def clamp(self, chunk: Chunk) -> tuple[Chunk, int]:
        """Return the chunk inside the position limits, and how many actions were outside."""
        positions = np.clip(chunk.positions, self._low, self._high)
        clamped = int(np.count_nonzero(np.any(positions != chunk.positions, axis=1)))
        return (replace(chunk, positions=positions) if clamped else chunk), clamped

    def earliest(self, plan: Plan, now: int, lead: float) -> int:
        """Return the earliest splice, ns.

        Args:
            plan: The committed plan.
            now: Time, ns.
            lead: Time for planning and for the message to arrive, s.
        """
        return plan.snap(max(now + round(lead * NS), plan.start))

    def splice(self, plan: Plan, chunk: Chunk, now: int, *, lead: float) -> Splice:
        """Return the plan that follows the chunk.

        A chunk that leads out of the workspace is cut, so that the arm comes to rest inside.

        Args:
            plan: The committed plan.
            chunk: Checked chunk inside the position limits.
            now: Time, ns.
            lead: From now to the splice, s.

        Raises:
            PlanError: Too few actions are left, or no motion inside the limits follows them.
        """
        start = self.earliest(plan, now, lead)
        self._check_late(chunk.times, start, now)
        if self.workspace is None:
            return self._spliced(plan, chunk, start, now)
        first = int(np.searchsorted(chunk.times, start + MIN_GAP))
        reach = self.workspace.leading(chunk.positions, first)
        defect = self.workspace.defect(chunk.positions[reach]) if reach < len(chunk.times) else ""
        for kept in (reach - less for less in _CUTS):
            if kept - first < self.settings.min_actions:
                break
            try:
                splice = self._spliced(plan, chunk.leading(kept), start, now)
            except PlanError as error:
                defect = defect or str(error)
                continue
            return replace(splice, cut=len(chunk.times) - kept)
        raise PlanError(defect)

    def stop(self, plan: Plan, now: int, *, lead: float) -> Plan:
        """Return the plan that comes to rest as soon as is smooth.

        A stop never leaves the limits: if braking would, the old plan stays, which ends at rest.

        Args:
            plan: The committed plan.
            now: Time, ns.
            lead: From now to when braking begins, s.
        """
        start = self.earliest(plan, now, lead)
        if start >= plan.end:
            return plan
        state = plan.at(start)
        tail = self._tail(state, start)
        if tail is None or tail[0][-1] >= plan.end:
            return plan
        # The hand keeps what it was told last.
        times = np.array([start], dtype=np.int64)
        gripped = plan.regripped(times, plan.grip_at(times), keep_from=now - _HISTORY)
        return gripped.spliced(*tail, action_end=start, keep_from=now - _HISTORY)

    def outside(self, position: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which joints [J] are outside the position limits."""
        return (position < self.limits.lower) | (position > self.limits.upper)

    def _spliced(self, plan: Plan, chunk: Chunk, start: int, now: int) -> Splice:
        times, waypoints = chunk.times, chunk.positions
        keep_from = now - _HISTORY
        gripped = plan.regripped(*_grips_from(chunk, start), keep_from=keep_from)
        changed, same = self._skip_agreement(plan, times, waypoints, start)
        if same:
            return Splice(gripped, Method.UNCHANGED, start, changed)
        problem = _Problem(plan.at(changed), changed, times, waypoints, chunk.period / NS)
        for method, make in self._candidates(problem):
            body = make()
            complete = self._complete(body, method) if body else None
            if complete:
                end = int(times[-1])
                new = gripped.spliced(*complete, action_end=end, keep_from=keep_from)
                return Splice(new, method, start, changed)
        raise PlanError(f"no motion inside the limits follows it: {self._defect(problem)}")

    def _check_late(self, times: Times, start: int, now: int) -> None:
        left = int(np.count_nonzero(times - start >= MIN_GAP))
        if left < self.settings.min_actions:
            raise PlanError(
                f"came too late: {left} of {len(times)} actions are due after the splice, "
                f"at least {self.settings.min_actions} are needed "
                f"(the observation is {(now - int(times[0])) / NS:.3f} s old)"
            )

    def _skip_agreement(
        self, plan: Plan, times: Times, waypoints: NDArray[np.float64], start: int
    ) -> tuple[int, bool]:
        """Return when the chunk begins to differ from the plan, and whether it does not at all."""
        due = (times > start) & (times <= plan.action_end)
        if not np.any(due):
            return start, False
        first, last = int(np.argmax(due)), len(due) - 1 - int(np.argmax(due[::-1]))
        # Mostly the first one tells.
        apart = np.abs(plan.at(int(times[first]))[0] - waypoints[first])
        if apart.max() > self.settings.agreement:
            return start, False
        gap = np.abs(plan.sample(times[first : last + 1])[:, 0] - waypoints[first : last + 1])
        agrees = np.max(gap, axis=1) <= self.settings.agreement
        run = len(agrees) if agrees.all() else int(np.argmin(agrees))
        if run == len(times) - first and abs(int(times[-1]) - plan.action_end) < MIN_GAP:
            return start, True
        # The last two that agree are planned anew: their derivatives depend on what follows them.
        if run < 3:
            return start, False
        return plan.snap(max(start, int(times[first + run - 3]))), False

    def _candidates(
        self, problem: "_Problem"
    ) -> Iterator[tuple[Method, Callable[[], Body | None]]]:
        blend, step = self.settings.blend, self.settings.knot_period
        for passes, stretch in ((0, 1.0), (0, 2.5), (2, 1.5), (8, 2.5)):
            method = Method.SMOOTHED if passes else Method.DIRECT
            yield method, partial(problem.blended, blend * stretch, passes)
        for gentleness in (1.0, 0.5):
            yield (
                Method.LIMITED,
                partial(follow, problem.track(), self._planning, step=step, gentleness=gentleness),
            )

    def _complete(self, body: Body, method: Method) -> Body | None:
        times, states = body
        bounds = self._proof if method is Method.LIMITED else self._planning
        # The knots alone tell most bad paths, at a small part of the cost.
        if (np.abs(states[:, 2]) > bounds.acceleration).any():
            return None
        # Mostly the first tail does, and one look at body and tail is cheaper than two.
        for tail in islice(self._tails(states[-1], int(times[-1])), 1):
            whole = _joined(body, tail)
            if surely_inside(*whole, self._planning) and self._is_in_workspace(*whole):
                return whole
        if not (inside(times, states, bounds) and self._is_in_workspace(times, states)):
            return None
        proven = self._tail(states[-1], int(times[-1]))
        return _joined(body, proven) if proven else None

    def _tail(self, state: States, start: int) -> Body | None:
        for times, states in self._tails(state, start):
            if inside(times, states, self._proof) and self._is_in_workspace(times, states):
                return times, states
        return None

    def _tails(self, state: States, start: int) -> Iterator[Body]:
        settings = self.settings
        return tails(
            state,
            start,
            self._planning,
            soft=settings.tail,
            longest=settings.longest_tail,
            step=settings.knot_period,
        )

    def _is_in_workspace(self, times: Times, states: States) -> bool:
        return self.workspace is None or not self.workspace.violation(times, states)

    def _defect(self, problem: "_Problem") -> str:
        times, states = problem.blended(self.settings.blend, 0)
        # Joint limits alone would mostly have been kept to by the tracker.
        defect = self.workspace.violation(times, states) if self.workspace else ""
        return defect or violation(times, states, self._planning) or "no braking tail fits"


@dataclass(frozen=True, slots=True)
class _Problem:
    """One splice: waypoints [k, J] at times [k] and where the plan will be at `start`."""

    state: States
    start: int
    times: Times
    waypoints: NDArray[np.float64]
    period: float

    def blended(self, blend: float, passes: int) -> Body:
        """Return the path through the waypoints, the plan's state fading out over `blend` s."""
        spline = spline_states(smooth(self.waypoints, passes), self.period)
        first = int(np.searchsorted(self.times, self.start + MIN_GAP))
        times = np.append(self.start, self.times[first:])
        error = self.state - self._on(spline)
        faded = min(int(np.searchsorted(times, self.start + blend * NS)), len(times) - 1)
        ends = np.stack([error, np.zeros_like(error)])
        states = np.concatenate([self.state[None], spline[first:]])
        states[1:faded] += evaluate(times[[0, faded]], ends, times[1:faded])
        return times, states

    def _on(self, spline: States) -> States:
        """Return the state [3, J] of the path through the waypoints where the splice begins."""
        if self.start >= self.times[0]:
            return evaluate_at(self.times, spline, self.start)
        return reference_at(self.times, spline, np.array([self.start]))[0]

    def track(self) -> Track:
        """Return what the tracker follows."""
        spline = spline_states(smooth(self.waypoints, 1), self.period)
        return Track(
            partial(reference_at, self.times, spline),
            (self.state, self.start),
            int(self.times[-1]),
        )


def _joined(body: Body, tail: Body) -> Body:
    return np.concatenate([body[0], tail[0][1:]]), np.concatenate([body[1], tail[1][1:]])


def _grips_from(chunk: Chunk, start: int) -> tuple[Times, NDArray[np.float64]]:
    first = max(0, int(np.searchsorted(chunk.times, start, side="right")) - 1)
    times = np.maximum(chunk.times[first:], start)
    return times, chunk.grips[first:]
