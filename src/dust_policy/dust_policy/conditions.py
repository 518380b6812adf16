"""What the head is conditioned on besides the features: state and committed prefix."""

from dataclasses import dataclass

import numpy as np

from dust_policy.history import StateHistory, Vector
from dust_policy.prefix import Actions, CommittedPlan, DelayEstimate, committed_prefix


@dataclass(frozen=True, slots=True)
class Conditions:
    """State vector [joints + 1] and committed actions [n, joints + 1], n >= 0."""

    state: Vector
    prefix: Actions


@dataclass(frozen=True, slots=True)
class Conditioner:
    """Put together what is known about the time of an observation.

    Attributes:
        states: Joint states of the last moments.
        plan: What the executor promised.
        period_ns: Time between two actions.
        prefix_limit: Longest prefix; 0: none.
        rolled_forward: Whether the state is that at the end of the prefix instead of the observed.
        max_state_age_ns: How far joint states may be away from the observation.
        lead: Time from a chunk's publication until the executor follows it. Unit: s.
    """

    states: StateHistory
    plan: CommittedPlan
    period_ns: int
    prefix_limit: int
    rolled_forward: bool
    max_state_age_ns: int
    lead: float

    def at(self, stamp_ns: int, delay: DelayEstimate, *, executing: bool) -> Conditions:
        """Return the conditions of a chunk whose first action is due at `stamp_ns`.

        Args:
            stamp_ns: Time of the observation.
            delay: How long it takes from observation to publication.
            executing: Whether the executor follows a plan of this task; at rest nothing is
                committed.

        Raises:
            LookupError: There is no joint state near the observation.
        """
        state = self.states.at(stamp_ns, max_age_ns=self.max_state_age_ns)
        prefix: Actions = np.empty((0, len(state)))
        if executing and self.prefix_limit:
            prefix = committed_prefix(
                self.plan,
                stamp_ns=stamp_ns,
                period_ns=self.period_ns,
                until_ns=stamp_ns + round((delay.value + self.lead) * 1e9),
                limit=self.prefix_limit,
            )
        if self.rolled_forward and len(prefix):
            state = prefix[-1]
        return Conditions(state, prefix)
