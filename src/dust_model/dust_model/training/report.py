"""What a run tells while it runs: a progress bar, TensorBoard, one line of JSON per update."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from dust_model.training.files import write_text

CURVES = "losses.jsonl"


class Report:
    """Shows and keeps the losses of a run.

    Args:
        root: folder of the run.
        steps: updates in all.
        first: update that comes next; what was kept of it and later ones is dropped.
        log_every: updates between two points in TensorBoard, and two lines without a terminal.
    """

    def __init__(self, root: Path, *, steps: int, first: int, log_every: int) -> None:
        self._steps, self._log_every = steps, log_every
        root.mkdir(parents=True, exist_ok=True)
        _keep_before(root / CURVES, first)
        self._file = (root / CURVES).open("a")
        self._writer = _tensorboard(root / "tensorboard", first)
        self._bar = tqdm(
            total=steps, initial=first, unit="step", dynamic_ncols=True, disable=not _terminal()
        )

    def update(self, values: dict[str, float]) -> None:
        """Take the numbers of one update: `step`, `loss`, its parts, `rate`, `norm`, `seconds`."""
        self._file.write(json.dumps(values) + "\n")
        self._file.flush()
        self._bar.set_postfix_str(f"loss {values['loss']:.4f}", refresh=False)
        self._bar.update()
        step = int(values["step"])
        if step % self._log_every == 0:
            self._log(step, values)

    def say(self, text: str) -> None:
        """Print a line without breaking the bar."""
        tqdm.write(text, file=sys.stderr)

    def __enter__(self) -> Report:
        return self

    def __exit__(self, *unused: object) -> None:
        """End the bar and the files."""
        self._bar.close()
        self._file.close()
        if self._writer is not None:
            self._writer.close()

    def _log(self, step: int, values: dict[str, float]) -> None:
        if self._writer is not None:
            for name, value in values.items():
                if name != "step":
                    self._writer.add_scalar(name, value, step)
        if self._bar.disable:
            seconds = values["seconds"]
            left = tqdm.format_interval(seconds * (self._steps - step - 1))
            self.say(f"step {step}: loss {values['loss']:.4f}, {seconds:.2f} s a step, {left} left")


def read_curve(root: Path) -> list[dict[str, float]]:
    """Return the numbers of every update that a run kept."""
    return [json.loads(line) for line in (root / CURVES).read_text().splitlines()]


def _keep_before(path: Path, first: int) -> None:
    if not path.exists():
        return
    lines = path.read_text().splitlines(keepends=True)
    # A line that a kill cut short belongs to an update that is done again.
    whole = [line for line in lines if line.endswith("\n")]
    write_text(path, "".join(line for line in whole if json.loads(line)["step"] < first))


def _tensorboard(folder: Path, first: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=first)


def _terminal() -> bool:
    return sys.stderr.isatty()
