"""`dust-stats`: what is in a LeRobot dataset, and the statistics that training normalises with.

dust-stats DATASET                print them, and whether the stored ones agree
dust-stats DATASET --videos       look into every video too
dust-stats DATASET --write        store them in meta/stats.json, as GR00T reads them
dust-stats DATASET --videos-only  a dataset without states and actions
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dust_model.data.faults import DataError, LeftOut, OnFault
from dust_model.data.layout import Layout
from dust_model.data.measure import (
    MEASURES,
    Stored,
    differences,
    stored,
    summarise,
    vector_features,
)
from dust_model.data.modality import Group
from dust_model.data.recording import Recording, column_names
from dust_model.data.video import end_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0, 1 if an episode is faulty, 2 for a mistake."""
    options = _parser().parse_args(arguments)
    try:
        recording = Recording.open(
            options.dataset,
            modality=options.modality,
            state=options.state,
            action=options.action,
            videos_only=options.videos_only,
            on_fault=OnFault.SKIP,
        )
        faults = [*recording.left_out, *(_faulty_videos(recording) if options.videos else ())]
        _print(recording, faults)
        if recording.has_numbers:
            _compare_or_write(recording.layout, write=options.write, skip=bool(recording.left_out))
    except (ValueError, OSError) as error:
        print(f"dust-stats: {error}", file=sys.stderr)
        return 2
    return 1 if faults else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "dust-stats", description="Print or store the statistics of a LeRobot dataset."
    )
    parser.add_argument("dataset", type=Path, help="folder of the dataset, v2.0, v2.1 or v3.0")
    parser.add_argument("--modality", type=Path, help="default: DATASET/meta/modality.json")
    parser.add_argument("--state", nargs="+", metavar="GROUP", help="groups of the state")
    parser.add_argument("--action", nargs="+", metavar="GROUP", help="groups of an action")
    parser.add_argument("--videos", action="store_true", help="open every video")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--write", action="store_true", help="store them in meta/stats.json")
    only.add_argument("--videos-only", action="store_true", help="take no notice of the numbers")
    return parser


def _faulty_videos(recording: Recording) -> list[LeftOut]:
    """Return the episodes that have a video which is missing, broken or too short."""
    faults = []
    for episode in recording.episodes:
        for key in sorted(set(recording.modality.video.values()) & set(episode.files.clips)):
            clip = episode.files.clips[key]
            try:
                needed, ends = clip.start + float(episode.times[-1]), end_of(clip.path)
                if ends < needed:
                    raise DataError(f"{clip.path} ends at {ends:.3f} s, not {needed:.3f} s")
            except DataError as fault:
                faults.append(LeftOut(episode.files.index, str(fault)))
    return faults


def _print(recording: Recording, faults: Sequence[LeftOut]) -> None:
    layout, modality = recording.layout, recording.modality
    used = sorted({int(task) for e in recording.episodes for task in np.unique(e.task)})
    print(
        f"{layout.root}: LeRobot {layout.version}, {len(recording.episodes)} episodes, "
        f"{recording.frames} frames at {layout.fps:g} frames/s "
        f"({recording.frames / layout.fps / 60:.1f} min)"
    )
    print(f"cameras: {', '.join(modality.video) or 'none'}")
    for task in used:
        print(f"task: {layout.tasks[task]}")
    parts = (
        ("state", modality.state, recording.states()),
        ("action", modality.action, recording.actions()),
    )
    for kind, groups, values in parts if recording.has_numbers else ():
        _print_table(kind, groups, column_names(layout, groups), values)
    for fault in faults:
        print(f"fault: {fault}")


def _print_table(
    kind: str, groups: Sequence[Group], names: Sequence[str], values: np.ndarray
) -> None:
    measured = summarise(values)
    width = max(len(name) for name in (*names, kind))
    print(f"\n{kind:{width}} " + " ".join(f"{name:>10}" for name in MEASURES))
    for column, name in enumerate(names):
        row = " ".join(f"{measured[measure][column]:10.4f}" for measure in MEASURES)
        still = measured["min"][column] == measured["max"][column]
        print(f"{name:{width}} {row}{'  never changes' if still else ''}")
    relative = [group.name for group in groups if not group.absolute]
    if relative:
        print(f"relative: {', '.join(relative)}")


def _compare_or_write(layout: Layout, *, write: bool, skip: bool) -> None:
    measured = _measure_features(layout)
    known = stored(layout)
    print()
    if write:
        path = _write(layout, measured)
        print(f"written: {path}{' (without the faulty episodes)' if skip else ''}")
    elif known is None:
        print("the dataset stores no statistics: --write does")
    else:
        lines = differences(measured, known[1])
        print(f"meta/{known[0]} {'agrees' if not lines else 'differs:'}")
        print("".join(f"  {line}\n" for line in lines), end="")


def _measure_features(layout: Layout) -> dict[str, dict[str, list[float]]]:
    """Return the statistics of every float vector of the dataset, whole, as stats.json has them."""
    modality = vector_features(layout)
    recording = Recording.read(layout, modality, on_fault=OnFault.SKIP)
    ends = np.cumsum([group.columns for group in modality.state])[:-1]
    tables = np.split(recording.states(), ends, axis=1)
    return {g.name: summarise(t) for g, t in zip(modality.state, tables, strict=True)}


def _write(layout: Layout, measured: Stored) -> Path:
    """Store statistics, whole or not at all; what the file says of other features stays."""
    path = layout.root / "meta" / "stats.json"
    values = json.loads(path.read_text()) if path.is_file() else {}
    for feature, measures in measured.items():
        values[feature] = {**values.get(feature, {}), **measures}
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as draft:
        try:
            draft.write(json.dumps(values, indent=2) + "\n")
            draft.close()
            os.chmod(draft.name, 0o644)
            os.replace(draft.name, path)
        except BaseException:
            Path(draft.name).unlink(missing_ok=True)
            raise
    return path


if __name__ == "__main__":
    sys.exit(main())
