"""How long each stage took, as often as it was gone through."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Row:
    """One stage. Durations are percentiles. Unit: s."""

    stage: str
    count: int
    p50: float
    p95: float
    p99: float


class Durations:
    """By stage, stages in the order of their first appearance. Safe for threads."""

    def __init__(self) -> None:
        self._durations: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    def add(self, stage: str, duration: float) -> None:
        """Note how long a stage took once. Unit: s."""
        with self._lock:
            self._durations.setdefault(stage, []).append(duration)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._durations.clear()

    def rows(self) -> list[Row]:
        """Return one row per stage."""
        with self._lock:
            durations = {stage: list(values) for stage, values in self._durations.items()}
        return [
            Row(stage, len(values), *(float(p) for p in np.percentile(values, (50, 95, 99))))
            for stage, values in durations.items()
        ]

    def table(self) -> str:
        """Return the rows as text, durations in ms; a line that says so when there is none."""
        return table(self.rows())


def table(rows: Sequence[Row]) -> str:
    """Return rows as text, durations in ms; a line that says so when there is none."""
    if not rows:
        return "no chunk was published"
    width = max(len("stage"), *(len(row.stage) for row in rows))
    lines = [f"{'stage':<{width}} {'count':>6} {'p50':>8} {'p95':>8} {'p99':>8}  [ms]"]
    for row in rows:
        cells = " ".join(f"{value * 1e3:8.1f}" for value in (row.p50, row.p95, row.p99))
        lines.append(f"{row.stage:<{width}} {row.count:>6} {cells}")
    return "\n".join(lines)
