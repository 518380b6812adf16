"""What the executor is doing, and why: the state machine.

IDLE --start_task--> HOLDING <--buffer out-- RUNNING
                        |  --chunk accepted-->  |
                        +------- pause ---------+--> PAUSED --resume--> HOLDING
  ^----- end_task ------+-----------------------+      |
  |                     +------- stop ----------+------+--> STOPPED (first cause wins)
  +------------------------- rearm -----------------------------+
"""

from dataclasses import dataclass
from enum import IntEnum


class Mode(IntEnum):
    """Values of ExecutorState.mode."""

    IDLE = 0
    RUNNING = 1
    HOLDING = 2
    STOPPED = 3
    PAUSED = 4


@dataclass(slots=True)
class Modes:
    """Mode, its reason and the task that runs.

    Attributes:
        mode: What the executor is doing.
        reason: Why; empty while all is well.
        task_id: Task that is running; empty when there is none.
        source: Who may send its chunks.
    """

    mode: Mode = Mode.IDLE
    reason: str = ""
    task_id: str = ""
    source: str = ""

    @property
    def in_task(self) -> bool:
        """Whether a task is running, paused or not."""
        return self.mode in (Mode.RUNNING, Mode.HOLDING, Mode.PAUSED)

    @property
    def chunk_refusal(self) -> str:
        """Why no chunk is accepted now; empty when chunks are."""
        if self.mode is Mode.PAUSED:
            return "the task is paused; call pause with false to go on"
        if self.in_task:
            return ""
        return f"no task is running ({self.mode.name.lower()})"

    def refusal(self, task_id: str, source: str) -> str:
        """Return why a task cannot start now; empty when it can."""
        if not task_id:
            return "task_id is empty; give the task a name"
        if not source:
            return "source is empty; name the publisher of the task's chunks"
        if self.mode is Mode.STOPPED:
            return f"stopped: {self.reason}; call rearm first"
        if self.in_task:
            return f"task '{self.task_id}' of '{self.source}' is running; end it first"
        return ""

    def has_begun(self, task_id: str, source: str) -> bool:
        """Whether this very task is running: its start may be asked for again."""
        return self.in_task and (task_id, source) == (self.task_id, self.source)

    def start(self, task_id: str, source: str) -> None:
        """Begin a task; the first chunk is awaited."""
        assert not self.refusal(task_id, source)
        self.mode, self.reason = Mode.HOLDING, "waiting for the first chunk"
        self.task_id, self.source = task_id, source

    def run(self) -> None:
        """A chunk was accepted."""
        assert not self.chunk_refusal
        self.mode, self.reason = Mode.RUNNING, ""

    def hold(self, reason: str) -> None:
        """The actions ran out."""
        assert not self.chunk_refusal
        self.mode, self.reason = Mode.HOLDING, reason

    def pause(self) -> str:
        """Pause the task; returns why not, or nothing."""
        if self.mode is Mode.PAUSED:
            return "the task is paused already"
        if self.chunk_refusal:
            return self.chunk_refusal
        self.mode, self.reason = Mode.PAUSED, "paused by request"
        return ""

    def resume(self) -> str:
        """Go on with a paused task; returns why not, or nothing."""
        if self.mode is not Mode.PAUSED:
            return f"nothing is paused ({self.mode.name.lower()})"
        self.mode, self.reason = Mode.HOLDING, "resumed; waiting for the next chunk"
        return ""

    def end(self, task_id: str) -> str:
        """End the task; returns why not, or nothing.

        A task that a stop ended may still be ended by its client: that only clears its name.
        """
        if not self.task_id:
            return "no task is running"
        if task_id != self.task_id:
            return f"task '{self.task_id}' is running, not '{task_id}'"
        self.task_id = self.source = ""
        if self.mode is not Mode.STOPPED:
            self.mode, self.reason = Mode.IDLE, ""
        return ""

    def stop(self, reason: str) -> bool:
        """Stop for cause; returns False when it was stopped already: the first cause stays."""
        if self.mode is Mode.STOPPED:
            return False
        self.mode, self.reason = Mode.STOPPED, reason
        return True

    def rearm(self) -> None:
        """Allow tasks again."""
        assert self.mode is Mode.STOPPED
        self.mode, self.reason = Mode.IDLE, ""
        self.task_id = self.source = ""
