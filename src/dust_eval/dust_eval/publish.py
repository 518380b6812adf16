"""`dust-publish`: a checkpoint with its results, as `models/` ships it.

dust-publish out/train/default/last models/tiny --evaluation out/eval --run out/train/default

Copies what the checkpoint needs to run and its model card; the card gets the tables of the
evaluation and the training curve, and `results.json` says in short how often it succeeded.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from dust_eval.card import CARD, with_section
from dust_eval.driver import Driver, checkpoint_files, identify
from dust_eval.files import write_json, write_text
from dust_eval.interval import wilson_interval
from dust_eval.run_folder import RunFolder
from dust_eval.summary import summarise
from dust_eval.table import markdown_report

RESULTS = "results.json"
CURVE = "training.png"

_WINDOW = 100
"""Updates that a point of the training curve is the mean of."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0, or 2 for a mistake."""
    options = _parser().parse_args(arguments)
    try:
        publish(options.checkpoint, options.out, evaluation=options.evaluation, run=options.run)
    except (ValueError, OSError) as error:
        print(f"dust-publish: {error}", file=sys.stderr)
        return 2
    return 0


def publish(checkpoint: Path, out: Path, *, evaluation: Path, run: Path | None = None) -> None:
    """Copy a checkpoint, and put what was measured of it into its model card.

    Args:
        checkpoint: Folder of the checkpoint.
        out: Folder to fill; what a former checkpoint left there is replaced.
        evaluation: Folder of an evaluation (`dust-eval --out`) that it took part in.
        run: Folder of the training run, for its curve.

    Raises:
        ValueError: The evaluation was not of this checkpoint, or is not done.
        OSError: Something can't be read or written.
    """
    folder = RunFolder.open(evaluation)
    driver = _driver(folder, checkpoint)
    if folder.remaining():
        raise ValueError(f"{evaluation}: {len(folder.remaining())} trials are left; --resume them")
    summary = summarise(folder)
    own = next(each for each in summary.drivers if each.driver.name == driver.name)
    out.mkdir(parents=True, exist_ok=True)
    for path in _files(out):
        path.unlink()
    for path in _files(checkpoint):
        shutil.copyfile(path, out / path.name)
    score, trials = own.overall.score, own.overall.trials
    write_json(
        out / RESULTS,
        {
            "checkpoint": driver.identity,
            "arguments": list(driver.arguments),
            "score": score,
            "trials": trials,
            "interval": list(wilson_interval(score, trials)),
            "robot": folder.plan.robot,
            "real_time_factor": folder.plan.real_time_factor,
        },
    )
    card = (out / CARD).read_text(encoding="utf-8") if (out / CARD).is_file() else "# Policy\n"
    if run is not None:
        _draw(_losses(run / "losses.jsonl"), out / CURVE)
        card = with_section(card, f"## Training curve\n\n![losses by update]({CURVE})\n")
    tables = markdown_report(summary).split("\n", 1)[1].replace("\n## ", "\n### ")
    write_text(out / CARD, with_section(card, f"## Trials\n{tables}"))


def _driver(folder: RunFolder, checkpoint: Path) -> Driver:
    identity = identify(checkpoint)
    drivers = [driver for driver in folder.plan.drivers if driver.identity == identity]
    if not drivers:
        raise ValueError(f"{folder.root} is no evaluation of {checkpoint}: its files are others")
    return drivers[0]


def _files(folder: Path) -> list[Path]:
    card = folder / CARD
    return [*checkpoint_files(folder), *([card] if card.is_file() else [])]


def _losses(path: Path) -> dict[str, list[tuple[float, float]]]:
    """Return by name the means over _WINDOW updates: last update, mean."""
    rows: list[dict[str, Any]] = [json.loads(line) for line in path.read_text().splitlines()]
    curves: dict[str, list[tuple[float, float]]] = {}
    for end in range(_WINDOW, len(rows) + 1, _WINDOW):
        part = rows[end - _WINDOW : end]
        for name in ("action", "world"):
            values = [row[name] for row in part if name in row]
            if values:
                point = (part[-1]["step"] + 1, sum(values) / len(values))
                curves.setdefault(name, []).append(point)
    return curves


def _draw(curves: dict[str, list[tuple[float, float]]], path: Path) -> None:
    figure = Figure(figsize=(6.0, 3.2))
    axes = figure.subplots()
    for name, points in curves.items():
        axes.plot(*zip(*points, strict=True), label=name)
    axes.set(xlabel="update", ylabel="flow-matching loss", yscale="log")
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110, bbox_inches="tight")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "dust-publish",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("checkpoint", type=Path, help="folder of the checkpoint")
    add("out", type=Path, help="folder to fill, such as models/tiny")
    add("--evaluation", type=Path, required=True, help="dust-eval's --out")
    add("--run", type=Path, help="folder of the training run, for its curve")
    return parser


if __name__ == "__main__":
    sys.exit(main())
