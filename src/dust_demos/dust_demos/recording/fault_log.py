"""What went wrong in an episode: each thing once, how often and how badly. Safe for threads."""

import threading
from dataclasses import replace

from dust_demos.recording.facts import Fault, FaultKind


class FaultLog:
    """Faults of one episode, by kind and topic."""

    def __init__(self) -> None:
        self._faults: dict[tuple[FaultKind, str], Fault] = {}
        self._untold: list[Fault] = []
        self._lock = threading.Lock()

    def note(
        self, kind: FaultKind, topic: str, text: str, *, now_ns: int, worst: float = 0.0
    ) -> None:
        """Note a fault; of those with the same kind and topic, the first one's words are kept.

        Args:
            kind: What.
            topic: Topic that shows it; empty when none does.
            text: In words, with figure and limit.
            now_ns: Time by the node clock. Unit: ns.
            worst: The figure; the largest one is kept.
        """
        with self._lock:
            known = self._faults.get((kind, topic))
            if known is None:
                fault = Fault(kind, topic, text, first_ns=now_ns, worst=worst)
                self._untold.append(fault)
            else:
                fault = replace(known, count=known.count + 1, worst=max(known.worst, worst))
            self._faults[kind, topic] = fault

    def worsen(self, kind: FaultKind, topic: str, worst: float) -> None:
        """Raise the figure of a fault that was noted and goes on."""
        with self._lock:
            known = self._faults.get((kind, topic))
            if known is not None and worst > known.worst:
                self._faults[kind, topic] = replace(known, worst=worst)

    def take_new(self) -> list[Fault]:
        """Return the faults of a new kind or topic since the last call."""
        with self._lock:
            new, self._untold = self._untold, []
            return new

    def faults(self) -> tuple[Fault, ...]:
        """Return all faults in the order in which they came."""
        with self._lock:
            return tuple(self._faults.values())
