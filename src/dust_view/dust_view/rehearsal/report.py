"""A rehearsal's score as JSON, as a table, and the commands beside it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from dust_view.arm import FollowingArm
from dust_view.rehearsal.score import Distance, Score, Spread

JSON_NAME, COMMANDS_NAME = "report.json", "commands.npz"


def to_dict(score: Score, setting: dict[str, Any]) -> dict[str, Any]:
    """Return the report for JSON; units stand in the names.

    Args:
        score: What was found.
        setting: What was rehearsed and how.
    """
    notes = score.notes
    return {
        "passed": not score.problems,
        "problems": score.problems,
        "digest": score.digest,
        "setting": setting,
        "seconds": score.seconds,
        "ending": notes.ending,
        "sets": notes.sets,
        "skipped_sets": notes.skipped,
        "chunks": len(notes.chunks),
        "accepted": notes.accepted,
        "rejected": notes.rejected,
        "rejections": notes.rejections,
        "clamped_actions": notes.clamped,
        "limited_chunks": notes.limited,
        "silent_sets": notes.silent,
        "limits": {
            "samples": score.limits.samples,
            "outside": dict(score.limits.outside),
            "peak_share": dict(score.limits.peak),
        },
        "seams": {
            "count": score.take_overs,
            "position_rad": score.seam[0],
            "velocity_rad_s": score.seam[1],
            "acceleration_rad_s2": score.seam[2],
            "correction_rad": asdict(score.correction),
        },
        "distance_commanded": _distance(score.commanded),
        "distance_actions": _distance(score.actions),
        "latency_wall_s": {stage: asdict(spread) for stage, spread in score.latency.items()},
    }


def table(score: Score) -> str:
    """Return the report for people."""
    notes, limits = score.notes, score.limits
    used = ", ".join(f"{kind} {share:.0%}" for kind, share in limits.peak.items())
    outside = sum(limits.outside.values())
    lines = [
        f"{'sets, chunks':<22}{notes.sets}, {len(notes.chunks)} ({notes.accepted} accepted, "
        f"{notes.rejected} rejected, {notes.limited} limited, {notes.clamped} actions clamped)",
        f"{'limits at 1 kHz':<22}{outside} of {limits.samples} samples outside; used: {used}",
        f"{'seams':<22}{score.take_overs}; largest step {score.seam[0]:.1e} rad, "
        f"{score.seam[1]:.1e} rad/s, {score.seam[2]:.1e} rad/s^2",
        f"{'chunk against plan':<22}{_spread(score.correction, 1e3)} mrad",
        *_distance_lines("commands to recorded", score.commanded),
        *_distance_lines("actions to recorded", score.actions),
        *(f"{stage:<22}{_spread(row, 1e3)} ms" for stage, row in score.latency.items()),
        f"{'task':<22}{notes.ending}",
        *(f"{'rejected':<22}{reason}" for reason in notes.rejections),
        f"{'digest':<22}{score.digest}",
        *(f"{'PROBLEM':<22}{problem}" for problem in score.problems),
    ]
    return "\n".join(lines)


def save(folder: Path, report: dict[str, Any], arm: FollowingArm) -> None:
    """Write report.json and commands.npz (times_ns [N], positions [N, 7] in rad at 1 kHz)."""
    folder.mkdir(parents=True, exist_ok=True)
    times, positions = arm.commands()
    np.savez_compressed(folder / COMMANDS_NAME, times_ns=times, positions=positions)
    # The report comes last: where it is, all is.
    draft = folder / f"{JSON_NAME}.draft"
    draft.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    draft.replace(folder / JSON_NAME)


def _distance(distance: Distance) -> dict[str, Any]:
    return {
        "source": distance.source,
        "joint_rad": asdict(distance.joint),
        "joint_rms_rad": distance.joint_rms,
        "hand_m": asdict(distance.hand),
    }


def _distance_lines(title: str, distance: Distance) -> list[str]:
    if not distance.joint.count:
        return [f"{title:<22}nothing to compare with in the bag"]
    return [
        f"{title:<22}{_spread(distance.joint, 1e3)} mrad ({distance.source})",
        f"{'':<22}{_spread(distance.hand, 1e3)} mm at the hand",
    ]


def _spread(spread: Spread, factor: float) -> str:
    values = (spread.p50, spread.p95, spread.p99, spread.worst)
    p50, p95, p99, worst = (f"{value * factor:.1f}" for value in values)
    return f"p50 {p50}  p95 {p95}  p99 {p99}  worst {worst}"
