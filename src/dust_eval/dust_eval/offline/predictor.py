"""What is checked: something that predicts chunks of actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Views = Mapping[str, NDArray[np.uint8]]
"""Camera -> RGB image, uint8 [H, W, 3]."""


class Predictor(Protocol):
    """Images, state and instruction in, chunks out."""

    def predict(
        self, views: Views, state: NDArray[np.float64], instruction: str, *, seeds: Sequence[int]
    ) -> NDArray[np.float64]:
        """Return a chunk per seed [seeds, K, A], raw units; the same seed has the same noise."""
