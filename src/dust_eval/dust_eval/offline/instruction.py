"""Does it listen? Another instruction for the same scene must change what it does."""

from __future__ import annotations

from dataclasses import replace

from dust_eval.offline.evidence import Evidence
from dust_eval.offline.finding import Finding, Verdict, below

WARN, BAD = 0.05, 0.01


def check_instruction(evidence: Evidence) -> Finding:
    """Give every moment another one of the dataset's instructions."""
    spread = evidence.moments.spread
    known = list(dict.fromkeys(moment.instruction for moment in spread))
    if len(known) < 2:
        return Finding(
            "instruction", Verdict.WARN, "One instruction alone can't be exchanged.", "", {}
        )
    turned = dict(zip(known, known[1:] + known[:1], strict=True))
    others = [replace(moment, instruction=turned[moment.instruction]) for moment in spread]
    chunks = evidence.predict(others)
    effect = evidence.effect(chunks)
    verdict = below(effect, warn=WARN, bad=BAD)
    return Finding(
        check="instruction",
        verdict=verdict,
        says=(
            "Another instruction changes what it does."
            if verdict is Verdict.OK
            else "It hardly notices which instruction it is given."
        ),
        limits=f"effect: warn below {WARN}, bad below {BAD}",
        figures={
            "effect": effect,
            "error / right error": evidence.error(chunks) / evidence.right,
        },
    )
