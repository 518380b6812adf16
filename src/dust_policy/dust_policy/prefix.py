"""Which first actions of a chunk are committed already, and where the arm will be by then.

    observation            now        chunk arrives
        |-------------------|--------------|------------------------> time
        a0       a1       a2       a3      | a4      a5 ...
        `---- executor has promised these -'  the policy may still choose these

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
    """

    stamp_ns: int
    period_ns: int
    actions: Actions

    @property
    def end_ns(self) -> int:
        """Time of the last row."""
        return self.stamp_ns + (len(self.actions) - 1) * self.period_ns

    def at(self, time_ns: int) -> Actions:
        """Return the promised action at a time inside the piece, linearly between the rows."""
        position = (time_ns - self.stamp_ns) / self.period_ns
        row = min(int(position), len(self.actions) - 1)
        after = min(row + 1, len(self.actions) - 1)
        share = position - row
        return np.asarray((1 - share) * self.actions[row] + share * self.actions[after])


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


def committed_prefix(
    plan: CommittedPlan, *, stamp_ns: int, period_ns: int, until_ns: int, limit: int
) -> Actions:
    """Return the first actions that will be executed before a chunk can have an effect.

    Args:
        plan: What the executor promised.
        stamp_ns: Time of action 0: the observation.
        period_ns: Time between two actions.
        until_ns: When the chunk will take effect: only actions due before are committed.
        limit: Longest prefix.

    Returns:
        Raw actions [n, joints + 1], 0 <= n <= limit; shorter where the plan does not reach.
    """
    rows: list[Actions] = []
    while len(rows) < limit:
        due_ns = stamp_ns + len(rows) * period_ns
        action = plan.at(due_ns) if due_ns < until_ns else None
        if action is None:
            break
        rows.append(action)
    return np.array(rows) if rows else np.empty((0, 0))


class DelayEstimate:
    """How long the way from observation to effect takes: 95th percentile of the last ones.

    The first delays of a task are left out: warming up would poison the estimate.
    """

    def __init__(self, *, initial: float, warm_up: int = 2, size: int = 30) -> None:
        """Begin with a guess.

        Args:
            initial: Delay that is assumed until one was measured. Unit: s.
            warm_up: How many first delays are ignored.
            size: How many delays are kept.
        """
        self._initial = initial
        self._ignored = warm_up
        self._delays: deque[float] = deque(maxlen=size)

    def add(self, delay: float) -> None:
        """Note a measured delay. Unit: s."""
        if self._ignored > 0:
            self._ignored -= 1
        else:
            self._delays.append(delay)

    @property
    def value(self) -> float:
        """Delay to expect. Unit: s."""
        return float(np.percentile(self._delays, 95)) if self._delays else self._initial
