"""Counters: what became of the chunks."""

from collections import Counter
from dataclasses import dataclass, field

from dust_executor.planner import Method


@dataclass(slots=True)
class Ledger:
    """Counts of the running task, and of all tasks.

    Attributes:
        accepted: Chunks accepted in this task.
        rejected: Chunks rejected in this task.
        clamped: Actions that were clamped to the position limits in this task.
        last_sequence: Number of the newest accepted chunk; 0 when there is none.
        last_stamp: Its stamp, ns.
        last_rejection: Why the newest rejected chunk was rejected.
        methods: How accepted chunks were followed, since the node started.
        stops: Stops for cause, since the node started.
    """

    accepted: int = 0
    rejected: int = 0
    clamped: int = 0
    last_sequence: int = 0
    last_stamp: int = 0
    last_rejection: str = ""
    methods: Counter[Method] = field(default_factory=Counter)
    stops: int = 0

    def begin_task(self) -> None:
        """Start counting a task."""
        self.accepted = self.rejected = self.clamped = 0
        self.last_sequence = self.last_stamp = 0
        self.last_rejection = ""

    def accept(self, *, sequence: int, stamp: int, method: Method, clamped: int) -> None:
        """Count an accepted chunk."""
        self.accepted += 1
        self.clamped += clamped
        self.methods[method] += 1
        self.last_sequence, self.last_stamp = sequence, stamp

    def reject(self, reason: str) -> None:
        """Count a rejected chunk."""
        self.rejected += 1
        self.last_rejection = reason
