"""Statistics as LeRobot stores them: for every column, and for every colour of a camera.

Numbers: of all rows. Images: of up to a few hundred of an episode, thinned out, as LeRobot
does. Quantiles are exact in both, also over the whole dataset, where LeRobot bounds them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dust_demos.conversion.pictures import Pixels

Statistics = dict[str, Any]
"""Measure -> nested lists: [columns], or [3][1][1] for colours; count is [1]."""

QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}
_LEAST, _MOST, _POWER = 100, 10_000, 0.75
_THIN_FROM, _THIN_TO = 300, 150


def of_columns(values: ArrayLike) -> Statistics:
    """Return the statistics of each column of `values`, [rows, columns] or [rows]."""
    table = np.asarray(values, np.float64)
    table = table.reshape(len(table), -1)
    measures = {
        "min": table.min(0),
        "max": table.max(0),
        "mean": table.mean(0),
        "std": table.std(0),
    }
    measures |= {name: np.quantile(table, share, axis=0) for name, share in QUANTILES.items()}
    listed: Statistics = {name: value.tolist() for name, value in measures.items()}
    return listed | {"count": [len(table)]}


def sampled(length: int) -> NDArray[np.int64]:
    """Return which of `length` images are counted: length^0.75 of them, 100 at least if there."""
    count = max(min(_LEAST, length), min(int(length**_POWER), _MOST))
    return np.unique(np.round(np.linspace(0, length - 1, count)).astype(np.int64))


class ColourCounts:
    """How often each value of each colour appears in some images.

    Attributes:
        counts: int64 [3, 256], red, green, blue.
        images: how many were counted.
    """

    def __init__(self, counts: ArrayLike | None = None, images: int = 0) -> None:
        empty = np.zeros((3, 256), np.int64)
        self.counts = empty if counts is None else np.array(counts, np.int64)
        self.images = images

    def add(self, pixels: Pixels) -> None:
        """Count a picture, BGR uint8 [H, W, 3]; large ones are thinned out."""
        longest = max(pixels.shape[:2])
        step = longest // _THIN_TO if longest >= _THIN_FROM else 1
        thin = pixels[::step, ::step]
        for colour in range(3):
            self.counts[colour] += np.bincount(thin[..., 2 - colour].ravel(), minlength=256)
        self.images += 1

    def merge(self, other: ColourCounts) -> None:
        """Count in what another one has counted."""
        self.counts += other.counts
        self.images += other.images

    def statistics(self) -> Statistics:
        """Return the statistics of each colour, in [0, 1]."""
        levels = np.arange(256) / 255
        total = self.counts.sum(1)
        mean = self.counts @ levels / total
        square = self.counts @ levels**2 / total
        below = np.cumsum(self.counts, axis=1)
        measures = {
            "min": levels[np.argmax(below > 0, axis=1)],
            "max": levels[np.argmax(below >= total[:, None], axis=1)],
            "mean": mean,
            "std": np.sqrt(np.maximum(square - mean**2, 0)),
        }
        for name, share in QUANTILES.items():
            measures[name] = levels[np.argmax(below >= share * total[:, None], axis=1)]
        listed: Statistics = {n: v.reshape(3, 1, 1).tolist() for n, v in measures.items()}
        return listed | {"count": [self.images]}
