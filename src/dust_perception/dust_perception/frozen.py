"""A camera that goes on sending the same picture, told by the arm that moves meanwhile.

    pictures   A  B  C  C  C  C  C  C  C
    arm        -> moves ->  ->  ->  ->  ->
                     |--- travel ------|     the same picture `images` times: frozen

Two pictures of a real camera are never the same, byte by byte; those of a simulated one are, as
long as nothing moves, and again when all is back in its place. So the same picture counts only when
it came where the arm was elsewhere than at first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Joints = NDArray[np.float64]


@dataclass(slots=True)
class _View:
    """The newest picture of a view, how often it came, and from how far away."""

    data: Bytes = field(default_factory=lambda: np.empty(0, np.uint8))
    images: int = 0
    start: Joints | None = None
    travel: float = 0.0


class FrozenWatch:
    """Compares pictures with the ones before. Not safe for threads.

    Args:
        views: Names of the views.
        images: How often the same picture has to come; 0: nothing is ever frozen.
        travel: How far a joint has to move meanwhile. Unit: rad. Range: > 0.
    """

    def __init__(self, views: Sequence[str], *, images: int, travel: float) -> None:
        self._images = images
        self._travel = travel
        self._joints: Joints | None = None
        self._views = {view: _View() for view in views}

    def move(self, joints: Joints) -> None:
        """Note where the arm's joints are. [joints], rad, always in the same order."""
        self._joints = joints
        for seen in self._views.values():
            if seen.start is None:
                seen.start = joints

    def see(self, view: str, data: Bytes) -> None:
        """Note a picture, as its bytes [n]; kept until another one comes, so not to be changed."""
        seen = self._views[view]
        if self._images and np.array_equal(data, seen.data):
            seen.images += 1
            if self._joints is not None and seen.start is not None:
                distance = float(np.max(np.abs(self._joints - seen.start)))
                seen.travel = max(seen.travel, distance)
        else:
            self._views[view] = _View(data, 1, self._joints)

    def problem(self, view: str) -> str:
        """Return why a view's pictures must not be trusted; empty when they may."""
        seen = self._views[view]
        if not self._images or seen.images < self._images or seen.travel < self._travel:
            return ""
        return (
            f"view {view}: the same picture {seen.images} times while the arm moved by "
            f"{seen.travel:.2f} rad: the camera is frozen"
        )

    def clear(self) -> None:
        """Forget every picture and where the arm was."""
        self._joints = None
        self._views = {view: _View() for view in self._views}
