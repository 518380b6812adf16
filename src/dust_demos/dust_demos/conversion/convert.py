"""`dust-convert`: recorded bags to a LeRobot dataset.

dust-convert BAGS... OUT                       LeRobot v3.0 with GR00T's modality.json
dust-convert BAGS... OUT --resume              go on after an interruption; the result is the same
dust-convert BAGS... OUT --mapping FILE        bags of other stacks: topics, joints, units
dust-convert BAGS... OUT --version v2.1 --size 320x180

Episodes that do not pass a gate are left out and listed, with the reason, in
OUT/meta/left_out.jsonl.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from dust_demos.conversion.clips import DEFAULT_QUALITY, Codec, Encoding, require_encoder
from dust_demos.conversion.dataset import VERSIONS, Result, convert
from dust_demos.conversion.jobs import find_bags
from dust_demos.conversion.mapping import Mapping
from dust_demos.conversion.staging import Settings
from dust_demos.recording.facts import Outcome

LISTED = 20

SMALLEST, LARGEST = 16, 4096
"""Sides that images may be stored at; decoders in hardware take no longer ones. Unit: pixels."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        Its exit code: 0, 1 if no episode could be converted, 2 for a mistake, 130 for Ctrl-C.
    """
    options = _parser().parse_args(arguments)
    began = time.monotonic()
    try:
        settings = _settings(options)
        sources = find_bags(options.bags)
        with tqdm(total=len(sources), unit="bag", disable=options.quiet) as bar:
            result = convert(
                sources,
                options.out,
                settings,
                workers=options.workers,
                resume=options.resume,
                done=bar.update,
            )
    except (ValueError, OSError) as error:
        print(f"dust-convert: {_one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("dust-convert: interrupted; --resume goes on", file=sys.stderr)
        return 130
    _report(options.out, settings, result, time.monotonic() - began)
    return 0 if result.episodes else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "dust-convert", description="Convert recorded bags to a LeRobot dataset."
    )
    add = parser.add_argument
    add("bags", nargs="+", type=Path, help="rosbag2 folders, or folders of them")
    add("out", type=Path, help="folder of the dataset")
    add("--version", choices=VERSIONS, default=VERSIONS[0], help="layout; default v3.0")
    add("--mapping", type=Path, help="topics, joints and units; default: those of this project")
    add("--workers", type=_count, default=len(os.sched_getaffinity(0)), help="default: all cores")
    add("--size", type=_size, help="store images at WxH, such as 320x180; default: as recorded")
    add("--fps", type=_rate, default=15.0, help="rows per second; default 15")
    add("--codec", type=Codec, choices=list(Codec), default=Codec.H264, help="default h264")
    add("--quality", type=int, help="constant rate factor; default h264 20, av1 30")
    add(
        *("--trim-idle",),
        type=_trim,
        default=0.5,
        metavar="SECONDS",
        help="keep at most so much standing still at either end, or `off`; default 0.5",
    )
    add(
        *("--trim-pauses",),
        type=_trim,
        default=None,
        metavar="SECONDS",
        help="keep at most so much of each pause, where nothing moves, or `off`; default off",
    )
    add(
        *("--keep-outcomes",),
        type=_outcomes,
        default=(Outcome.SUCCESS,),
        help="comma-separated, such as success,half; default success",
    )
    add("--keep-flagged", action="store_true", help="convert what the recorder flagged, too")
    add("--resume", action="store_true", help="go on with what an earlier run left in OUT")
    add("--quiet", action="store_true", help="no progress bar")
    return parser


def _settings(options: argparse.Namespace) -> Settings:
    codec, quality = options.codec, options.quality
    if quality is not None and not 0 <= quality <= 63:
        raise ValueError(f"--quality must lie between 0 and 63, got {quality}")
    require_encoder(codec)
    return Settings(
        mapping=Mapping.load(options.mapping) if options.mapping else Mapping(),
        version=options.version,
        fps=options.fps,
        size=options.size,
        encoding=Encoding(codec, DEFAULT_QUALITY[codec] if quality is None else quality),
        trim=options.trim_idle,
        pause=options.trim_pauses,
        outcomes=options.keep_outcomes,
        flagged=options.keep_flagged,
    )


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number, at least 1, got {text}")
    return number


def _number(text: str) -> float:
    # NaN lies in no range, so that whoever asks has to check that only.
    try:
        return float(text)
    except ValueError:
        return math.nan


def _rate(text: str) -> float:
    number = _number(text)
    if not 1 <= number <= 240:
        raise argparse.ArgumentTypeError(f"must lie between 1 and 240, got {text}")
    return number


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise argparse.ArgumentTypeError(f"must be WxH, such as 320x180, got {text}")
    size = int(width), int(height)
    if min(size) < SMALLEST or size[0] % 2 or size[1] % 2:
        raise argparse.ArgumentTypeError(
            f"both sides must be even and at least {SMALLEST}, got {text}"
        )
    if max(size) > LARGEST:
        raise argparse.ArgumentTypeError(f"no side may be longer than {LARGEST}, got {text}")
    return size


def _trim(text: str) -> float | None:
    if text == "off":
        return None
    seconds = _number(text)
    if not 0 <= seconds < math.inf:
        raise argparse.ArgumentTypeError(f"must be seconds, at least 0, or off, got {text}")
    return seconds


def _outcomes(text: str) -> tuple[Outcome, ...]:
    try:
        return tuple(dict.fromkeys(Outcome(part.strip().lower()) for part in text.split(",")))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be one or more of {', '.join(Outcome)}, got {text}"
        ) from None


def _report(out: Path, settings: Settings, result: Result, seconds: float) -> None:
    minutes = result.frames / settings.fps / 60
    if result.episodes:
        print(
            f"{out}: LeRobot {settings.version}, {result.episodes} episodes, {result.frames} "
            f"frames at {settings.fps:g} frames/s ({minutes:.1f} min), {result.tasks} tasks"
        )
    else:
        print(f"{out}: no episode could be converted")
    if result.left_out:
        _list(out, result)
    if result.was_complete:
        print("it was complete already")
    elif result.episodes and seconds > 0:
        print(f"took {seconds:.1f} s: {minutes * 60 / seconds:.1f} times faster than real time")


def _list(out: Path, result: Result) -> None:
    """Print what was left out; all of it where no dataset holds the list."""
    count = len(result.left_out)
    listed = result.left_out[: LISTED if result.episodes else count]
    width = max(len(found.bag) for found in listed)
    print(f"left out: {count}")
    for found in listed:
        print(f"  {found.bag:{width}}  {found.gate:8}  {found.reason}")
    if count > len(listed):
        print(f"  and {count - len(listed)} more in {out}/meta/left_out.jsonl")


def _one_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())
