"""How far ahead of now a chunk is spliced: as short as the machine allows, and no shorter.

    chunk arrives      published            splice
       |----- work ------|----- transport -----|
       |----------------- lead ----------------|

A trajectory that reaches the controller after its splice makes the command jump there. A plan and
its successor part slowly (their accelerations agree at the splice), but not that slowly: at 1 kHz a
jump of d rad is an acceleration of d / 1e-6 s^2, so a few micrometres of difference are too much
after some milliseconds (see `tolerated_lateness`). What helps is a lead that is long enough.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from dust_executor.limits import Limits
from dust_executor.plan import Plan
from dust_executor.quintic import NS

_REMEMBERED = 100
_MARGIN = 0.01
_SAMPLE = 1e-3


@dataclass(frozen=True, slots=True)
class LeadSettings:
    """Bounds of the lead.

    Attributes:
        lead: Shortest lead, s.
        lead_max: Longest lead that slowness of the machine may cause, s.
        transport: Time that a trajectory needs to the controller, s.

    Raises:
        ValueError: The times are not ordered transport < lead <= lead_max.
    """

    lead: float = 0.08
    lead_max: float = 0.25
    transport: float = 0.05

    def __post_init__(self) -> None:
        if not self.transport < self.lead:
            raise ValueError(
                f"plan.transport ({self.transport:g} s) must be less than "
                f"plan.lead ({self.lead:g} s)"
            )
        if self.lead > self.lead_max:
            raise ValueError(
                f"plan.lead ({self.lead:g} s) must not be more than "
                f"plan.lead_max ({self.lead_max:g} s)"
            )


class Lead:
    """The lead that the last hundred trajectories needed.

    It is the second longest of them, so that one hiccup alone does not make the arm slow to react;
    a trajectory that was really late counts at once.

    Args:
        settings: Bounds of the lead.

    Attributes:
        value: The lead now, s.
    """

    def __init__(self, settings: LeadSettings) -> None:
        self.settings = settings
        self.value = settings.lead
        self._needed: deque[float] = deque(maxlen=_REMEMBERED)

    def worked(self, seconds: float) -> None:
        """Note the time from a chunk's arrival until its trajectory was published, s."""
        self._note(seconds + self.settings.transport + _MARGIN)

    def late(self, lead: float, by: float) -> None:
        """Note a trajectory that was late though it had this lead; both s."""
        # Twice: the longest alone would not count.
        self._note(lead + by + _MARGIN)
        self._note(lead + by + _MARGIN)

    def _note(self, needed: float) -> None:
        settings = self.settings
        self._needed.append(min(needed, settings.lead_max))
        longest = sorted(self._needed)[-2:]
        self.value = max(settings.lead, longest[0] if len(longest) == 2 else 0.0)


def tolerated_lateness(
    old: Plan, new: Plan, splice: int, limits: Limits, *, longest: float = 0.1
) -> float:
    """Return how late the new plan may take over without a 1 kHz sample outside the limits, s.

    The jump d of the command is seen by the arm's 1 kHz differences as a jerk d / 1e-9 s^3 on top
    of the motion's own; half the jerk limit is granted to it.

    Args:
        old: Plan that the controller follows until then.
        new: Plan that takes over.
        splice: From when on they differ, ns.
        limits: The arm's limits.
        longest: Where to stop looking, s.
    """
    at = splice + np.arange(1, round(longest / _SAMPLE) + 1, dtype=np.int64) * round(_SAMPLE * NS)
    jump = np.abs(new.sample(at)[:, 0] - old.sample(at)[:, 0])
    outside = np.any(jump > 0.5 * limits.jerk * _SAMPLE**3, axis=1)
    return float(np.argmax(outside)) * _SAMPLE if outside.any() else longest
