"""What has been collected so far: a line per demonstration, put on disk before the next one begins.

OUT/collection.jsonl: one row per demonstration. OUT/collection.json: settings and summary.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dust_demos.collection.settings import MADE_BY, CollectionSettings

ROWS = "collection.jsonl"
SUMMARY = "collection.json"

BROKEN = "broken"
"""Outcome of a demonstration that could not be carried out."""


@dataclass(frozen=True, slots=True)
class Row:
    """One demonstration.

    Attributes:
        name: Name of the episode and of its bag.
        task: Task.
        object_name: Object.
        seed: Seed of the scene.
        distractors: Further objects.
        outcome: success, half, failure; broken: it could not be carried out.
        reason: What the oracle saw, or what broke.
        elapsed_sec: Time it took by the cell's clock. Unit: s.
        wall_sec: Wall time with setting up and closing the bag. Unit: s.
        faults: What is wrong with the recording, in words.
        outside: Commanded samples at 1 kHz outside the robot's limits.
    """

    name: str
    task: str
    object_name: str
    seed: int
    distractors: tuple[str, ...]
    outcome: str
    reason: str
    elapsed_sec: float
    wall_sec: float
    faults: tuple[str, ...] = ()
    outside: int = 0

    @property
    def is_good(self) -> bool:
        """Whether it succeeded and nothing is wrong with its recording."""
        return self.outcome == "success" and not self.faults


class Journal:
    """The journal of a folder.

    Args:
        out: Folder of the collection; made if it is not there.
        settings: What is collected into it.
        resume: Whether to go on with what is there.

    Raises:
        ValueError: There is something already and `resume` was not asked for, it was made with
            other settings, or it cannot be read.
        OSError: The folder cannot be written to.
    """

    def __init__(self, out: Path, settings: CollectionSettings, *, resume: bool) -> None:
        self.out = out
        self.settings = settings
        out.mkdir(parents=True, exist_ok=True)
        rows = read_rows(out / ROWS)
        if rows and not resume:
            raise ValueError(
                f"{out} holds {len(rows)} demonstrations already: --resume goes on with them, "
                "or name another folder"
            )
        # What could not be carried out is tried again, this time only.
        self.rows: list[Row] = [row for row in rows if row.outcome != BROKEN]
        _check_made_alike(out / SUMMARY, settings)
        # Drops half a line that a kill has left.
        _replace(out / ROWS, "".join(_line(row) for row in self.rows))
        self.summarise()

    @property
    def names(self) -> frozenset[str]:
        """Names of the demonstrations that need not be taken any more."""
        return frozenset(row.name for row in self.rows)

    def add(self, row: Row) -> None:
        """Note a demonstration; it is on disk when this returns."""
        self.rows.append(row)
        with (self.out / ROWS).open("a", encoding="utf-8") as file:
            file.write(_line(row))
            file.flush()
            os.fsync(file.fileno())

    def summarise(self) -> dict[str, Any]:
        """Write settings and summary beside the rows, and return them."""
        content = {"settings": asdict(self.settings), **summary(self.rows)}
        _replace(self.out / SUMMARY, json.dumps(content, indent=1) + "\n")
        return content


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a journal; an unfinished last line does not count.

    Raises:
        ValueError: Another line is not a row.
    """
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")
    rows = []
    # What follows the last newline was not finished.
    for number, line in enumerate(lines[:-1], start=1):
        try:
            values = json.loads(line)
            values.update({name: tuple(values[name]) for name in ("distractors", "faults")})
            rows.append(Row(**values))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}, line {number}, is not a demonstration: {error}") from None
    return rows


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Return counts, and times per demonstration (s)."""
    real = [row for row in rows if row.outcome != BROKEN]
    return {
        "demonstrations": len(rows),
        "good": sum(row.is_good for row in rows),
        "outcomes": dict(Counter(row.outcome for row in rows)),
        "with faults": sum(bool(row.faults) for row in rows),
        "samples outside limits": sum(row.outside for row in rows),
        "good by task": dict(Counter(row.task for row in rows if row.is_good)),
        "wall time per demonstration [s]": _mean([row.wall_sec for row in real]),
        "cell time per demonstration [s]": _mean([row.elapsed_sec for row in real]),
        "wall time [s]": round(sum(row.wall_sec for row in rows), 1),
    }


def summary_lines(content: Mapping[str, Any]) -> list[str]:
    """Return the summary in words."""
    outcomes = ", ".join(f"{count} {name}" for name, count in content["outcomes"].items())
    lines = [
        f"{content['demonstrations']} demonstrations: {outcomes or 'none'}; "
        f"{content['good']} good, {content['with faults']} with faults in the recording; "
        f"{content['samples outside limits']} commanded samples outside the limits"
    ]
    if content["demonstrations"]:
        wall, cell = (content[f"{clock} time per demonstration [s]"] for clock in ("wall", "cell"))
        lines.append(f"{wall:.1f} s of wall time each, {cell:.1f} s by the cell's clock")
    return lines


# What settings were before they existed.
_LATER = {"start_astray": 0.0}


def _check_made_alike(path: Path, settings: CollectionSettings) -> None:
    if not path.exists():
        return
    try:
        made = {**_LATER, **json.loads(path.read_text(encoding="utf-8"))["settings"]}
        before = {name: made[name] for name in MADE_BY}
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a collection's summary: {error!r}") from None
    for name, value in before.items():
        if value != getattr(settings, name):
            raise ValueError(
                f"{path.parent} was collected with {name} {value:g}, not "
                f"{getattr(settings, name):g}: name another folder"
            )


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 2) if values else 0.0


def _line(row: Row) -> str:
    return json.dumps(asdict(row)) + "\n"


def _replace(path: Path, text: str) -> None:
    """Write a file so that it is there as a whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
