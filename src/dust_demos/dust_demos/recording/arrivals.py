"""Messages on their way from DDS to the disk."""

import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from dust_demos.recording.cdr import stamp_ns
from dust_demos.recording.recorded_topic import RecordedTopic


@dataclass(frozen=True, slots=True)
class Source:
    """Where messages come from, and what becomes of them.

    Attributes:
        topic: Topic under which they are recorded.
        gate: Topic under which the gates know them.
        has_header: Whether they begin with a std_msgs/Header.
        encode: Whether they are raw images that are recorded as compressed ones.
    """

    topic: RecordedTopic
    gate: str
    has_header: bool = False
    encode: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message as it arrived.

    Attributes:
        source: Where it came from.
        time_ns: When it arrived, by the node clock. Unit: ns.
        publish_ns: When it was published; 0: unknown. Unit: ns.
        data: The message in CDR as it arrived.
        encoded: The promise of what is recorded in its stead; None: it is recorded itself.
    """

    source: Source
    time_ns: int
    publish_ns: int
    data: bytes
    encoded: "Future[bytes] | None" = None

    @property
    def name(self) -> str:
        """Topic under which it is recorded."""
        return self.source.topic.name

    @property
    def stamp_ns(self) -> int | None:
        """Its header's stamp; None if it has none. Unit: ns."""
        return stamp_ns(self.data) if self.source.has_header else None


class ArrivalQueue:
    """A queue that holds so many bytes and no more; orders always get in.

    Args:
        capacity: Room for messages. Unit: byte.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._items: deque[Any] = deque()
        self._size = 0
        self._condition = threading.Condition()

    @property
    def size(self) -> int:
        """Bytes that wait."""
        return self._size

    def offer(self, arrival: Arrival) -> bool:
        """Append a message; False when there is no room for it."""
        with self._condition:
            if self._size + len(arrival.data) > self._capacity:
                return False
            self._items.append(arrival)
            self._size += len(arrival.data)
            self._condition.notify()
        return True

    def order(self, order: object) -> None:
        """Append something that is not a message."""
        with self._condition:
            self._items.append(order)
            self._condition.notify()

    def take(self, *, timeout_sec: float) -> list[Any]:
        """Return everything that waits, in order; wait for something, but not for ever."""
        with self._condition:
            self._condition.wait_for(lambda: self._items, timeout_sec)
            items, self._items = list(self._items), deque()
            return items

    def release(self, size: int) -> None:
        """Give back the room of messages that were taken and written. Unit: byte."""
        with self._condition:
            self._size -= size


class PreRoll:
    """What arrived lately, and the newest message of each topic.

    Args:
        length_ns: How far back it reaches. Unit: ns.
    """

    def __init__(self, length_ns: int) -> None:
        self._length_ns = length_ns
        self._recent: deque[Arrival] = deque()
        self.newest: dict[str, Arrival] = {}

    def add(self, arrival: Arrival) -> None:
        """Keep a message."""
        self.newest[arrival.name] = arrival
        recent = self._recent
        if recent and arrival.time_ns < recent[-1].time_ns - self._length_ns:
            recent.clear()  # the clock was set back
        recent.append(arrival)
        while recent[0].time_ns < arrival.time_ns - self._length_ns:
            recent.popleft()

    def since(self, time_ns: int) -> list[Arrival]:
        """Return what arrived at or after a time, in order."""
        return [arrival for arrival in self._recent if arrival.time_ns >= time_ns]
