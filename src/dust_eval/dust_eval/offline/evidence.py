"""What all checks share: moments, the chunks predicted for them, and the scale of motion.

Chunks are compared on the arm's joints, in rad, and relative to the demonstrated motion: the
root mean square distance of demonstrated actions from the state at the chunk's start. With the same
seeds two predictions have the same noise, so that they differ by what the policy was shown only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dust_eval.offline.moments import Moment, Moments
from dust_eval.offline.predictor import Predictor, Views

Array = NDArray[np.float64]

Shown = Callable[[int, Moment], Views]
"""Images that are shown instead of a moment's own; gets its place among the moments and itself."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """See the module's head. Joints J are all columns but the last one, the gripper.

    Attributes:
        predictor: What is checked.
        moments: What it is shown.
        base: Chunks predicted for the spread moments [M, seeds, K, A].
        seeds: Seeds of the noise of `base`.
        period: Time between two actions. Unit: s.
        joint_names: Names of the joints.
    """

    predictor: Predictor
    moments: Moments
    base: Array
    seeds: tuple[int, ...]
    period: float
    joint_names: tuple[str, ...]

    @property
    def demonstrated(self) -> Array:
        """Demonstrated joint positions of the spread moments [M, K, J], rad."""
        return np.stack([moment.actions[:, :-1] for moment in self.moments.spread])

    @property
    def states(self) -> Array:
        """Joint positions of the spread moments [M, J], rad."""
        return np.stack([moment.state[:-1] for moment in self.moments.spread])

    @property
    def motion(self) -> float:
        """Demonstrated motion: see the module's head. Unit: rad."""
        return rms(self.demonstrated - self.states[:, None])

    @property
    def right(self) -> float:
        """Error of `base`, but at least 0.1 % of the motion: ratios stay finite. Unit: rad."""
        return max(self.error(self.base), 1e-3 * self.motion)

    def error(self, chunks: Array) -> float:
        """Return the error of chunks [M, seeds, K, A] of the spread moments. Unit: rad."""
        return rms(chunks[..., :-1] - self.demonstrated[:, None])

    def effect(self, chunks: Array) -> float:
        """Return how far chunks [M, seeds, K, A] lie from `base`, relative to the motion."""
        return rms((chunks - self.base)[..., :-1]) / self.motion

    def predict(self, moments: Sequence[Moment], views: Shown | None = None) -> Array:
        """Return chunks for moments [M, seeds, K, A], with other images than their own if given."""
        return np.stack(
            [
                self.predictor.predict(
                    moment.views if views is None else views(place, moment),
                    moment.state,
                    moment.instruction,
                    seeds=self.seeds,
                )
                for place, moment in enumerate(moments)
            ]
        )


def gather(
    predictor: Predictor,
    moments: Moments,
    *,
    period: float,
    joint_names: Sequence[str],
    draws: int = 2,
) -> Evidence:
    """Predict the chunks of the spread moments, which every check needs.

    Raises:
        ValueError: The demonstrations do not move, or a prediction is not finite.
    """
    seeds = tuple(range(draws))
    nothing = np.empty(0)
    blank = Evidence(predictor, moments, nothing, seeds, period, tuple(joint_names))
    if blank.motion < 1e-6:
        raise ValueError("the demonstrations do not move: there is nothing to compare with")
    base = blank.predict(moments.spread)
    if not np.isfinite(base).all():
        raise ValueError("the policy predicts values that are not finite")
    return Evidence(predictor, moments, base, seeds, period, tuple(joint_names))


def rms(values: Array) -> float:
    """Return the root mean square of all values."""
    return float(np.sqrt(np.mean(np.square(values))))
