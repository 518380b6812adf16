"""One image per view, taken close together and not long ago.

A buffer of the newest frames per view answers "what did all views see just before t?":

    wrist   .  a     b     c            newest frame at or before t that is at most `max_skew` newer
    side      A     B           C  t    than the oldest of the views' newest frames
                    `-- c and C here, or c and B if C - c exceeds the skew limit
"""

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

Item = TypeVar("Item")

CLOCK_STEP_NS = 1_000_000_000
"""A frame this much older than one before means that the clock was set back, as simulations do."""


class Shortage(StrEnum):
    """Why there is no set of frames."""

    MISSING = "missing"
    OLD = "old"
    AHEAD = "ahead"
    SKEW = "skew"


@dataclass(frozen=True, slots=True)
class Gap:
    """No set: the reason, the view to blame, and both in words."""

    shortage: Shortage
    view: str
    text: str


@dataclass(frozen=True, slots=True)
class Frame(Generic[Item]):
    """One view's item and the time at which it was taken. Unit: ns."""

    stamp_ns: int
    item: Item


@dataclass(frozen=True, slots=True)
class FrameSet(Generic[Item]):
    """One frame per view, in the order of the synchroniser's views."""

    views: tuple[str, ...]
    frames: tuple[Frame[Item], ...]

    @property
    def stamp_ns(self) -> int:
        """Time of the newest frame."""
        return max(frame.stamp_ns for frame in self.frames)

    @property
    def skew_ns(self) -> int:
        """Time between oldest and newest frame."""
        return self.stamp_ns - min(frame.stamp_ns for frame in self.frames)


class Synchroniser(Generic[Item]):
    """Latest-before-t buffer with an age limit per view and a skew limit between views.

    Not safe for threads: use from one.
    """

    def __init__(
        self,
        views: Sequence[str],
        *,
        max_age_ns: int,
        max_skew_ns: int,
        max_ahead_ns: int = 0,
        depth: int = 8,
    ) -> None:
        """Create an empty buffer.

        Args:
            views: Names of the views, at least one.
            max_age_ns: No frame of a set is older than this, seen from t.
            max_skew_ns: Frames of a set are no further apart than this.
            max_ahead_ns: Frames may be this much newer than t: clocks of two hosts differ a little.
            depth: Frames kept per view.
        """
        if not views or len(set(views)) != len(views):
            raise ValueError(f"views must be one or more different names, not {list(views)}")
        self.views = tuple(views)
        self._max_age_ns = max_age_ns
        self._max_skew_ns = max_skew_ns
        self._max_ahead_ns = max_ahead_ns
        self._depth = depth
        self._frames: dict[str, list[Frame[Item]]] = {view: [] for view in views}

    def add(self, view: str, stamp_ns: int, item: Item) -> None:
        """Keep a frame; the oldest one of the view goes when there are more than `depth`.

        Frames may come out of order. A frame with a known stamp replaces the one before.
        """
        frames = self._frames[view]
        if frames and stamp_ns < frames[-1].stamp_ns - CLOCK_STEP_NS:
            frames.clear()
        frames[:] = [frame for frame in frames if frame.stamp_ns != stamp_ns]
        insort(frames, Frame(stamp_ns, item), key=lambda frame: frame.stamp_ns)
        del frames[: -self._depth]

    def newest_stamp_ns(self, view: str) -> int | None:
        """Return when the newest frame of a view was taken, None if there is none."""
        frames = self._frames[view]
        return frames[-1].stamp_ns if frames else None

    def clear(self) -> None:
        """Forget every frame."""
        for frames in self._frames.values():
            frames.clear()

    def latest(self, t_ns: int) -> FrameSet[Item] | Gap:
        """Return the newest set of frames at or before `t_ns`, or why there is none."""
        newest: dict[str, Frame[Item]] = {}
        for view in self.views:
            found = self._newest_before(view, t_ns)
            if isinstance(found, Gap):
                return found
            newest[view] = found
        return self._close_together(newest, t_ns)

    def _newest_before(self, view: str, t_ns: int) -> Frame[Item] | Gap:
        """Return a view's newest frame that is neither too old nor from the future."""
        frames = self._frames[view]
        if not frames:
            return Gap(Shortage.MISSING, view, f"view {view}: no image has arrived yet")
        frame = _last_until(frames, t_ns + self._max_ahead_ns)
        if frame is None:
            ahead = (frames[0].stamp_ns - t_ns) * 1e-9
            return Gap(
                Shortage.AHEAD,
                view,
                f"view {view}: image stamped {ahead:.3f} s ahead of the clock; "
                "synchronise the clocks of camera and policy host",
            )
        return self._too_old(view, frame, t_ns) or frame

    def _too_old(self, view: str, frame: Frame[Item], t_ns: int) -> Gap | None:
        age_ns = t_ns - frame.stamp_ns
        if age_ns <= self._max_age_ns:
            return None
        text = (
            f"view {view}: newest image is {age_ns * 1e-9:.3f} s old, "
            f"the limit is {self._max_age_ns * 1e-9:.3f} s"
        )
        return Gap(Shortage.OLD, view, text)

    def _close_together(self, newest: dict[str, Frame[Item]], t_ns: int) -> FrameSet[Item] | Gap:
        """Let the views that are ahead step back to the slowest one, within the skew limit."""
        slowest = min(self.views, key=lambda view: newest[view].stamp_ns)
        limit_ns = newest[slowest].stamp_ns + self._max_skew_ns
        chosen = []
        for view in self.views:
            frame = _last_until(self._frames[view], min(limit_ns, newest[view].stamp_ns))
            if frame is None or self._too_old(view, frame, t_ns):
                return self._skew_gap(slowest, newest)
            chosen.append(frame)
        frames = FrameSet(self.views, tuple(chosen))
        return frames if frames.skew_ns <= self._max_skew_ns else self._skew_gap(slowest, newest)

    def _skew_gap(self, slowest: str, newest: dict[str, Frame[Item]]) -> Gap:
        skew_ns = max(frame.stamp_ns for frame in newest.values()) - newest[slowest].stamp_ns
        text = (
            f"view {slowest}: {skew_ns * 1e-9:.3f} s behind the newest view, "
            f"the limit is {self._max_skew_ns * 1e-9:.3f} s"
        )
        return Gap(Shortage.SKEW, slowest, text)


def _last_until(frames: Sequence[Frame[Item]], limit_ns: int) -> Frame[Item] | None:
    """Return the last of the sorted frames that is not newer than the limit."""
    for frame in reversed(frames):
        if frame.stamp_ns <= limit_ns:
            return frame
    return None
