"""What belongs to one task and is gone with it."""

import math

from dust_node.durations import Durations
from dust_policy.delay import Departures
from dust_policy.sampler import Observation, Steps
from dust_policy.surprise import Alarm, FutureWatch
from dust_policy.task import ExecutorView, Task


class Session:
    """What belongs to one task and is gone with it.

    Attributes:
        task: The task.
        ledger: How long each stage took.
        departures: When its chunks left, and how long it took until the arm followed them.
        watch: What its chunks predicted.
        alarm: Whether the predictions went wrong.
        observation: The newest usable one.
        sampled_ns: Stamp of the newest observation that was sampled from.
        sequence: Chunks published so far.
        late: Chunks dropped because they came too late for what they were conditioned on.
        steps: Denoising steps of the newest chunk; None: there is none.
        surprise: Newest score; NaN: unknown.
        publishing: Whether chunks may leave.
        is_waiting: Whether sampling waits for the executor's word on the newest chunk.
    """

    def __init__(self, task: Task, *, lead: float, watch: FutureWatch, debounce: int) -> None:
        """Begin.

        Args:
            task: The task.
            lead: Time from a chunk's publication until the arm follows it, before any was
                measured. Unit: s.
            watch: Keeps predictions.
            debounce: How many scores above the threshold in a row make a surprise.
        """
        self.task = task
        self.ledger = Durations()
        self.departures = Departures(lead=lead)
        self.watch = watch
        self.alarm = Alarm(debounce)
        self.observation: Observation | None = None
        self.sampled_ns = -1
        self.sequence = 0
        self.late = 0
        self.steps: Steps | None = None
        self.surprise = math.nan
        self.publishing = False
        self.is_waiting = False

    def hear(self, executor: ExecutorView) -> None:
        """Take in when the arm follows the newest chunk."""
        if executor.task_id != self.task.task_id:
            return
        durations = self.departures.splice(
            executor.last_sequence, executor.last_stamp_ns, executor.last_splice_ns
        )
        if durations is not None:
            self.ledger.add("chunk to arm", durations[0])
            self.ledger.add("image to arm", durations[1])

    def forget_futures(self) -> None:
        """Forget what was predicted: the arm did something else."""
        self.watch.clear()
        self.alarm.clear()
