"""Does it look? Cameras that are exchanged or go black must change what it does."""

from __future__ import annotations

import numpy as np

from dust_eval.offline.evidence import Evidence, Shown
from dust_eval.offline.finding import Finding, Verdict, below, worst
from dust_eval.offline.moments import Moment
from dust_eval.offline.predictor import Views

WARN, BAD = 0.05, 0.01


def check_cameras(evidence: Evidence) -> Finding:
    """Exchange the cameras, then blacken one after the other."""
    names = list(evidence.moments.spread[0].views)
    figures: dict[str, float] = {}
    verdicts = []
    trials = {f"{name} black": _blackened(name) for name in names}
    if len(names) > 1:
        trials["cameras exchanged"] = _exchanged
    for title, views in trials.items():
        chunks = evidence.predict(evidence.moments.spread, views)
        figures[f"{title}: effect"] = effect = evidence.effect(chunks)
        figures[f"{title}: error / right error"] = evidence.error(chunks) / evidence.right
        verdicts.append(below(effect, warn=WARN, bad=BAD))
    verdict = worst(verdicts)
    blind = [title for title, found in zip(trials, verdicts, strict=True) if found != Verdict.OK]
    return Finding(
        check="cameras",
        verdict=verdict,
        says=(
            "It sees each camera and knows which is which."
            if verdict is Verdict.OK
            else f"It hardly notices: {', '.join(blind)}."
        ),
        limits=(
            f"effect (change of the chunk relative to the demonstrated motion), each: warn below "
            f"{WARN}, bad below {BAD}"
        ),
        figures=figures,
    )


def _exchanged(_: int, moment: Moment) -> Views:
    names = list(moment.views)
    turned = names[1:] + names[:1]
    return {name: moment.views[other] for name, other in zip(names, turned, strict=True)}


def _blackened(black: str) -> Shown:
    def views(_: int, moment: Moment) -> Views:
        return {
            name: np.zeros_like(image) if name == black else image
            for name, image in moment.views.items()
        }

    return views
