"""The folder of a run. A step is saved whole or not at all; what is kept is never touched.

step-00000400/   a checkpoint, with state.safetensors and progress.json beside it
step-00000500/
last -> step-00000500
best -> step-00000400
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dust_model.config import require
from dust_model.training.files import digest, link, sync, write_text

STATE = "state.safetensors"
PROGRESS = "progress.json"
KEPT = 2
"""Newest steps from which a run can go on; one more than needed, in case one is damaged."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A step that can be gone on from.

    Attributes:
        folder: where it lies.
        step: updates done.
        progress: numbers that were saved with it.
    """

    folder: Path
    step: int
    progress: dict[str, Any]


class RunFolder:
    """Steps of one run on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def begun(self) -> bool:
        """Whether a step was saved."""
        return bool(self._steps())

    def save(
        self, step: int, fill: Callable[[Path], None], progress: dict[str, Any], *, best: bool
    ) -> None:
        """Save a step and point `last`, and if it is the `best` that too, to it.

        Args:
            step: updates done.
            fill: makes the folder that it is given and writes files into it.
            progress: numbers to save beside them.
            best: whether it is better than all before.

        Raises:
            ValueError: something can't be written; the steps saved before are as they were.
        """
        final, draft = self._folder(step), self.root / f".step-{step:08d}.new"
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(draft, ignore_errors=True)
            fill(draft)
            _seal(draft, step, progress)
            self._replace(draft, final)
            link(self.root / "last", final.name)
            if best:
                link(self.root / "best", final.name)
            self._prune()
        except OSError as error:
            shutil.rmtree(draft, ignore_errors=True)
            raise ValueError(
                f"cannot save step {step} in {self.root}: {error}; earlier steps are kept, "
                "make room and go on with resume=true"
            ) from None

    def newest(self, warn: Callable[[str], None]) -> Saved | None:
        """Return the newest step that is whole; None if none was saved.

        Args:
            warn: is told of each damaged one.

        Raises:
            ValueError: steps were saved, but none is whole.
        """
        steps = sorted(self._steps(), reverse=True)
        for step in steps:
            try:
                return _open(self._folder(step))
            except ValueError as error:
                warn(str(error))
        require(not steps, f"{self.root}: no saved step is whole, start anew in another folder")
        return None

    def _folder(self, step: int) -> Path:
        return self.root / f"step-{step:08d}"

    def _steps(self) -> list[int]:
        return [int(path.name.removeprefix("step-")) for path in self.root.glob("step-*")]

    def _replace(self, draft: Path, final: Path) -> None:
        old = self.root / f".{final.name}.old"
        shutil.rmtree(old, ignore_errors=True)
        if final.exists():
            final.rename(old)  # a damaged one, saved again
        draft.rename(final)
        sync(self.root)
        shutil.rmtree(old, ignore_errors=True)

    def _prune(self) -> None:
        best = (self.root / "best").resolve()
        for step in sorted(self._steps())[:-KEPT]:
            folder = self._folder(step)
            if folder.resolve() == best:
                (folder / STATE).unlink(missing_ok=True)  # by far the largest file
            else:
                shutil.rmtree(folder, ignore_errors=True)


def _seal(folder: Path, step: int, progress: dict[str, Any]) -> None:
    files = sorted(path for path in folder.iterdir() if path.is_file())
    for path in files:
        sync(path)
    digests = {path.name: digest(path) for path in files}
    values = {"step": step, "progress": progress, "sha256": digests}
    write_text(folder / PROGRESS, json.dumps(values, indent=2) + "\n")
    sync(folder)


def _open(folder: Path) -> Saved:
    path = folder / PROGRESS
    try:
        values = json.loads(path.read_text())
        step, progress, digests = values["step"], values["progress"], values["sha256"]
        damaged = [name for name, known in digests.items() if digest(folder / name) != known]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{folder} is not whole: {error}") from None
    require(not damaged, f"{folder} is damaged: {', '.join(damaged)}")
    require(STATE in digests, f"{folder} has no {STATE}")
    return Saved(folder, step, progress)
