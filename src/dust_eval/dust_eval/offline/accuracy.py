"""Is it better than doing nothing? Errors per joint against holding still, and when it grips."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dust_eval.offline.evidence import Evidence, rms
from dust_eval.offline.finding import Finding, Verdict, above, below, worst

Array = NDArray[np.float64]

ERROR_WARN, ERROR_BAD = 0.5, 1.0
HIT_WARN, HIT_BAD = 0.8, 0.5
FALSE_WARN, FALSE_BAD = 0.1, 0.3
LATE_WARN, LATE_BAD = 3.0, 6.0  # periods


def check_accuracy(evidence: Evidence) -> Finding:
    """Compare the error of predicted actions with that of holding still."""
    held = evidence.motion
    error = evidence.error(evidence.base)
    figures = {
        "error [rad]": error,
        "holding still [rad]": held,
        "error / holding still": error / held,
    }
    misses = evidence.base[..., :-1] - evidence.demonstrated[:, None]
    for column, name in enumerate(evidence.joint_names):
        figures[f"error of {name} [rad]"] = rms(misses[..., column])
    verdict = above(error / held, warn=ERROR_WARN, bad=ERROR_BAD)
    return Finding(
        check="action error",
        verdict=verdict,
        says={
            Verdict.OK: "It predicts what was demonstrated far better than holding still would.",
            Verdict.WARN: "It predicts what was demonstrated, but not well.",
            Verdict.BAD: "Holding still would predict the demonstrations better.",
        }[verdict],
        limits=f"error / holding still: warn above {ERROR_WARN}, bad above {ERROR_BAD}",
        figures=figures,
    )


def check_gripper(evidence: Evidence) -> Finding:
    """Look whether the gripper opens and closes when it was demonstrated, and only then."""
    offsets: list[float | None] = []
    if evidence.moments.grips:
        chunks = evidence.predict(evidence.moments.grips)[..., -1]
        for moment, drawn in zip(evidence.moments.grips, chunks, strict=True):
            wanted = first_toggle(moment.actions[:, -1])
            if wanted is not None:
                offsets += [_offset(wanted, first_toggle(chunk)) for chunk in drawn]
    wrong = _false_toggles(evidence)
    if not offsets:
        return Finding(
            check="gripper timing",
            verdict=Verdict.WARN,
            says="The demonstrations never open or close the gripper: nothing could be checked.",
            limits="",
            figures={"false changes": wrong},
        )
    hits = [offset for offset in offsets if offset is not None]
    hit = len(hits) / len(offsets)
    late = float(np.mean(np.abs(hits))) if hits else float("inf")
    verdict = worst(
        (
            below(hit, warn=HIT_WARN, bad=HIT_BAD),
            above(late, warn=LATE_WARN, bad=LATE_BAD),
            above(wrong, warn=FALSE_WARN, bad=FALSE_BAD),
        )
    )
    figures = {"changes predicted": hit, "false changes": wrong}
    if hits:
        figures["offset, mean [s]"] = float(np.mean(hits)) * evidence.period
        figures["offset, mean magnitude [s]"] = late * evidence.period
    return Finding(
        check="gripper timing",
        verdict=verdict,
        says={
            Verdict.OK: "It opens and closes the gripper when the demonstrations do.",
            Verdict.WARN: "It opens or closes the gripper at the wrong time now and then.",
            Verdict.BAD: "It does not open and close the gripper when the demonstrations do.",
        }[verdict],
        limits=(
            f"changes predicted: warn below {HIT_WARN}, bad below {HIT_BAD}; false changes: warn "
            f"above {FALSE_WARN}, bad above {FALSE_BAD}; magnitude of the offset: warn above "
            f"{LATE_WARN * evidence.period:.2f} s, bad above {LATE_BAD * evidence.period:.2f} s"
        ),
        figures=figures,
    )


def first_toggle(gripper: Array) -> tuple[int, bool] | None:
    """Return when a chunk's gripper [K] first changes, and whether it closes; None: never."""
    shut = gripper < 0.5
    changes = np.flatnonzero(shut[1:] != shut[:-1]) + 1
    return (int(changes[0]), bool(shut[changes[0]])) if len(changes) else None


def _offset(wanted: tuple[int, bool], got: tuple[int, bool] | None) -> float | None:
    """Return how many periods late a change comes; None if there is none of that kind."""
    return None if got is None or got[1] != wanted[1] else float(got[0] - wanted[0])


def _false_toggles(evidence: Evidence) -> float:
    """Return the share of chunks that change the gripper where the demonstration does not."""
    quiet = [
        drawn
        for moment, drawn in zip(evidence.moments.spread, evidence.base[..., -1], strict=True)
        if first_toggle(moment.actions[:, -1]) is None
    ]
    toggled = [first_toggle(chunk) is not None for drawn in quiet for chunk in drawn]
    return float(np.mean(toggled)) if toggled else 0.0
