"""The thread that turns observations into published chunks, one task at a time."""

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from rclpy.node import Node

from dust_msgs.msg import ActionChunk
from dust_node import qos
from dust_node.diagnostics import Monitor
from dust_node.worker import LatestWorker
from dust_policy import messages
from dust_policy.conditions import Conditioner
from dust_policy.ledger import Ledger
from dust_policy.prefix import DelayEstimate
from dust_policy.sampler import Chunk, Observation, Sampler, Stage, Steps
from dust_policy.task import ExecutorView, Mode, Task

_WARN_EVERY_SEC = 5.0
_FIRST_DELAY_SEC = 0.2


class Session:
    """What belongs to one task and is gone with it.

    Attributes:
        task: The task.
        ledger: How long each stage took.
        delay: How long observations take to become chunks.
        observation: The newest usable one.
        sequence: Chunks published so far.
        publishing: Whether chunks may leave.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.ledger = Ledger()
        self.delay = DelayEstimate(initial=_FIRST_DELAY_SEC)
        self.observation: Observation | None = None
        self.sequence = 0
        self.publishing = False


class _Job(NamedTuple):
    session: Session
    observation: Observation


class SamplingLoop:
    """Sample from the newest observation in a thread of its own and publish what comes out."""

    def __init__(
        self,
        node: Node,
        sampler: Sampler,
        conditioner: Conditioner,
        monitor: Monitor,
        *,
        period: float,
        joint_names: tuple[str, ...],
        steps: Callable[[], Steps],
        is_stale: Callable[[Observation], bool],
        executor: Callable[[], ExecutorView | None],
        on_failure: Callable[[Exception], None],
    ) -> None:
        """Make the publisher and begin to wait for observations.

        Args:
            node: Node that publishes.
            sampler: Makes chunks.
            conditioner: Gives state and prefix.
            monitor: Is told rates and latencies.
            period: Time between two actions. Unit: s.
            joint_names: Arm joints in the order of a chunk's columns.
            steps: Returns the denoising steps to take now.
            is_stale: Tells whether an observation is too old to sample from.
            executor: Returns what the executor last said.
            on_failure: Called in the loop's thread with what sampling raised.
        """
        self._node = node
        self._sampler = sampler
        self._conditioner = conditioner
        self._monitor = monitor
        self._period = period
        self._joint_names = joint_names
        self._steps = steps
        self._is_stale = is_stale
        self._executor = executor
        # Held while a chunk leaves, so that none leaves after its task has ended.
        self._gate = threading.Lock()
        self._publisher = node.create_publisher(ActionChunk, "action_chunk", qos.RELIABLE)
        self._worker: LatestWorker[_Job] = LatestWorker(
            self._sample, on_error=on_failure, name="sampler"
        )

    def submit(self, session: Session) -> None:
        """Sample from the session's newest observation, as soon as the thread is free."""
        if session.observation is not None:
            self._worker.submit(_Job(session, session.observation))

    def start(self, session: Session) -> None:
        """Let the session's chunks leave."""
        session.publishing = True
        self.submit(session)

    def stop(self, session: Session) -> None:
        """Let no chunk of the session leave any more; waits for one that is leaving."""
        with self._gate:
            session.publishing = False

    def close(self) -> None:
        """End the thread, then take the publisher away."""
        self._worker.close()
        self._node.destroy_publisher(self._publisher)

    def _sample(self, job: _Job) -> None:
        session, observation = job
        if not session.publishing or self._is_stale(observation):
            return
        try:
            conditions = self._conditioner.at(
                observation.stamp_ns, session.delay, executing=self._is_executing(session.task)
            )
        except LookupError as error:
            self._warn(f"no chunk: {error}")
            return
        chunk = self._sampler.sample(
            observation,
            conditions.state,
            steps=self._steps(),
            number=session.sequence + 1,
            prefix=conditions.prefix,
        )
        if self._publish(session, chunk):
            self._note(session, chunk)

    def _is_executing(self, task: Task) -> bool:
        executor = self._executor()
        if executor is None or executor.task_id != task.task_id:
            return False
        return executor.mode == Mode.RUNNING

    def _publish(self, session: Session, chunk: Chunk) -> bool:
        """Publish unless the task has ended meanwhile."""
        with self._gate:
            if not session.publishing or session.task.verdict:
                return False
            session.sequence += 1
            message = messages.chunk_message(
                chunk,
                source=self._node.get_name(),
                task_id=session.task.task_id,
                sequence=session.sequence,
                period=self._period,
                joint_names=self._joint_names,
            )
            self._publisher.publish(message)
        return True

    def _note(self, session: Session, chunk: Chunk) -> None:
        now_ns: int = self._node.get_clock().now().nanoseconds
        total = (now_ns - chunk.stamp_ns) * 1e-9
        session.delay.add(total)
        self._monitor.tick("chunks")
        for stage in (*chunk.stages, Stage("image to chunk", chunk.stamp_ns, total)):
            session.ledger.add(stage.name, stage.duration)
            self._monitor.observe(stage.name, stage.duration)
        self._monitor.set("features skipped while busy", self._worker.replaced)

    def _warn(self, text: str) -> None:
        logger: Any = self._node.get_logger()
        logger.warning(text, throttle_duration_sec=_WARN_EVERY_SEC)
