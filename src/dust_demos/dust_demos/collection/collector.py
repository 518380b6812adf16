"""Take one demonstration after the other through the running graph."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from dust_demos.collection.journal import BROKEN, Row
from dust_demos.recording.facts import EpisodeFacts
from dust_eval.cell_client import CellClient
from dust_eval.episode_topic import EpisodeTopic
from dust_eval.failure import Failure
from dust_eval.runner import SimulatedScene, carry_out
from dust_eval.task_client import GraphError, TaskEnd
from dust_eval.trial import TrialResult, TrialSpec

OPERATOR = "expert"
"""Who drives the arm, as bags tell it."""

REST_SEC = 0.4
"""So long the arm rests at an episode's end, before the verdict. Unit: s by the cell."""

RESET_SEC = 0.6
"""From a reset to the episode's start: recorders keep some of what came before that. Unit: s."""

_WORDS = {1.0: "success", 0.5: "half", 0.0: "failure"}
_POLL_SEC = 0.01
_STANDSTILL_SEC = 20.0


class Recordings(Protocol):
    """What the recorder has on disk; see Bags."""

    def drop(self, name: str) -> None:
        """Remove an episode."""

    def wait_begun(self, name: str) -> None:
        """Wait until the recorder has begun."""

    def wait_closed(self, name: str) -> EpisodeFacts:
        """Wait until the recorder is done."""


class _Stage(SimulatedScene):
    """The cell as a stage for demonstrations: these go on to their end, also after success."""

    def __init__(self, client: CellClient, rest: Callable[[float], None]) -> None:
        super().__init__(client)
        self._rest = rest

    def is_done(self) -> bool:
        return False

    def result(self, spec: TrialSpec, end: TaskEnd) -> TrialResult:
        self._rest(REST_SEC)
        return super().result(spec, end)


class Collector:
    """Takes demonstrations: sets the scene, has the expert do it, tells the recorder.

    Args:
        client: Talks to the graph.
        recordings: What the recorder has on disk.
        time_limit_sec: Longest time of a demonstration. Unit: s of the cell's clock.
        alive: Whether the graph still runs.
    """

    def __init__(
        self,
        client: CellClient,
        recordings: Recordings,
        *,
        time_limit_sec: float,
        alive: Callable[[], bool],
    ) -> None:
        self._client = client
        self._recordings = recordings
        self._time_limit_sec = time_limit_sec
        self._alive = alive
        self._episodes = EpisodeTopic(client.node, operator=OPERATOR)
        self._stage = _Stage(client, self._rest)
        self._instruction = ""

    def take(self, spec: TrialSpec) -> Row:
        """Take one demonstration; one that cannot be carried out gives a row that says so.

        Raises:
            GraphError: The graph has ended.
        """
        began = time.monotonic()
        self._recordings.drop(spec.name)
        self._instruction = ""
        try:
            result = self._perform(spec)
            facts = self._end(spec, result)
        except GraphError as error:
            if not self._alive():
                raise
            return self._broken(spec, str(error), time.monotonic() - began)
        except KeyboardInterrupt:
            self._abandon(spec)
            raise
        if result.score < 1:
            self._client.rearm_if_stopped()
        return _row(
            spec,
            _WORDS[result.score],
            result.reason,
            elapsed_sec=result.elapsed_sec,
            wall_sec=time.monotonic() - began,
            faults=tuple(fault.text for fault in facts.faults),
            outside=result.outside,
        )

    def _perform(self, spec: TrialSpec) -> TrialResult:
        def begin(instruction: str) -> None:
            self._rest(RESET_SEC)
            self._instruction = instruction
            self._episodes.begin(spec.name, instruction)
            self._recordings.wait_begun(spec.name)

        result = carry_out(
            self._client,
            self._stage,
            spec,
            time_limit_sec=self._time_limit_sec,
            on_start=begin,
            alive=self._alive,
        )
        # The expert did not fail then: something that it needs did not answer.
        if result.failure is Failure.BROKEN:
            raise GraphError(result.reason)
        return result

    def _end(self, spec: TrialSpec, result: TrialResult) -> EpisodeFacts:
        self._episodes.end(spec.name, self._instruction, result)
        return self._recordings.wait_closed(spec.name)

    def _broken(self, spec: TrialSpec, reason: str, wall_sec: float) -> Row:
        self._abandon(spec)
        # The executor may be what broke it: the next demonstration tells whether it still is.
        with suppress(GraphError):
            self._client.rearm_if_stopped()
        return _row(spec, BROKEN, reason, elapsed_sec=0.0, wall_sec=wall_sec)

    def _abandon(self, spec: TrialSpec) -> None:
        if self._instruction:
            self._episodes.end(spec.name, self._instruction, None)

    def _rest(self, seconds: float) -> None:
        """Let the cell's clock go on by some seconds.

        Raises:
            GraphError: It stands still, or the graph has ended.
        """
        until, deadline = self._client.now() + seconds, time.monotonic() + _STANDSTILL_SEC
        while self._client.now() < until:
            if not self._alive():
                raise GraphError("the graph ended during a demonstration")
            if time.monotonic() > deadline:
                raise GraphError(f"the cell's clock did not reach {seconds:g} s more in time")
            time.sleep(_POLL_SEC)


def _row(
    spec: TrialSpec,
    outcome: str,
    reason: str,
    *,
    elapsed_sec: float,
    wall_sec: float,
    faults: tuple[str, ...] = (),
    outside: int = 0,
) -> Row:
    return Row(
        spec.name,
        spec.task,
        spec.object_name,
        spec.seed,
        spec.distractors,
        outcome,
        reason,
        round(elapsed_sec, 2),
        round(wall_sec, 2),
        faults,
        outside,
    )
