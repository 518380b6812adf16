"""Joint states of the last moments, so that the state fits the images that it is used with."""

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


class StateReader:
    """Pick the policy's state vector out of joint states, by name."""

    def __init__(
        self, joint_names: Sequence[str], gripper_joints: Sequence[str], gripper_width: float
    ) -> None:
        """Set the names.

        Args:
            joint_names: Arm joints in the checkpoint's order.
            gripper_joints: Finger joints whose positions add up to the opening. Unit: m.
            gripper_width: Opening of the open gripper. Unit: m. Range: > 0.
        """
        self._names = (*joint_names, *gripper_joints)
        self._arm = len(joint_names)
        self._width = gripper_width

    def read(self, names: Sequence[str], positions: Sequence[float]) -> Vector:
        """Return arm positions (rad) and gripper opening in [0, 1], shape [joints + 1].

        Args:
            names: Names of the joints that arrived, in any order, maybe with others among them.
            positions: Their positions, as many.

        Raises:
            ValueError: A joint is missing, appears without a position, or is not finite.
        """
        if len(names) != len(positions):
            raise ValueError(f"{len(names)} joint names, but {len(positions)} positions")
        by_name = dict(zip(names, positions, strict=True))
        missing = [name for name in self._names if name not in by_name]
        if missing:
            raise ValueError(f"joint states lack {', '.join(missing)}")
        values = np.array([by_name[name] for name in self._names], dtype=np.float64)
        if not np.isfinite(values).all():
            broken = ", ".join(np.array(self._names)[~np.isfinite(values)])
            raise ValueError(f"joint states hold no finite position of {broken}")
        opening = np.clip(values[self._arm :].sum() / self._width, 0.0, 1.0)
        return np.append(values[: self._arm], opening)


_CLOCK_STEP_NS = 1_000_000_000
"""Messages overtake each other by less; a larger step back is a clock that was set."""

Entry = tuple[int, Vector]


class StateHistory:
    """The state vectors of the last moments with their times. Safe for threads."""

    def __init__(self, *, span_ns: int = 2_000_000_000, spacing_ns: int = 0) -> None:
        """Begin without a state.

        Args:
            span_ns: How far before the newest state others are kept: time, not a number of them,
                because their rate is anything from 30 Hz to 1 kHz.
            spacing_ns: States closer together than this are thinned out; the newest always stays.
        """
        self._span_ns = span_ns
        self._spacing_ns = spacing_ns
        self._entries: list[Entry] = []
        self._lock = threading.Lock()

    def add(self, stamp_ns: int, state: Vector) -> None:
        """Take in a state, in the order of time; a clock that was set back starts it anew."""
        with self._lock:
            if self._entries and stamp_ns < self._entries[-1][0] - _CLOCK_STEP_NS:
                self._entries.clear()
            place = bisect_right(self._entries, stamp_ns, key=_stamp)
            self._entries.insert(place, (stamp_ns, state))
            self._thin()
            self._forget()

    def _thin(self) -> None:
        """Drop what was the newest before, if it is too close to the one before that."""
        stamps = [stamp_ns for stamp_ns, _ in self._entries[-3:-1]]
        if len(stamps) == 2 and stamps[1] - stamps[0] < self._spacing_ns:
            del self._entries[-2]

    def _forget(self) -> None:
        """Keep one entry beyond the span: what lies within it is between two of them."""
        begin_ns = self._entries[-1][0] - self._span_ns
        beyond = bisect_right(self._entries, begin_ns, key=_stamp)
        del self._entries[: max(0, beyond - 1)]

    def clear(self) -> None:
        """Forget every state."""
        with self._lock:
            self._entries.clear()

    def newest(self) -> Vector:
        """Return the newest state.

        Raises:
            LookupError: There is none.
        """
        with self._lock:
            if not self._entries:
                raise LookupError("no joint state has arrived")
            return self._entries[-1][1]

    def at(self, stamp_ns: int, *, max_age_ns: int) -> Vector:
        """Return the state at a time: between two known ones interpolated, else the nearest.

        Args:
            stamp_ns: The time asked for.
            max_age_ns: How far the nearest known state may be away from that time, be it before
                or after.

        Raises:
            LookupError: No state is near enough; the text says how far the nearest is.
        """
        around = self._around(stamp_ns)
        if not around:
            raise LookupError("no joint state has arrived")
        distance_ns = min(abs(known_ns - stamp_ns) for known_ns, _ in around)
        if distance_ns > max_age_ns:
            raise LookupError(
                f"nearest joint state is {distance_ns * 1e-9:.3f} s away from the images, "
                f"the limit is {max_age_ns * 1e-9:.3f} s"
            )
        return around[0][1] if len(around) == 1 else _between(around[0], around[1], stamp_ns)

    def _around(self, stamp_ns: int) -> list[Entry]:
        """Return the known states before and after a time; outside of all, the nearest alone."""
        with self._lock:
            later = bisect_left(self._entries, stamp_ns, key=_stamp)
            # In front of the first there is none before, behind the last none after.
            return self._entries[max(0, later - 1) : later + 1]


def _stamp(entry: Entry) -> int:
    return entry[0]


def _between(before: Entry, after: Entry, stamp_ns: int) -> Vector:
    share = (stamp_ns - before[0]) / (after[0] - before[0])
    return np.asarray(before[1] + share * (after[1] - before[1]))
