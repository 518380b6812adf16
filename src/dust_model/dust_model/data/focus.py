"""Moments that a run looks at more often: those before the hand opens or closes.

What decides about a grasp are the few centimetres before it. They are a small share of a
demonstration and a smaller one of the loss, for what is wrong there by a centimetre weighs little
beside a way across the table:

    moment    0 1 2 3 4 5 6 7 8 9
    gripper   1 1 1 1 1 0 0 0 0 1
    in focus      x x x x x x x x      frames = 3: the stretches (2, 6) and (6, 10)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Stretch = tuple[int, int]
"""Neighbouring moments of an episode: the first, and the one behind the last."""

_HALF = 0.5


def before_changes(gripper: NDArray[np.floating], frames: int) -> tuple[Stretch, ...]:
    """Return the stretches of an episode that end with a change of the hand; none overlap.

    Args:
        gripper: commanded opening at each moment in [0, 1], [L]; a change crosses one half.
        frames: how many moments before each change, >= 1.
    """
    is_open = gripper >= _HALF
    changes = np.flatnonzero(is_open[1:] != is_open[:-1]) + 1
    stretches: list[Stretch] = []
    for change in changes.tolist():
        start = max(0, change - frames)
        if stretches and start < stretches[-1][1]:
            start = stretches.pop()[0]
        stretches.append((start, change + 1))
    return tuple(stretches)


def share(lengths: Sequence[int], focus: Sequence[Sequence[Stretch]], times: int) -> float:
    """Return the share of an epoch's samples that lie in stretches that come `times` times."""
    inside = sum(stop - start for stretches in focus for start, stop in stretches)
    return inside * times / max(1, sum(lengths) + inside * (times - 1))
