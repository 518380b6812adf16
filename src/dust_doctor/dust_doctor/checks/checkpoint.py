"""Does the checkpoint fit the cameras, joints and rates that are here? Read without torch."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dust_doctor.evidence import GraphEvidence
from dust_doctor.finding import Finding, fail, ok, warn, worst
from dust_doctor.weights import weights_defect
from dust_doctor.wishes import Wishes

WEIGHTS = ("backbone.safetensors", "head.safetensors")
"""Those of a checkpoint's files that hold its weights."""

FILES = ("config.json", "statistics.json", "tokenizer.json", *WEIGHTS)
"""What a checkpoint's folder holds."""

_COPY = "copy the checkpoint anew, or give another one: --checkpoint FOLDER"
_GIVE = "give the folder of a checkpoint: --checkpoint FOLDER (dust-init makes an untrained one)"


@dataclass(frozen=True, slots=True)
class CheckpointEvidence:
    """What a checkpoint says of itself.

    Attributes:
        folder: Where it lies.
        defect: Why it cannot be used; empty: nothing found.
        remedy: What mends that.
        views: Cameras that it was trained with.
        joint_names: Arm joints that it was trained with.
        period: Time between two of its actions. Unit: s.
        horizon: Actions in one of its chunks.
        weights: Size of its weights. Unit: bytes.
    """

    folder: Path
    defect: str = ""
    remedy: str = _GIVE
    views: tuple[str, ...] = ()
    joint_names: tuple[str, ...] = ()
    period: float = 0.0
    horizon: int = 0
    weights: int = 0


def gather_checkpoint(folder: Path) -> CheckpointEvidence:
    """Read what a checkpoint's folder says; of its weights, only whether they are whole."""
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        what = "is not a folder" if not folder.is_dir() else f"lacks {', '.join(missing)}"
        return CheckpointEvidence(folder, f"{folder} {what}")
    try:
        robot = json.loads((folder / "config.json").read_text())["robot"]
        found = _read(folder, robot)
    except (OSError, ValueError, KeyError, TypeError) as error:
        told = f"{type(error).__name__}: {error}"
        return CheckpointEvidence(folder, f"{folder / 'config.json'} cannot be read ({told})")
    broken = next(filter(None, (_file_defect(folder / name) for name in FILES)), "")
    return CheckpointEvidence(folder, broken, _COPY) if broken else found


def _file_defect(path: Path) -> str:
    try:
        if path.name in WEIGHTS:
            return weights_defect(path)
        json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return f"{path} cannot be read ({error})"
    return ""


def _read(folder: Path, robot: dict[str, Any]) -> CheckpointEvidence:
    weights = sum((folder / name).stat().st_size for name in WEIGHTS)
    return CheckpointEvidence(
        folder,
        views=tuple(robot["views"]),
        joint_names=tuple(robot["joint_names"]),
        period=float(robot["period"]),
        horizon=int(robot["horizon"]),
        weights=weights,
    )


def judge_checkpoint(checkpoint: CheckpointEvidence, wishes: Wishes) -> Finding:
    """Judge a checkpoint by itself and against the views that are known."""
    if checkpoint.defect:
        return fail(checkpoint.defect, checkpoint.remedy)
    unknown = [view for view in checkpoint.views if view not in wishes.image_topics]
    if unknown:
        return fail(
            f"it was trained with a view '{unknown[0]}'; known: {', '.join(wishes.image_topics)}",
            f"name its topic: --image {unknown[0]}=TOPIC, or take a checkpoint made for this bench",
        )
    if not (math.isfinite(checkpoint.period) and checkpoint.period > 0):
        return fail(f"its period is {checkpoint.period} s", _GIVE)
    return ok(_summary(checkpoint))


def _summary(checkpoint: CheckpointEvidence) -> str:
    return (
        f"views {', '.join(checkpoint.views)}; {len(checkpoint.joint_names)} joints; "
        f"{checkpoint.horizon} actions at {1 / checkpoint.period:.3g} Hz; "
        f"{checkpoint.weights / 2**20:.0f} MiB of weights"
    )


def judge_fit(checkpoint: CheckpointEvidence, wishes: Wishes, graph: GraphEvidence) -> Finding:
    """Judge a checkpoint against the cameras, joints and rates of the running graph."""
    own = judge_checkpoint(checkpoint, wishes)
    if own.remedy:
        return own
    found = [*_cameras(checkpoint, graph), *_joints(checkpoint, graph)]
    found += [*_policy(checkpoint, graph)]
    return worst([*found, ok(f"fits what was heard: {_summary(checkpoint)}")])


def _cameras(checkpoint: CheckpointEvidence, graph: GraphEvidence) -> Iterator[Finding]:
    actions = 1 / checkpoint.period
    for view in checkpoint.views:
        stream = graph.cameras.get(view)
        if stream is None:
            yield fail(f"it needs the view '{view}', which sends nothing", "start that camera")
        elif stream.rate < 0.9 * actions:
            says = f"view '{view}' comes at {stream.rate:.1f} Hz, its actions at {actions:.3g} Hz"
            yield warn(says, "raise the camera's rate, or take a checkpoint trained at this rate")


def _joints(checkpoint: CheckpointEvidence, graph: GraphEvidence) -> Iterator[Finding]:
    missing = [name for name in checkpoint.joint_names if name not in graph.joint_names]
    if not graph.joint_names:
        yield fail("nothing says where the joints are", "start the arm's driver")
    elif missing:
        says = f"it moves {missing[0]}, which joint_states do not have"
        yield fail(says, "take a checkpoint made for this arm, or mend the arm's prefix")


def _policy(checkpoint: CheckpointEvidence, graph: GraphEvidence) -> Iterator[Finding]:
    rate = graph.parameters.get("dust_policy.action_rate")
    if rate and not math.isclose(float(rate), 1 / checkpoint.period, rel_tol=1e-3):
        says = f"dust_policy expects {rate} actions/s, it has {1 / checkpoint.period:.3g}"
        yield fail(says, "set action_rate in policy.yaml to the checkpoint's, if the robot follows")
    for node in ("dust_policy", "dust_perception"):
        running = graph.parameters.get(f"{node}.checkpoint")
        if running and Path(running).resolve() != checkpoint.folder.resolve():
            says = f"{node} runs another checkpoint: {running}"
            yield fail(says, "start both nodes with the same checkpoint:=...")
