"""`dust-inspect`: one HTML page that shows recorded data and what is wrong with them.

dust-inspect DATASET                 a LeRobot dataset, v3.0 or v2.1
dust-inspect BAG                     one recorded episode
dust-inspect FOLDER -o page.html     all bags in a folder
dust-inspect BAGS --mapping FILE     bags of other stacks

All episodes are in the statistics; --episodes says how many are shown with pictures.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from dust_demos.conversion.jobs import find_bags
from dust_demos.conversion.mapping import Mapping
from dust_demos.inspection.bags import read_bags
from dust_demos.inspection.checks import check_all, choose
from dust_demos.inspection.datasets import is_dataset, read_dataset, read_info
from dust_demos.inspection.episode import Collection, Film
from dust_demos.inspection.finding import Finding, Level
from dust_demos.inspection.looks import check_film
from dust_demos.inspection.page import render

PICTURES = 8
"""In a film strip."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        Its exit code: 0, 2 for a mistake, 130 for Ctrl-C.
    """
    options = _parser().parse_args(arguments)
    try:
        _require_writable(options.output)
        mapping = Mapping.load(options.mapping) if options.mapping else Mapping()
        data = _read(options.path, mapping, quiet=options.quiet)
        findings = check_all(data, mapping.gates)
        films = _films(data, findings, options.episodes, quiet=options.quiet)
        for episode in data.episodes:
            findings += check_film(episode, films.get(episode.name, {}))
        _write(options.output, render(data, findings, films))
    except (ValueError, OSError) as error:
        print(f"dust-inspect: {_one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("dust-inspect: interrupted", file=sys.stderr)
        return 130
    _report(options.output, data, findings)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "dust-inspect", description="Write a page that shows recorded data."
    )
    add = parser.add_argument
    add("path", type=Path, help="LeRobot dataset, rosbag2 folder, or folder of such")
    add(*("-o", "--output"), type=Path, default=Path("inspection.html"), help="page to write")
    add("--episodes", type=_count, default=24, help="episodes shown in detail; default 24")
    add("--mapping", type=Path, help="topics, joints and units of bags; default: this project's")
    add("--quiet", action="store_true", help="no progress bar")
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"must be at least 0, got {text}")
    return number


def _require_writable(path: Path) -> None:
    if path.is_dir():
        raise ValueError(f"{path} is a folder: give the page's name, such as {path / 'page.html'}")
    if not path.absolute().parent.is_dir():
        raise ValueError(f"{path.parent} is no folder: create it first")


def _read(path: Path, mapping: Mapping, *, quiet: bool) -> Collection:
    if is_dataset(path):
        info = read_info(path)
        with tqdm(total=info.get("total_episodes"), unit="episode", disable=quiet) as bar:
            data = read_dataset(path, info, done=bar.update)
    else:
        sources = find_bags([path])
        with tqdm(total=len(sources), unit="bag", disable=quiet) as bar:
            data = read_bags(sources, path.resolve().name, mapping, done=bar.update)
    if not data.episodes:
        why = f": {data.left_out[0][1]}" if data.left_out else ""
        raise ValueError(f"{path} has no episode that can be read{why}")
    return data


def _films(
    data: Collection, findings: Sequence[Finding], count: int, *, quiet: bool
) -> dict[str, Film]:
    shown = choose(data, findings, count)
    return {e.name: e.film(PICTURES) for e in tqdm(shown, unit="film", disable=quiet)}


def _write(path: Path, page: str) -> None:
    """Write the page whole or not at all."""
    draft = path.with_name(f"{path.name}.draft")
    draft.write_text(page, encoding="utf-8")
    os.replace(draft, path)


def _report(path: Path, data: Collection, findings: Sequence[Finding]) -> None:
    warnings = sum(row.level is Level.WARNING for row in findings)
    hours = sum(episode.seconds for episode in data.episodes) / 3600
    print(f"{path}: {len(data.episodes)} episodes, {hours:.2f} h, {warnings} warnings")


def _one_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())
