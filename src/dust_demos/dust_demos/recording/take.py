"""One episode while it is recorded: its facts, its faults, when it ends."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dust_demos.recording.arrivals import Source
from dust_demos.recording.facts import EpisodeFacts, FaultKind, Outcome
from dust_demos.recording.fault_log import FaultLog
from dust_demos.recording.gates import Gates, GateSettings

Surroundings = Callable[[], Mapping[str, Any]]
"""Returns calibration and scene as they are now, as fields of EpisodeFacts."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How an episode ended.

    Attributes:
        outcome: What was achieved.
        note: Failure reason or remark.
        instruction: What the arm was told; empty: as at the start.
        operator: Who drove; empty: as at the start.
    """

    outcome: Outcome = Outcome.UNKNOWN
    note: str = ""
    instruction: str = ""
    operator: str = ""


@dataclass(slots=True)
class Losses:
    """Messages that did not get to the disk, by topic."""

    in_queue: Counter[str] = field(default_factory=Counter)
    in_dds: Counter[str] = field(default_factory=Counter)

    @property
    def by_topic(self) -> dict[str, int]:
        """All of them."""
        return dict(sorted((self.in_queue + self.in_dds).items()))


class Take:
    """The recording of one episode.

    Args:
        facts: What is known at the start.
        gates: Limits.

    Attributes:
        log: Its faults.
        gates: Watches what arrives.
        losses: What did not get to the disk.
        closes_ns: Until when what comes is recorded; None while it goes on. Unit: ns.
        failure: Why it cannot be written any more; empty: it can.
    """

    def __init__(self, facts: EpisodeFacts, gates: GateSettings) -> None:
        self._facts = facts
        self.log = FaultLog()
        self.gates = Gates(gates, self.log, start_ns=facts.start_ns)
        self.losses = Losses()
        self.closes_ns: int | None = None
        self.failure = ""
        self._watched = set(gates.limits)

    @property
    def episode_id(self) -> str:
        """Name of the episode."""
        return self._facts.episode_id

    @property
    def start_ns(self) -> int:
        """When the episode began. Unit: ns."""
        return self._facts.start_ns

    @property
    def has_ended(self) -> bool:
        """Whether the episode is over; what comes after is recorded for a moment."""
        return self.closes_ns is not None

    def seconds(self, now_ns: int) -> float:
        """Return how long it has lasted. Unit: s."""
        return ((self._facts.end_ns or now_ns) - self._facts.start_ns) * 1e-9

    def end(self, ending: Ending, *, end_ns: int, closes_ns: int, now: Surroundings) -> None:
        """Note how the episode ended.

        Args:
            ending: Outcome and words.
            end_ns: When. Unit: ns.
            closes_ns: Until when what comes is recorded too. Unit: ns.
            now: Gives calibration and scene.
        """
        self.gates.finish(end_ns)
        self.closes_ns = closes_ns
        self._facts = replace(
            self._facts,
            outcome=ending.outcome,
            note=ending.note,
            instruction=ending.instruction or self._facts.instruction,
            operator=ending.operator or self._facts.operator,
            end_ns=end_ns,
            **{key: value for key, value in now().items() if value},
        )

    def lose(self, source: Source, count: int, *, now_ns: int, in_queue: bool) -> None:
        """Count messages that were lost.

        Args:
            source: Where they came from.
            count: How many.
            now_ns: Time by the node clock. Unit: ns.
            in_queue: Lost because the disk is too slow; else on the way to us.
        """
        losses = self.losses.in_queue if in_queue else self.losses.in_dds
        topic = source.topic.name
        losses[topic] += count
        # A lost sample of a fast state that nobody asked to be watched spoils no episode.
        if in_queue or source.gate in self._watched:
            where = "the disk is too slow" if in_queue else "they did not arrive"
            text = f"{topic}: messages were lost: {where}"
            worst = float(losses[topic])
            self.log.note(FaultKind.DROPPED, topic, text, now_ns=now_ns, worst=worst)

    def on_fault(self, kind: FaultKind, topic: str, text: str) -> None:
        """Note what the scribe says; called in its thread."""
        self.log.note(kind, topic, text, now_ns=self._facts.start_ns)
        if kind is FaultKind.DISK:
            self.failure = text

    def facts(self, *, complete: bool = False) -> EpisodeFacts:
        """Return what is known by now."""
        return replace(
            self._facts,
            complete=complete,
            faults=self.log.faults(),
            dropped=self.losses.by_topic,
        )
