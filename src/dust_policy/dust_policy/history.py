"""Joint states of the last moments, so that the state fits the images that it is used with."""

import threading
from collections import deque
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


class StateHistory:
    """The newest state vectors with their times. Safe for threads."""

    def __init__(self, *, depth: int = 64) -> None:
        """Keep the newest `depth` states."""
        self._entries: deque[tuple[int, Vector]] = deque(maxlen=depth)
        self._lock = threading.Lock()

    def add(self, stamp_ns: int, state: Vector) -> None:
        """Take in a state, in the order of time; a clock that was set back starts it anew."""
        with self._lock:
            newest_ns = self._entries[-1][0] if self._entries else stamp_ns
            if stamp_ns < newest_ns - _CLOCK_STEP_NS:
                self._entries.clear()
            self._entries.append((stamp_ns, state))
            if stamp_ns < newest_ns:
                ordered = sorted(self._entries, key=lambda entry: entry[0])
                self._entries = deque(ordered, maxlen=self._entries.maxlen)

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
            max_age_ns: How far the nearest known state may be away from that time.

        Raises:
            LookupError: No state is near enough; the text says how far the nearest is.
        """
        with self._lock:
            entries = list(self._entries)
        if not entries:
            raise LookupError("no joint state has arrived")
        later = next((i for i, entry in enumerate(entries) if entry[0] >= stamp_ns), len(entries))
        if 0 < later < len(entries):
            return _between(entries[later - 1], entries[later], stamp_ns)
        nearest_ns, state = entries[min(later, len(entries) - 1)]
        distance_ns = abs(nearest_ns - stamp_ns)
        if distance_ns > max_age_ns:
            raise LookupError(
                f"nearest joint state is {distance_ns * 1e-9:.3f} s away from the images, "
                f"the limit is {max_age_ns * 1e-9:.3f} s"
            )
        return state


def _between(before: tuple[int, Vector], after: tuple[int, Vector], stamp_ns: int) -> Vector:
    share = (stamp_ns - before[0]) / (after[0] - before[0])
    return np.asarray(before[1] + share * (after[1] - before[1]))
