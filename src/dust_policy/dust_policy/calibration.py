"""From scores of good runs to the thresholds above which a prediction counts as a surprise."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

FEWEST = 30
"""Fewest scores that a threshold is made of."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Thresholds by denoising steps: a future made in more steps is usually nearer.

    Attributes:
        by_steps: N_o -> threshold, > 0.
        checkpoint: Fingerprint that the scores belong to; empty: any.
        scores: N_o -> how many scores it was made of.
    """

    by_steps: Mapping[int, float] = field(default_factory=dict)
    checkpoint: str = ""
    scores: Mapping[int, int] = field(default_factory=dict)

    def of(self, vision_steps: int) -> float:
        """Return the threshold of a chunk: that of its steps, else of the nearest fewer, else more.

        NaN when there is none at all.
        """
        if not self.by_steps:
            return math.nan
        fewer = [steps for steps in self.by_steps if steps <= vision_steps]
        return self.by_steps[max(fewer) if fewer else min(self.by_steps)]

    def save(self, path: Path) -> None:
        """Write the thresholds as JSON."""
        values = {
            "checkpoint": self.checkpoint,
            "thresholds": {str(steps): self.by_steps[steps] for steps in sorted(self.by_steps)},
            "scores": {str(steps): self.scores[steps] for steps in sorted(self.scores)},
        }
        path.write_text(json.dumps(values, indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Thresholds":
        """Read what `save` wrote.

        Raises:
            ValueError: The file can't be read or holds something else; one line with the remedy.
        """
        try:
            values = json.loads(path.read_text())
            by_steps = {int(steps): float(value) for steps, value in values["thresholds"].items()}
            scores = {int(steps): int(count) for steps, count in values.get("scores", {}).items()}
            checkpoint = str(values["checkpoint"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"{path} holds no thresholds of surprise ({error!r}): write it with "
                "dust-calibrate-surprise"
            ) from None
        if not by_steps or not all(
            value > 0 and math.isfinite(value) for value in by_steps.values()
        ):
            raise ValueError(f"{path}: thresholds must be numbers above 0, got {by_steps}")
        return cls(by_steps, checkpoint, scores)


def calibrate(
    scores: Iterable[tuple[int, float]], *, quantile: float, margin: float, checkpoint: str = ""
) -> Thresholds:
    """Return thresholds that good runs seldom exceed.

    Args:
        scores: Vision steps and score of each comparison in good runs.
        quantile: Share of the scores that stays below. Range: 0.5 to 1.
        margin: Factor on top. Range: >= 1.
        checkpoint: Fingerprint of the checkpoint that made them.

    Raises:
        ValueError: There are too few scores for any number of steps.
    """
    by_steps: dict[int, list[float]] = {}
    for steps, score in scores:
        by_steps.setdefault(steps, []).append(score)
    enough = {steps: values for steps, values in by_steps.items() if len(values) >= FEWEST}
    if not enough:
        found = ", ".join(f"{len(by_steps[n])} with N_o = {n}" for n in sorted(by_steps)) or "none"
        raise ValueError(
            f"thresholds need at least {FEWEST} scores with the same denoising steps, found "
            f"{found}: record more good runs, with the topic surprise"
        )
    return Thresholds(
        {n: float(np.quantile(values, quantile)) * margin for n, values in enough.items()},
        checkpoint,
        {n: len(values) for n, values in enough.items()},
    )
