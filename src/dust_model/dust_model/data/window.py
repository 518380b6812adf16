"""Which actions and which future image belong to a moment of an episode.

episode       a0 a1 a2 a3 | end
moment 2, k=4       a2 a3 a3 a3      absolute actions: the last one is held
                    a2 a3 0  0       relative actions: no motion
mask                1  1  0  0
future image: min(2 + k, 3) = 3, clamped to the episode's end
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dust_model.config import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The rule that cuts a chunk out of an episode.

    Attributes:
        horizon: actions in a chunk, k in the paper.
        stride: recorded frames from one action to the next: 2 for a 15 Hz policy on 30 Hz data.
        learn_end: let the loss count actions behind the episode's end too, as GR00T-N1 does, so
            that the policy learns to hold still when it is done.
        ahead: frames from a moment to its future image; 0 stands for horizon * stride.
    """

    horizon: int
    stride: int = 1
    learn_end: bool = False
    ahead: int = 0

    def __post_init__(self) -> None:
        require(self.horizon >= 1, f"horizon must be >= 1, got {self.horizon}")
        require(self.stride >= 1, f"stride must be >= 1, got {self.stride}")
        require(self.ahead >= 0, f"ahead must be >= 0, got {self.ahead}")

    @classmethod
    def at_rate(cls, fps: float, *, period: float, horizon: int, learn_end: bool = False) -> Window:
        """Return the window for a policy of `period` s between actions on data of `fps` frames/s.

        Raises:
            ValueError: the data has no frame at the policy's times; both rates are named.
        """
        stride = round(fps * period)
        require(
            stride >= 1 and abs(fps * period - stride) < 1e-3 * stride,
            f"the data has {fps:g} frames/s and the robot acts at {1 / period:g} Hz: the data's "
            "rate must be a whole multiple of the robot's",
        )
        return cls(horizon=horizon, stride=stride, learn_end=learn_end)

    @classmethod
    def of_videos(cls, fps: float, *, period: float, horizon: int) -> Window:
        """Return the window for data without actions, at any rate.

        Only the future image counts, and the frame nearest to its time is taken: at 5 frames/s
        for 16 actions at 15 Hz, 1.07 s ahead, the 5th.

        Raises:
            ValueError: that time is less than half a frame away.
        """
        ahead = round(horizon * period * fps)
        require(
            ahead >= 1,
            f"the data has {fps:g} frames/s: too few for a future image {horizon * period:.3g} s "
            "ahead",
        )
        return cls(horizon=horizon, ahead=ahead)

    def chunk(
        self, actions: NDArray[np.float32], moment: int, absolute: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the chunk that starts at `moment`, [horizon, A], and where it was demonstrated.

        Args:
            actions: all actions of the episode, [L, A].
            moment: index of the chunk's first action, 0..L-1.
            absolute: which columns are absolute (held behind the end) and not relative (zero).
        """
        wanted = moment + self.stride * np.arange(self.horizon)
        inside = wanted < len(actions)
        held = actions[np.minimum(wanted, len(actions) - 1)]
        chunk = np.where(inside[:, None] | absolute, held, np.float32(0)).astype(np.float32)
        return chunk, np.repeat(inside[:, None] | self.learn_end, actions.shape[1], axis=1)

    def future(self, moment: int, length: int) -> int:
        """Return the frame `horizon` periods after `moment`, clamped to the episode's last."""
        return min(moment + (self.ahead or self.horizon * self.stride), length - 1)
