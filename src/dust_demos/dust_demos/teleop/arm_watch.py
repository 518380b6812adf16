"""Where the arm is, and where the executor believes it to be."""

from collections.abc import Mapping, Sequence

_TOLERANCE = 0.02  # rad
_FRESH = 3  # messages of each, so that none from before counts


class ArmWatch:
    """Compares joint states with the executor's plan."""

    def __init__(self) -> None:
        self._measured: Mapping[str, float] = {}
        self._planned: Mapping[str, float] = {}
        self._seen = [0, 0]

    def measured(self, names: Sequence[str], positions: Sequence[float]) -> None:
        """Take in measured joint positions, rad."""
        self._measured = dict(zip(names, positions, strict=False))
        self._seen[0] += 1

    def planned(self, names: Sequence[str], positions: Sequence[float]) -> None:
        """Take in the joint positions that the plan has for now, rad."""
        self._planned = dict(zip(names, positions, strict=False))
        self._seen[1] += 1

    def forget(self) -> None:
        """Let only messages count that come from now on."""
        self._seen = [0, 0]

    def agrees(self) -> bool:
        """Return whether the arm is where the plan has it."""
        if min(self._seen) < _FRESH or not self._planned:
            return False
        return all(
            abs(position - self._measured.get(name, float("inf"))) <= _TOLERANCE
            for name, position in self._planned.items()
        )
