"""Which first actions of a chunk are committed already, and where the arm will be by then.

    observation            now        chunk arrives
        |-------------------|--------------|------------------------> time
        a0       a1       a2       a3      | a4      a5 ...
        `---- executor has promised these -'  the policy may still choose these: what is
                                              left of the plan up to its last action

Not in the paper: real-time chunking with a clean prefix (training-time RTC), state rolled forward.
"""

import threading
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Actions = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PlanPiece:
    """What the executor promised at one time.

    Attributes:
        stamp_ns: Time of the first row.
        period_ns: Time between two rows. Range: >= 1.
        actions: Arm positions (rad) and gripper opening, [samples, joints + 1], at least one row.
        until_ns: When the last action is due and braking begins; None: not told.
    """

    stamp_ns: int
    period_ns: int
    actions: Actions
    until_ns: int | None = None

    @property
    def end_ns(self) -> int:
        """Time of the last row."""
        return self.stamp_ns + (len(self.actions) - 1) * self.period_ns

    def at(self, time_ns: int) -> Actions:
        """Return the promised action at a time inside the piece.

        Joints are taken linearly between the rows; a command to the gripper holds until the next.
        """
        position = (time_ns - self.stamp_ns) / self.period_ns
        row = min(int(position), len(self.actions) - 1)
        after = min(row + 1, len(self.actions) - 1)
        share = position - row
        action = np.asarray((1 - share) * self.actions[row] + share * self.actions[after])
        action[-1] = self.actions[row, -1]
        return action


class CommittedPlan:
    """The executor's newest promises; together they tell what was and will be executed.

    Safe for threads.
    """

    def __init__(self, *, depth: int = 64) -> None:
        """Keep the newest `depth` pieces."""
        self._pieces: deque[PlanPiece] = deque(maxlen=depth)
        self._lock = threading.Lock()

    def add(self, piece: PlanPiece) -> None:
        """Append a piece; one that is older than the newest starts anew."""
        with self._lock:
            if self._pieces and piece.stamp_ns < self._pieces[-1].stamp_ns:
                self._pieces.clear()
            self._pieces.append(piece)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._pieces.clear()

    def at(self, time_ns: int) -> Actions | None:
        """Return the action at a time, by the newest promise about it; None if there is none."""
        with self._lock:
            pieces = list(self._pieces)
        for piece in reversed(pieces):
            if piece.stamp_ns <= time_ns:
                return piece.at(time_ns) if time_ns <= piece.end_ns else None
        return None

    @property
    def until_ns(self) -> int | None:
        """When the last promised action is due, by the newest promise; None: not known."""
        with self._lock:
            return self._pieces[-1].until_ns if self._pieces else None


def committed_prefix(
    plan: CommittedPlan, *, stamp_ns: int, period_ns: int, until_ns: int, limit: int
) -> Actions:
    """Return the first actions that a chunk can't change any more.

    The one that the arm is on its way to when the chunk takes effect is among them.

    Args:
        plan: What the executor promised.
        stamp_ns: Time of action 0: the observation.
        period_ns: Time between two actions.
        until_ns: When the chunk will take effect.
        limit: Longest prefix.

    Returns:
        Raw actions [n, joints + 1], 0 <= n <= limit; shorter where the plan does not reach.
    """
    last_ns = until_ns + period_ns - 1
    return _actions_from(plan, stamp_ns, period_ns, last_ns=last_ns, limit=limit)


def leftover(plan: CommittedPlan, *, begin_ns: int, period_ns: int, limit: int) -> Actions:
    """Return how the plan goes on: from one action's time to its last action, not to its end.

    What follows the last action is braking, which no chunk should imitate.

    Args:
        plan: What the executor promised.
        begin_ns: When the first of these actions is due.
        period_ns: Time between two actions.
        limit: Most actions.

    Returns:
        Raw actions [n, joints + 1], 0 <= n <= limit.
    """
    until_ns = plan.until_ns
    if until_ns is None:
        return np.empty((0, 0))
    return _actions_from(plan, begin_ns, period_ns, last_ns=until_ns, limit=limit)


def _actions_from(
    plan: CommittedPlan, begin_ns: int, period_ns: int, *, last_ns: int, limit: int
) -> Actions:
    """Return what is promised from `begin_ns` to `last_ns`, as far as it is known."""
    rows: list[Actions] = []
    while len(rows) < limit:
        due_ns = begin_ns + len(rows) * period_ns
        action = plan.at(due_ns) if due_ns <= last_ns else None
        if action is None:
            break
        rows.append(action)
    return np.array(rows) if rows else np.empty((0, 0))
