"""When to open and close the hand.

The Franka Hand takes about a second for each goal and does not arbitrate, so goals are sent only
when the wanted state changes, one at a time; what was wanted in between is forgotten. The plan
tells the commands ahead of time: one that changes back at once never becomes a goal.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from dust_executor.chunk import PERIODS
from dust_executor.quintic import NS

# No action is so short that it would be overlooked.
_LOOK_NS = round(PERIODS[0] * NS)


class Grip(StrEnum):
    """What the hand is told to do."""

    OPEN = "open"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class GripperSettings:
    """When commands become goals.

    Attributes:
        close_below: Commands below it close the hand. Range: 0 to 1.
        open_above: Commands above it open the hand. Range: 0 to 1, above `close_below`.
        hold: How long a command has to last in the plan to count, s; 0 takes each at once.
        dwell: Least time between two goals, s.
        timeout: When a goal without a result is given up, s.

    Raises:
        ValueError: The thresholds are not ordered.
    """

    close_below: float = 0.4
    open_above: float = 0.6
    hold: float = 0.2
    dwell: float = 0.3
    timeout: float = 5.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.close_below < self.open_above <= 1.0:
            raise ValueError(
                f"gripper.close_below ({self.close_below:g}) must be below "
                f"gripper.open_above ({self.open_above:g})"
            )


class Gripper:
    """Turns a stream of gripper commands into few goals.

    Args:
        settings: When commands become goals.

    Attributes:
        goals: How many goals were sent.
        ahead: When the commands are looked at, from now on [k], ns.
    """

    def __init__(self, settings: GripperSettings) -> None:
        self.settings = settings
        self.goals = 0
        self.ahead: NDArray[np.int64] = np.arange(0, round(settings.hold * NS) + 1, _LOOK_NS)
        self._wanted: Grip | None = None
        self._sent: Grip | None = None
        self._sent_at = -math.inf
        self._in_flight = False

    def begin(self, opening: float) -> None:
        """Take the hand as it is when a task begins.

        Args:
            opening: Measured opening in [0, 1]; NaN when unknown: then the first command counts.
        """
        if self._sent is None and not math.isnan(opening):
            self._sent = Grip.OPEN if opening > 0.5 else Grip.CLOSE
        self._wanted = self._sent

    def forget(self) -> None:
        """Forget where the hand is: somebody else has moved it."""
        self._sent = self._wanted = None

    def update(self, commands: NDArray[np.float64], now: int) -> Grip | None:
        """Return the goal to send now, if any; `finished` has to follow it.

        Its number is `goals`.

        Args:
            commands: Commanded opening at the moments `ahead` of now [k]. Range: 0 (closed) to 1
                (open).
            now: Time, ns.
        """
        if np.all(commands < self.settings.close_below):
            self._wanted = Grip.CLOSE
        elif np.all(commands > self.settings.open_above):
            self._wanted = Grip.OPEN
        if self.overdue(now):
            self._in_flight = False
        since = (now - self._sent_at) / NS
        # A clock that jumped back makes the time negative; then the dwell has no meaning.
        dwelling = 0.0 <= since < self.settings.dwell
        if self._in_flight or dwelling or self._wanted in (None, self._sent):
            return None
        self._sent, self._sent_at, self._in_flight = self._wanted, now, True
        self.goals += 1
        return self._sent

    def overdue(self, now: int) -> bool:
        """Return whether the goal in flight has had no result for too long."""
        return self._in_flight and (now - self._sent_at) / NS > self.settings.timeout

    def finished(self, goal: int, *, reached: bool) -> None:
        """Note a result; a goal that the hand never took up is sent again after the dwell.

        Args:
            goal: Number of the goal: `goals` when it was sent. One that was given up is ignored.
            reached: False when the goal was refused or no server answered.
        """
        if goal != self.goals:
            return
        self._in_flight = False
        if not reached:
            self._sent = None
