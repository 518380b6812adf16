"""What the head is conditioned on besides the features: state, committed actions, leftover."""

from dataclasses import dataclass, field

import numpy as np

from dust_policy.continuation import Kind, Way
from dust_policy.history import StateHistory, Vector
from dust_policy.prefix import Actions, CommittedPlan, committed_prefix, leftover


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is known about the time of an observation, and how a chunk goes on from it.

    Attributes:
        state: Joints (rad) and gripper opening, [joints + 1].
        prefix: Committed actions [n, joints + 1], n >= 0.
        leftover: How the plan goes on behind them [m, joints + 1], m >= 0; empty unless the chunk
            is guided by it or blended with it.
        kind: How the chunk goes on.
        good_until_ns: Latest time at which it may take effect: when the last action of the prefix
            is due; None: any.
    """

    state: Vector
    prefix: Actions
    leftover: Actions = field(default_factory=lambda: np.empty((0, 0)))
    kind: Kind = Kind.FREE
    good_until_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Conditioner:
    """Put together what is known about the time of an observation.

    Attributes:
        states: Joint states of the last moments.
        plan: What the executor promised.
        period_ns: Time between two actions.
        horizon: Actions in a chunk.
        way: How chunks go on.
        rolled_forward: Whether the state is that at the end of the prefix instead of the observed.
        max_state_age_ns: How far joint states may be away from the observation.
    """

    states: StateHistory
    plan: CommittedPlan
    period_ns: int
    horizon: int
    way: Way
    rolled_forward: bool
    max_state_age_ns: int

    def at(self, stamp_ns: int, effect_ns: int, *, executing: bool) -> Conditions:
        """Return the conditions of a chunk whose first action is due at `stamp_ns`.

        Args:
            stamp_ns: Time of the observation.
            effect_ns: When the arm is expected to follow the chunk.
            executing: Whether the executor follows a plan of this task; at rest nothing is
                committed.

        Raises:
            LookupError: There is no joint state near the observation.
        """
        state = self.states.at(stamp_ns, max_age_ns=self.max_state_age_ns)
        nothing: Actions = np.empty((0, len(state)))
        if not executing or self.way.kind is Kind.FREE:
            return Conditions(state, nothing)
        kind, limit = self._kind(stamp_ns, effect_ns)
        prefix = committed_prefix(
            self.plan,
            stamp_ns=stamp_ns,
            period_ns=self.period_ns,
            until_ns=effect_ns,
            limit=limit,
        )
        if not len(prefix):
            return Conditions(state, nothing)
        return Conditions(
            prefix[-1] if self.rolled_forward else state,
            prefix,
            self._leftover(kind, stamp_ns, len(prefix)),
            kind,
            stamp_ns + (len(prefix) - 1) * self.period_ns,
        )

    def _kind(self, stamp_ns: int, effect_ns: int) -> tuple[Kind, int]:
        """Return how a chunk goes on that takes effect then, and its most frozen actions."""
        way, last_ns = self.way, stamp_ns + (self.way.limit - 1) * self.period_ns
        if way.otherwise is None or effect_ns <= last_ns:
            return way.kind, way.limit
        return way.otherwise, self.horizon - 2

    def examples(self) -> tuple[Conditions, ...]:
        """Return conditions of all kinds that may occur, for an arm that stays where it is.

        Raises:
            LookupError: No joint state has arrived.
        """
        state = self.states.newest()
        free = Conditions(state, np.empty((0, len(state))))
        if self.way.kind is Kind.FREE:
            return (free,)
        prefix, rest = np.tile(state, (1, 1)), np.tile(state, (self.horizon - 1, 1))
        kinds = [kind for kind in (self.way.kind, self.way.otherwise) if kind is not None]
        return free, *(
            Conditions(state, prefix, rest[:0] if kind is Kind.PREFIX else rest, kind)
            for kind in kinds
        )

    def _leftover(self, kind: Kind, stamp_ns: int, frozen: int) -> Actions:
        if kind is Kind.PREFIX:
            return np.empty((0, 0))
        begin_ns = stamp_ns + frozen * self.period_ns
        limit = self.horizon - frozen
        return leftover(self.plan, begin_ns=begin_ns, period_ns=self.period_ns, limit=limit)
