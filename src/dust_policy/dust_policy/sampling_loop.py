"""The thread that turns observations into published chunks, one task at a time."""

import math
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from rclpy.node import Node

from dust_msgs.msg import ActionChunk
from dust_node import qos
from dust_node.diagnostics import Monitor
from dust_node.worker import LatestWorker
from dust_policy import messages
from dust_policy.conditions import Conditioner, Conditions
from dust_policy.continuation import Kind
from dust_policy.pace import Pace
from dust_policy.sampler import Chunk, Observation, Sampler, Stage, Steps
from dust_policy.schedule import Budget
from dust_policy.session import Session
from dust_policy.step_times import Cost
from dust_policy.surprise import Prediction
from dust_policy.task import ExecutorView, Mode, Task

_WARN_EVERY_SEC = 5.0
_ANSWER_NS = 100_000_000
"""How long an executor that accepted or rejected a chunk may take to say so."""
_REHEARSAL_SEC = 2.0
"""How long more than what is needed first is rehearsed."""
_LONG_SEC = 1.0
"""A rehearsal that took so long is not repeated to have its time."""


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
        pace: Pace,
        monitor: Monitor,
        *,
        joint_names: tuple[str, ...],
        is_stale: Callable[[Observation], bool],
        executor: Callable[[], ExecutorView | None],
        on_failure: Callable[[Exception], None],
    ) -> None:
        """Make the publisher and begin to wait for observations.

        Args:
            node: Node that publishes.
            sampler: Makes chunks.
            conditioner: Gives state and what chunks go on from.
            pace: Decides on the denoising steps.
            monitor: Is told rates and latencies.
            joint_names: Arm joints in the order of a chunk's columns.
            is_stale: Tells whether an observation is too old to sample from.
            executor: Returns what the executor last said.
            on_failure: Called in the loop's thread with what sampling raised.
        """
        self._node = node
        self._sampler = sampler
        self._conditioner = conditioner
        self._pace = pace
        self._monitor = monitor
        self._joint_names = joint_names
        self._is_stale = is_stale
        self._executor = executor
        self._rehearsed: object = None
        self._closing = False
        # Held while a chunk leaves, so that none leaves after its task has ended.
        self._gate = threading.Lock()
        self._publisher = node.create_publisher(ActionChunk, "action_chunk", qos.RELIABLE)
        self._worker: LatestWorker[_Job] = LatestWorker(
            self._work, on_error=on_failure, name="sampler"
        )

    def submit(self, session: Session) -> None:
        """Sample from the session's newest observation, as soon as the thread is free."""
        if session.observation is not None:
            self._worker.submit(_Job(session, session.observation))

    def start(self, session: Session) -> None:
        """Let the session's chunks leave."""
        session.publishing = True
        self.submit(session)

    def hear(self, session: Session) -> None:
        """Go on if sampling waited for the executor's word."""
        if session.is_waiting:
            session.is_waiting = False
            self.submit(session)

    def stop(self, session: Session) -> None:
        """Let no chunk of the session leave any more; waits for one that is leaving."""
        with self._gate:
            session.publishing = False

    def close(self) -> None:
        """End the thread, then take the publisher away."""
        self._closing = True
        self._worker.close()
        self._node.destroy_publisher(self._publisher)

    def _work(self, job: _Job) -> None:
        session, observation = job
        try:
            if not session.task.rehearsed:
                self._rehearse(session, observation)
            elif observation.stamp_ns > session.sampled_ns and self._may_sample(
                session, observation
            ):
                self._sample(session, observation)
        except LookupError as error:
            self._warn(f"no chunk: {error}")

    def _rehearse(self, session: Session, observation: Observation) -> None:
        task = session.task
        task.rehearsing = True
        try:
            self._rehearse_all(task, observation)
            task.rehearsed = True
        finally:
            task.rehearsing = False

    def _rehearse_all(self, task: Task, observation: Observation) -> None:
        """Sample in the ways that the task may need, few steps first, before the arm moves.

        The first time is slow: features of another length, as another instruction makes them, need
        recordings of their own. The second time says how long it takes. What there is no time for
        is recorded when it is needed; a chunk of many steps may take longer than expected.
        """
        self._pace.begin()
        choices = self._pace.choices()
        key = (observation.features.shape, choices)
        if key == self._rehearsed:
            return
        free, *continued = self._conditioner.examples()
        parts = [(choices[0], free), *((steps, given) for steps in choices for given in continued)]
        limit = time.monotonic() + _REHEARSAL_SEC
        for index, (steps, given) in enumerate(parts):
            enough = index > len(continued) and time.monotonic() > limit
            if enough or self._closing or task.verdict:
                return
            self._rehearse_one(observation, given, steps)
        self._rehearsed = key

    def _rehearse_one(self, observation: Observation, given: Conditions, steps: Steps) -> None:
        _, duration = self._timed(observation, given, steps, 0)
        if duration < _LONG_SEC:
            _, duration = self._timed(observation, given, steps, 0)
        self._pace.times.learn(_cost(steps, given), duration)

    def _timed(
        self, observation: Observation, given: Conditions, steps: Steps, number: int
    ) -> tuple[Chunk, float]:
        """Sample; return the chunk and how long it took by the wall clock. Unit: s."""
        begin = time.monotonic()
        self._pace.rate.read(begin, self._now_ns())
        chunk = self._sampler.sample(observation, given, steps=steps, number=number)
        return chunk, time.monotonic() - begin

    def _may_sample(self, session: Session, observation: Observation) -> bool:
        executor = self._executor()
        paused = session.task.paused or (executor is not None and executor.mode == Mode.PAUSED)
        if not session.publishing or paused or self._is_stale(observation):
            return False
        if self._conditioner.way.kind is Kind.FREE or executor is None:
            return True
        # What the executor promised before it got the newest chunk is not what it will do.
        session.is_waiting = not session.departures.is_answered(
            executor.last_sequence, executor.stamp_ns, patience_ns=_ANSWER_NS
        )
        return not session.is_waiting

    def _sample(self, session: Session, observation: Observation) -> None:
        now_ns, lead = self._now_ns(), session.departures.lead.value
        executing, remaining = self._situation(session.task, now_ns)
        continued = executing and self._conditioner.way.kind is not Kind.FREE
        age = (now_ns - observation.stamp_ns) * 1e-9
        steps = self._pace.choose(Budget(age, remaining, lead), continued=continued)
        session.sampled_ns = observation.stamp_ns
        if steps is None:
            self._monitor.set("observations held back", self._pace.held)
            return
        expected = self._pace.predict(Cost(steps.action, steps.vision, continued))
        conditions = self._conditioner.at(
            observation.stamp_ns, now_ns + round((expected + lead) * 1e9), executing=executing
        )
        chunk, duration = self._timed(observation, conditions, steps, session.sequence + 1)
        self._pace.times.add(_cost(steps, conditions), duration)
        if self._is_late(session, conditions):
            self._drop(session, chunk, self._pace.rate.of(duration), expected)
        elif self._publish(session, chunk):
            self._note(session, chunk)

    def _situation(self, task: Task, now_ns: int) -> tuple[bool, float]:
        """Return whether the arm executes actions of the task, and for how much longer (s)."""
        executor = self._executor()
        if executor is None or not executor.is_executing(task.task_id):
            return False, math.inf
        return True, executor.remaining(now_ns)

    def _is_late(self, session: Session, conditions: Conditions) -> bool:
        """Return whether a chunk takes effect later than it was conditioned on, and is not needed.

        The executor can make a seam of any chunk but one with a prefix. So where there is no time
        for another one, a late one is better than none.
        """
        now_ns, lead = self._now_ns(), session.departures.lead.typical
        good_until_ns = conditions.good_until_ns
        if good_until_ns is None or now_ns + round(lead * 1e9) <= good_until_ns:
            return False
        if conditions.kind is Kind.PREFIX:
            return True
        executing, remaining = self._situation(session.task, now_ns)
        quickest = self._pace.choices()[0]
        another = self._pace.predict(Cost(quickest.action, quickest.vision, True)) + lead
        return executing and remaining > another + self._conditioner.period_ns * 1e-9

    def _drop(self, session: Session, chunk: Chunk, took: float, expected: float) -> None:
        session.late += 1
        self._monitor.set("chunks dropped as too late", session.late)
        self._warn(
            f"a chunk was dropped: it came too late for the {chunk.prefix} actions that it goes on "
            f"from (at most {self._conditioner.way.limit}); sampling took {took:.3f} s, "
            f"{expected:.3f} s were expected"
        )

    def _publish(self, session: Session, chunk: Chunk) -> bool:
        """Publish unless the task has ended or was paused meanwhile."""
        with self._gate:
            if not session.publishing or session.task.verdict or session.task.paused:
                return False
            session.sequence += 1
            session.steps = chunk.steps
            message = messages.chunk_message(
                chunk,
                source=self._node.get_name(),
                task_id=session.task.task_id,
                sequence=session.sequence,
                period=self._conditioner.period_ns * 1e-9,
                joint_names=self._joint_names,
            )
            session.departures.leave(session.sequence, self._now_ns())
            self._publisher.publish(message)
        return True

    def _note(self, session: Session, chunk: Chunk) -> None:
        if chunk.future is not None:
            due_ns = chunk.stamp_ns + len(chunk.actions) * self._conditioner.period_ns
            session.watch.expect(
                Prediction(
                    session.sequence, chunk.stamp_ns, due_ns, chunk.steps.vision, chunk.future
                )
            )
        total = (self._now_ns() - chunk.stamp_ns) * 1e-9
        self._monitor.tick("chunks")
        for stage in (*chunk.stages, Stage("image to chunk", chunk.stamp_ns, total)):
            session.ledger.add(stage.name, stage.duration)
            self._monitor.observe(stage.name, stage.duration)
        self._show(session, chunk)

    def _show(self, session: Session, chunk: Chunk) -> None:
        show = self._monitor.set
        show("features skipped while busy", self._worker.replaced)
        show("denoising steps N_A, N_o", f"{chunk.steps.action}, {chunk.steps.vision}")
        show("slowness", f"{self._pace.times.slowness:.2f}")
        show("continuation", f"{chunk.kind.name.lower()}, {chunk.prefix} actions")
        delay = session.departures.delay
        show("delay [s]", f"{delay:.3f}")
        show("delay [actions]", f"{delay * 1e9 / self._conditioner.period_ns:.1f}")
        show("chunks dropped as too late", session.late)
        show("observations held back", self._pace.held)

    def _now_ns(self) -> int:
        return int(self._node.get_clock().now().nanoseconds)

    def _warn(self, text: str) -> None:
        logger: Any = self._node.get_logger()
        logger.warning(text, throttle_duration_sec=_WARN_EVERY_SEC)


def _cost(steps: Steps, conditions: Conditions) -> Cost:
    return Cost(steps.action, steps.vision, conditions.kind is not Kind.FREE)
