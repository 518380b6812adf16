"""Does it act on what it sees, or only go on from the joint state?

The state betrays what the demonstrator is about to do, so a policy that copies from it looks
perfect offline, and does nothing right on the robot.

Its images are taken from other episodes, its own state is left: once from anywhere, once from where
the arm was posed most alike, so that only the scene differs. If that costs it nothing, the state
explained its predictions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dust_eval.offline.evidence import Evidence, Shown
from dust_eval.offline.finding import Finding, Verdict, below, worst
from dust_eval.offline.moments import Moment
from dust_eval.offline.predictor import Views

Array = NDArray[np.float64]

EFFECT_WARN, EFFECT_BAD = 0.15, 0.05
RATIO_WARN, RATIO_BAD = 1.3, 1.05
ALIKE_WARN = 1.05


def check_state_copying(evidence: Evidence, *, seed: int = 0) -> Finding:
    """Show images of other episodes beside the right state."""
    spread = evidence.moments.spread
    random = np.random.default_rng(seed)
    figures: dict[str, float] = {}
    donors = {
        "any scene": [_anywhere(spread, place, random) for place in range(len(spread))],
        "same pose": [_alike(spread, place) for place in range(len(spread))],
    }
    if any(donor is None for found in donors.values() for donor in found):
        return Finding(
            "state copying", Verdict.WARN, "One episode alone can't be shuffled.", "", {}
        )
    right = evidence.right
    for title, found in donors.items():
        chunks = evidence.predict(spread, _shown(spread, found))
        figures[f"{title}: effect"] = evidence.effect(chunks)
        figures[f"{title}: error / right error"] = evidence.error(chunks) / right
    figures["explained by the state"] = explained_share(
        right, figures["any scene: error / right error"] * right, evidence.motion
    )
    alike = figures["same pose: error / right error"]
    verdict = worst(
        (
            below(figures["any scene: effect"], warn=EFFECT_WARN, bad=EFFECT_BAD),
            below(figures["any scene: error / right error"], warn=RATIO_WARN, bad=RATIO_BAD),
            Verdict.WARN if alike < ALIKE_WARN else Verdict.OK,
        )
    )
    return Finding(
        check="state copying",
        verdict=verdict,
        says={
            Verdict.OK: "Wrong images spoil its predictions: it acts on what it sees.",
            Verdict.WARN: "Wrong images spoil its predictions little: the joint state leads.",
            Verdict.BAD: "Wrong images do not matter to it: it copies from the joint state.",
        }[verdict],
        limits=(
            f"any scene, effect: warn below {EFFECT_WARN}, bad below {EFFECT_BAD}; error / right "
            f"error: warn below {RATIO_WARN}, bad below {RATIO_BAD}; same pose: warn below "
            f"{ALIKE_WARN}"
        ),
        figures=figures,
    )


def explained_share(right: float, wrong: float, motion: float) -> float:
    """Return how much of what a policy explains of the motion it explains with wrong images, too.

    Explained is the share of the demonstrated motion's square that is not left as error.

    Args:
        right: Error with the right images. Unit: rad.
        wrong: Error with wrong ones. Unit: rad.
        motion: Demonstrated motion. Unit: rad.

    Returns:
        0 (the images do it all) to 1 (the state does); 1 if it explains nothing in the first place.
    """
    explained = 1 - (right / motion) ** 2
    return min(1.0, max(0.0, 1 - (wrong / motion) ** 2) / explained) if explained > 0 else 1.0


def _shown(spread: tuple[Moment, ...], donors: list[int | None]) -> Shown:
    def views(place: int, _: Moment) -> Views:
        donor = donors[place]
        assert donor is not None
        return spread[donor].views

    return views


def _others(spread: tuple[Moment, ...], place: int) -> list[int]:
    own = spread[place].episode
    return [other for other, moment in enumerate(spread) if moment.episode != own]


def _anywhere(spread: tuple[Moment, ...], place: int, random: np.random.Generator) -> int | None:
    others = _others(spread, place)
    return others[int(random.integers(len(others)))] if others else None


def _alike(spread: tuple[Moment, ...], place: int) -> int | None:
    """Return the moment of another episode whose joints are nearest."""
    own = spread[place].state
    gaps = {o: float(np.abs(spread[o].state - own).max()) for o in _others(spread, place)}
    return min(gaps, key=lambda other: gaps[other]) if gaps else None
