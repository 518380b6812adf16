"""The thread that writes: the disk may stall, the messages keep coming."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dust_demos.recording.arrivals import Arrival, ArrivalQueue
from dust_demos.recording.episode_writer import EpisodeWriter
from dust_demos.recording.facts import EpisodeFacts, FaultKind

TICK_SEC = 0.05

OnFault = Callable[[FaultKind, str, str], None]
"""Called with kind, topic and words."""


@dataclass(frozen=True, slots=True)
class _Begin:
    facts: EpisodeFacts
    on_fault: OnFault


@dataclass(frozen=True, slots=True)
class _Update:
    facts: EpisodeFacts


@dataclass(frozen=True, slots=True)
class _End:
    make_facts: Callable[[], EpisodeFacts]
    on_saved: Callable[[Path, EpisodeFacts], None]


class _Close:
    """End the thread."""


class Scribe:
    """Writes episodes one after the other, in a thread of its own.

    Args:
        make_writer: Makes the writer of an episode; may raise ValueError or OSError.
        capacity: Room for messages that wait. Unit: byte.

    Attributes:
        written: Messages of this episode that were written.
        size: Bytes of this episode.
    """

    def __init__(
        self, make_writer: Callable[[EpisodeFacts], EpisodeWriter], *, capacity: int
    ) -> None:
        self._make_writer = make_writer
        self._queue = ArrivalQueue(capacity)
        self._writer: EpisodeWriter | None = None
        self._on_fault: OnFault = lambda *_: None
        self._failed = False
        self.written = 0
        self.size = 0
        self._thread = threading.Thread(target=self._run, name="scribe", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Bytes that wait for the disk."""
        return self._queue.size

    def begin(self, facts: EpisodeFacts, on_fault: OnFault) -> None:
        """Begin an episode.

        Args:
            facts: What is known of it.
            on_fault: Called in the scribe's thread when something cannot be written; the kind
                is DISK when nothing can any more.
        """
        self._queue.order(_Begin(facts, on_fault))

    def write(self, arrival: Arrival) -> bool:
        """Hand in a message of the episode; False when the queue is full and it is lost."""
        return self._queue.offer(arrival)

    def update(self, facts: EpisodeFacts) -> None:
        """Say what is known of the episode by now."""
        self._queue.order(_Update(facts))

    def end(
        self,
        make_facts: Callable[[], EpisodeFacts],
        on_saved: Callable[[Path, EpisodeFacts], None],
    ) -> None:
        """End the episode, after what was handed in before.

        Args:
            make_facts: Called in the scribe's thread when all messages are written.
            on_saved: Called in the scribe's thread with folder and facts.
        """
        self._queue.order(_End(make_facts, on_saved))

    def close(self, *, timeout_sec: float = 60.0) -> bool:
        """Write what waits and end the thread; False if the disk did not let it in time."""
        self._queue.order(_Close())
        self._thread.join(timeout_sec)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            for item in self._queue.take(timeout_sec=TICK_SEC):
                if isinstance(item, _Close):
                    return
                self._handle(item)
            self._guard(lambda writer: writer.tick())

    def _handle(self, item: object) -> None:
        if isinstance(item, Arrival):
            self._guard(lambda writer: self._write(writer, item))
            self._queue.release(len(item.data))
        elif isinstance(item, _Begin):
            self._begin(item)
        elif isinstance(item, _Update) and self._writer is not None:
            self._writer.facts = item.facts
        elif isinstance(item, _End):
            self._end(item)

    def _begin(self, order: _Begin) -> None:
        self._on_fault, self._failed = order.on_fault, False
        self.written = self.size = 0
        try:
            self._writer = self._make_writer(order.facts)
        except Exception as error:  # as in `_guard`
            self._fail(error)

    def _write(self, writer: EpisodeWriter, arrival: Arrival) -> None:
        data = self._content(arrival)
        if data is None:
            return
        writer.add_topic(arrival.source.topic)
        writer.write(arrival.name, arrival.time_ns, data, publish_ns=arrival.publish_ns)
        self.written += 1
        self.size = writer.size

    def _content(self, arrival: Arrival) -> bytes | None:
        """Return what is recorded; waits while it is encoded."""
        if arrival.encoded is None:
            return arrival.data
        try:
            return arrival.encoded.result()
        except Exception as error:
            self._on_fault(FaultKind.ENCODING, arrival.name, str(error))
            return None

    def _end(self, order: _End) -> None:
        writer = self._writer
        if writer is None:
            return
        writer.facts = order.make_facts()
        try:
            writer.close()
        except Exception as error:  # as in `_guard`
            self._fail(error)
        order.on_saved(writer.folder, writer.facts)
        self._writer = None

    def _guard(self, work: Callable[[EpisodeWriter], None]) -> None:
        """Do something with the open episode; what is written already survives a failure."""
        if self._writer is None or self._failed:
            return
        try:
            work(self._writer)
        except Exception as error:  # the thread goes on: the next episode may be written
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._failed = True
        self._on_fault(FaultKind.DISK, "", f"the bag cannot be written any more: {error}")
