"""Counters: what became of the chunks."""

from collections import Counter
from dataclasses import dataclass, field

from dust_executor.chunk import Chunk
from dust_executor.planner import Method, Splice


@dataclass(slots=True)
class Ledger:
    """Counts of the running task, and of all tasks.

    Attributes:
        accepted: Chunks accepted in this task.
        rejected: Chunks rejected in this task.
        passed_over: Chunks that came while another one was executed open loop, in this task.
        clamped: Actions that were clamped to the position limits in this task.
        limited: Accepted chunks whose path had to be changed to stay inside the limits, in this
            task.
        late: Trajectories that may have reached the controller after their splice, in this task.
        last_sequence: Number of the newest accepted chunk; 0 when there is none.
        last_stamp: Its stamp, ns.
        last_splice: From when on the plan follows it, ns.
        last_rejection: Why the newest rejected chunk was rejected.
        methods: How accepted chunks were followed, since the node started.
        stops: Stops for cause, since the node started.
    """

    accepted: int = 0
    rejected: int = 0
    passed_over: int = 0
    clamped: int = 0
    limited: int = 0
    late: int = 0
    last_sequence: int = 0
    last_stamp: int = 0
    last_splice: int = 0
    last_rejection: str = ""
    methods: Counter[Method] = field(default_factory=Counter)
    stops: int = 0

    def begin_task(self) -> None:
        """Start counting a task."""
        self.accepted = self.rejected = self.passed_over = 0
        self.clamped = self.limited = self.late = 0
        self.last_sequence = self.last_stamp = self.last_splice = 0
        self.last_rejection = ""

    def accept(self, chunk: Chunk, splice: Splice, *, clamped: int) -> None:
        """Count an accepted chunk, `clamped` actions of which were outside the position limits."""
        self.accepted += 1
        self.clamped += clamped
        self.limited += splice.limited
        self.methods[splice.method] += 1
        self.last_sequence, self.last_stamp = chunk.sequence, chunk.stamp
        self.last_splice = splice.start

    def reject(self, reason: str) -> None:
        """Count a rejected chunk."""
        self.rejected += 1
        self.last_rejection = reason
