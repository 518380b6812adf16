"""How far the future that a chunk predicted is from what the cameras showed then.

The world model predicts the primary view's embedding k periods after the observation. When that
time has come, perception's own embedding says what there really was. Both are tokens of the vision
tower, [world_tokens, vision_width], each token a piece of the picture. Score:

    d_o = sqrt(mean over channels of ((predicted - seen) / deviation)^2)     one per token
    score = mean of the largest quarter of d_o

Deviations are those of the channels in the demonstrations, so 0 is a perfect prediction and about
sqrt(2) one that has nothing to do with what was seen. The largest quarter, because what goes wrong,
such as a hand that lost its object, is seen in a few tokens and would drown in the mean of all.
"""

import threading
from collections import deque
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Embedding = NDArray[np.float32]
"""Tokens of the primary view [world_tokens, vision_width], raw scale of the vision tower."""

WORST_SHARE = 0.25
"""Share of the tokens that make up the score: those that differ most."""


class Action(StrEnum):
    """Values of the parameter `surprise.action`."""

    IGNORE = "ignore"
    FLAG = "flag"
    PAUSE = "pause"
    END = "end"


def distance(predicted: Embedding, seen: Embedding, deviation: NDArray[np.float64]) -> float:
    """Return the score of a prediction, 0 or more.

    Args:
        predicted: Predicted tokens.
        seen: Tokens that were seen, of the same shape.
        deviation: Deviation of each channel [vision_width], above 0.

    Raises:
        ValueError: The shapes differ.
    """
    if predicted.shape != seen.shape:
        raise ValueError(f"an embedding {seen.shape} can't be compared with {predicted.shape}")
    gaps = (predicted.astype(np.float64) - seen) / deviation
    tokens = np.sort(np.sqrt(np.mean(gaps**2, axis=1)))
    return float(tokens[-max(1, round(WORST_SHARE * len(tokens))) :].mean())


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What a chunk says about the future.

    Attributes:
        sequence: Number of the chunk.
        stamp_ns: When its observation was taken.
        due_ns: When what it predicts will be seen.
        vision_steps: Denoising steps that it took.
        embedding: Predicted tokens.
    """

    sequence: int
    stamp_ns: int
    due_ns: int
    vision_steps: int
    embedding: Embedding


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """A prediction whose time has come.

    Attributes:
        prediction: What was predicted.
        seen_ns: When the image was taken that it was compared with.
        score: Distance of the two.
    """

    prediction: Prediction
    seen_ns: int
    score: float


class FutureWatch:
    """Keep predictions until their time has come. Safe for threads."""

    def __init__(
        self, deviation: NDArray[np.float64], *, tolerance_ns: int, depth: int = 64
    ) -> None:
        """Begin without predictions.

        Args:
            deviation: Deviation of each channel of the embedding, above 0.
            tolerance_ns: How far an image may be away from a prediction's time.
            depth: Most predictions that are kept.
        """
        self._deviation = deviation
        self._tolerance_ns = tolerance_ns
        self._pending: deque[Prediction] = deque(maxlen=depth)
        self._last: tuple[int, Embedding] | None = None
        self._lock = threading.Lock()

    def expect(self, prediction: Prediction) -> None:
        """Keep a prediction."""
        with self._lock:
            self._pending.append(prediction)

    def clear(self) -> None:
        """Forget every prediction: the task does not go on as they thought."""
        with self._lock:
            self._pending.clear()
            self._last = None

    def see(self, stamp_ns: int, embedding: Embedding) -> list[Comparison]:
        """Compare what was predicted for times up to that of an image, oldest first.

        Each is compared with the nearest image before or after; with none if none is near enough.

        Raises:
            ValueError: The embedding has another shape than those predicted.
        """
        with self._lock:
            if self._last is not None and stamp_ns <= self._last[0]:
                self._pending.clear()  # the clock was set back
                self._last = None
            images = [image for image in (self._last, (stamp_ns, embedding)) if image is not None]
            self._last = (stamp_ns, embedding)
            due = [prediction for prediction in self._pending if prediction.due_ns <= stamp_ns]
            for prediction in due:
                self._pending.remove(prediction)  # by identity
        found = (self._compare(prediction, images) for prediction in due)
        return [comparison for comparison in found if comparison is not None]

    def _compare(
        self, prediction: Prediction, images: list[tuple[int, Embedding]]
    ) -> Comparison | None:
        seen_ns, seen = min(images, key=lambda image: abs(image[0] - prediction.due_ns))
        if abs(seen_ns - prediction.due_ns) > self._tolerance_ns:
            return None
        score = distance(prediction.embedding, seen, self._deviation)
        return Comparison(prediction, seen_ns, score)


class Alarm:
    """Counts scores above the threshold: one alone may be chance."""

    def __init__(self, debounce: int) -> None:
        """Set how many in a row make a surprise. Range: >= 1."""
        self._debounce = debounce
        self._above = 0

    def hear(self, score: float, threshold: float) -> bool:
        """Return whether this score makes it a surprise; a threshold of NaN never does."""
        self._above = self._above + 1 if score > threshold else 0
        return self._above >= self._debounce

    def clear(self) -> None:
        """Begin to count anew."""
        self._above = 0
