"""From bags to a dataset: staged episode by episode, then put together at once.

OUT/.convert/settings.json       what the conversion does; --resume needs the same
OUT/.convert/episodes/KEY/       one episode each, whole or not there
OUT/.convert/dataset/            the dataset while it is put together
OUT/data, OUT/videos, OUT/meta   moved here at the end, meta last; then .convert goes

Whatever moment it is killed at, the next run finds either a whole part or none.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dust_demos.conversion import layout_v21, layout_v30
from dust_demos.conversion.contents import Contents, gather
from dust_demos.conversion.faults import Gate, LeftOut
from dust_demos.conversion.files import write_json, write_lines
from dust_demos.conversion.jobs import Source, stage_all
from dust_demos.conversion.staging import Settings, load
from dust_demos.conversion.statistics import Statistics

VERSIONS = ("v3.0", "v2.1")
STAGE = ".convert"
PARTS = ("data", "videos", "meta")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a conversion came to.

    Attributes:
        episodes: how many were converted.
        frames: rows of them.
        tasks: different instructions.
        left_out: bags that were left out.
        was_complete: nothing had to be done.
    """

    episodes: int
    frames: int
    tasks: int
    left_out: tuple[LeftOut, ...]
    was_complete: bool = False


def convert(
    sources: Sequence[Source],
    out: Path,
    settings: Settings,
    *,
    workers: int = 1,
    resume: bool = False,
    done: Callable[[], None] = lambda: None,
) -> Result:
    """Make the dataset `out` of bags.

    Args:
        sources: the bags, in the order of the episodes.
        out: folder of the dataset; new or empty unless `resume`.
        settings: what to do.
        workers: processes. What is written does not depend on it.
        resume: go on with what an earlier run left.
        done: called for every bag that is done.

    Raises:
        ValueError: `out` is in use, or of another conversion.
        OSError: the disk is full or can't be written.
    """
    if (out / "meta" / "info.json").is_file():
        return _complete(sources, out, settings, resume=resume)
    if not resume and out.exists() and any(out.iterdir()):
        state = "an unfinished conversion: --resume goes on" if (out / STAGE).exists() else "files"
        raise ValueError(f"{out} already holds {state}")
    work = out / STAGE
    work.mkdir(parents=True, exist_ok=True)
    with _locked(work):
        _require_same(work / "settings.json", settings, out)
        stage_all(sources, work / "episodes", settings, workers=workers, done=done)
        return _finish(sources, out, settings)


def _finish(sources: Sequence[Source], out: Path, settings: Settings) -> Result:
    """Put the staged episodes together; without any, nothing stays."""
    work = out / STAGE
    staged = [(source.name, load(work / "episodes" / source.key)) for source in sources]
    contents, names, left_out = gather(settings, staged)
    if contents.episodes:
        _write(work / "dataset", sources, contents, names, left_out)
        for part in PARTS:
            shutil.rmtree(out / part, ignore_errors=True)
            os.replace(work / "dataset" / part, out / part)
    shutil.rmtree(work)
    if not contents.episodes and not any(out.iterdir()):
        out.rmdir()
    return Result(
        episodes=len(contents.episodes),
        frames=contents.starts[-1],
        tasks=len(contents.tasks),
        left_out=tuple(left_out),
    )


def _write(
    root: Path,
    sources: Sequence[Source],
    contents: Contents,
    names: Sequence[str],
    left_out: Sequence[LeftOut],
) -> None:
    shutil.rmtree(root, ignore_errors=True)
    layouts = {"v3.0": layout_v30, "v2.1": layout_v21}
    layouts[contents.settings.version].write(root, contents)
    meta = root / "meta"
    write_json(meta / "stats.json", _statistics(contents))
    write_json(meta / "modality.json", contents.modality())
    write_lines(meta / "sources.jsonl", contents.sources(names))
    write_lines(
        meta / "left_out.jsonl",
        ({"bag": row.bag, "gate": row.gate, "reason": row.reason} for row in left_out),
    )
    write_json(meta / "conversion.json", _recipe(sources, contents.settings))


def _statistics(contents: Contents) -> dict[str, Statistics]:
    """Return what meta/stats.json says of the whole dataset."""
    found = contents.all_statistics()
    if contents.settings.version != "v2.1":
        return found
    # GR00T's loader takes every measure for one value per column, which a count is not; LeRobot
    # v2.1 counts in episodes_stats.jsonl.
    return {
        feature: {name: value for name, value in measures.items() if name != "count"}
        for feature, measures in found.items()
    }


def _recipe(sources: Sequence[Source], settings: Settings) -> dict[str, Any]:
    bags = [{"name": source.name, "bytes": source.bytes} for source in sources]
    return {"settings": settings.to_json(), "bags": bags}


def _complete(sources: Sequence[Source], out: Path, settings: Settings, *, resume: bool) -> Result:
    """Return the result of a conversion that is complete already, if it is the same."""
    if not resume:
        raise ValueError(f"{out} already holds a dataset: choose another folder")
    meta = out / "meta"
    try:
        known = json.loads((meta / "conversion.json").read_text(encoding="utf-8"))
        info = json.loads((meta / "info.json").read_text(encoding="utf-8"))
        rows = (meta / "left_out.jsonl").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        raise ValueError(f"{out} holds a dataset that dust-convert did not make") from None
    if known != _recipe(sources, settings):
        raise ValueError(f"{out} is complete, but made of other bags or with other settings")
    shutil.rmtree(out / STAGE, ignore_errors=True)
    return Result(
        episodes=info["total_episodes"],
        frames=info["total_frames"],
        tasks=info["total_tasks"],
        left_out=tuple(_left_out(json.loads(row)) for row in rows),
        was_complete=True,
    )


def _left_out(row: dict[str, str]) -> LeftOut:
    return LeftOut(bag=row["bag"], gate=Gate(row["gate"]), reason=row["reason"])


def _require_same(path: Path, settings: Settings, out: Path) -> None:
    values = settings.to_json()
    if not path.is_file():
        draft = path.with_suffix(".draft")
        write_json(draft, values)
        os.replace(draft, path)
        return
    known = json.loads(path.read_text(encoding="utf-8"))
    other = [name for name in values if known.get(name) != values[name]]
    if other:
        raise ValueError(
            f"{out} was begun with other settings ({', '.join(other)}): give the same again, or "
            "remove the folder"
        )


@contextmanager
def _locked(work: Path) -> Iterator[None]:
    with (work / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ValueError(f"another dust-convert is at work on {work.parent}") from None
        yield
