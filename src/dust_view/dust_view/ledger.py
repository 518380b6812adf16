"""The one latency ledger: camera -> features -> chunk -> first commanded point.

    image taken      features          chunk          accepted         splice
        |--camera to features--|           |                |              |
        |----------- camera to chunk ------|-- chunk to first point -------|
        |------------------- camera to first point -----------------------|

Everything is told by stamps of the node clock that travel with the messages, so that nobody has to
be asked and nobody waits; the way of the messages to this node does not count.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dust_node.durations import Durations, Row

CAMERA_TO_FEATURES = "camera to features"
CAMERA_TO_CHUNK = "camera to chunk"
CHUNK_TO_POINT = "chunk to first point"
CAMERA_TO_POINT = "camera to first point"

_WAITING = 256  # chunks that may wait for the executor's word
_AHEAD = 16  # chunks that may wait for their task


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage as a message tells it.

    Attributes:
        name: Name of the stage.
        end_ns: When it ended, by the node clock.
        duration: Unit: s.
    """

    name: str
    end_ns: int
    duration: float


@dataclass(frozen=True, slots=True)
class Duration:
    """One duration that was learnt now. Unit: s."""

    stage: str
    seconds: float


@dataclass(frozen=True, slots=True)
class _Chunk:
    stamp_ns: int
    sent_ns: int


class Ledger:
    """Durations of one task after the other. Not safe for threads.

    Attributes:
        task_id: Task that is written down; empty before the first.
    """

    def __init__(self) -> None:
        self.task_id = ""
        self._durations = Durations()
        self._chunks: OrderedDict[int, _Chunk] = OrderedDict()
        self._accepted = 0
        self._ahead: deque[tuple[str, int, int, Sequence[Stage], int]] = deque(maxlen=_AHEAD)

    def features(self, stamp_ns: int, stages: Sequence[Stage]) -> list[Duration]:
        """Note features of an image that was taken at `stamp_ns`; return what was learnt."""
        if not stages:
            return []
        return self._note([(CAMERA_TO_FEATURES, _seconds(stamp_ns, stages[-1].end_ns))])

    def chunk(
        self, task_id: str, sequence: int, stamp_ns: int, stages: Sequence[Stage], now_ns: int
    ) -> list[Duration]:
        """Note a chunk; one of another task waits until the page of that is begun.

        Args:
            task_id: Task that it belongs to.
            sequence: Its number in the task.
            stamp_ns: When its observation was taken.
            stages: What it says about its way; empty for drivers that do not tell.
            now_ns: When it came, for those.
        """
        if task_id != self.task_id:
            # Whoever strays must not end the page; a task's first chunk may be ahead of its news.
            self._ahead.append((task_id, sequence, stamp_ns, stages, now_ns))
            return []
        sent_ns = stages[-1].end_ns if stages else now_ns
        self._chunks[sequence] = _Chunk(stamp_ns, sent_ns)
        while len(self._chunks) > _WAITING:
            self._chunks.popitem(last=False)
        told = [(stage.name, stage.duration) for stage in stages]
        return self._note([*told, (CAMERA_TO_CHUNK, _seconds(stamp_ns, sent_ns))])

    def accepted(self, task_id: str, sequence: int, splice_ns: int) -> list[Duration]:
        """Note from when on the newest accepted chunk moves the arm.

        Args:
            task_id: The executor's task.
            sequence: Number of the chunk; 0: none yet.
            splice_ns: First commanded point that it changed; 0: not told.
        """
        if task_id != self.task_id or not sequence or sequence == self._accepted:
            return []
        chunk = self._chunks.get(sequence)
        if chunk is None or splice_ns <= 0:
            return []
        self._accepted = sequence
        return self._note(
            [
                (CHUNK_TO_POINT, _seconds(chunk.sent_ns, splice_ns)),
                (CAMERA_TO_POINT, _seconds(chunk.stamp_ns, splice_ns)),
            ]
        )

    def begin(self, task_id: str) -> list[Duration]:
        """Begin the page of the executor's task; return what its chunks told ahead of it."""
        self.task_id = task_id
        self._durations.clear()
        self._chunks.clear()
        self._accepted = 0
        ahead = [row for row in self._ahead if row[0] == task_id]
        self._ahead.clear()
        return [duration for row in ahead for duration in self.chunk(*row)]

    def rows(self) -> list[Row]:
        """Return one row per stage, in the order of their first appearance."""
        return self._durations.rows()

    def table(self) -> str:
        """Return the rows as text, durations in ms; a line that says so when there is none."""
        return self._durations.table()

    def _note(self, durations: Iterable[tuple[str, float]]) -> list[Duration]:
        learnt = [Duration(stage, seconds) for stage, seconds in durations]
        for duration in learnt:
            self._durations.add(duration.stage, duration.seconds)
        return learnt


def _seconds(begin_ns: int, end_ns: int) -> float:
    # Clocks of two hosts may differ by a little.
    return max(0, end_ns - begin_ns) * 1e-9
