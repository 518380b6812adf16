"""What the recorder flagged, what dust-convert would leave out, and how the topics came."""

from __future__ import annotations

from collections.abc import Iterator

from dust_demos.conversion.mapping import Gates
from dust_demos.inspection.episode import Collection, Episode, Stream
from dust_demos.inspection.finding import Finding, Kind, note, warning
from dust_demos.inspection.streams import CAMERA

SLOW = 0.8
"""A camera below this share of the rows' rate repeats pictures.

States and actions are judged by dust-convert, which knows which of them come at a rate.
"""
_OTHER_CLOCK = 10.0  # s; older than that is no age, but another clock


def check_timing(data: Collection, gates: Gates) -> Iterator[Finding]:
    """Yield what is wrong with the recording itself."""
    for name, reason in data.left_out:
        if not data.converted:  # of a dataset they are listed; it is fine without them
            yield warning(Kind.LEFT_OUT, name, reason, "dust-mend rescues torn files")
    for episode in data.episodes:
        yield from _check_verdict(episode, converted=data.converted)
        cameras = [stream for stream in episode.streams if stream.role.startswith(CAMERA)]
        silent = [stream for stream in cameras if stream.gap > gates.max_age]
        for stream in silent:
            yield _gap(episode, stream, gates)
        for stream in cameras:
            # A gap lowers the rate and leaves other cameras alone; it is told once.
            yield from _check_stream(episode, stream, data, gates, gap=bool(silent))
        if episode.lag > gates.max_age:
            text = f"a row shows an image that is {episode.lag:.3f} s old"
            yield warning(Kind.AGE, episode.name, text, "convert again with tighter gates")


def _check_verdict(episode: Episode, *, converted: bool) -> Iterator[Finding]:
    flagged = "dust-convert leaves it out; --keep-flagged takes it all the same"
    for text in episode.faults:
        yield warning(
            *(Kind.FLAGGED, episode.name, f"the recorder flagged: {text}"),
            "convert again without --keep-flagged" if converted else flagged,
        )
    if episode.unwanted:
        text = f"dust-convert leaves it out: {episode.verdict}"
        yield note(Kind.LEFT_OUT, episode.name, text, "--keep-outcomes takes it")
    elif episode.verdict:
        text = f"dust-convert leaves it out: {episode.verdict}"
        yield warning(Kind.LEFT_OUT, episode.name, text, "record it anew, or mend the mapping")


def _gap(episode: Episode, stream: Stream, gates: Gates) -> Finding:
    return warning(
        *(Kind.GAP, episode.name),
        f"{_named(stream)} is silent for {stream.gap:.2f} s, {stream.gap_at:.1f} s after the "
        f"start, the limit is {gates.max_age:g} s",
        "look at cable, network and load; record it anew",
    )


def _check_stream(
    episode: Episode, stream: Stream, data: Collection, gates: Gates, *, gap: bool
) -> Iterator[Finding]:
    if 0 < stream.rate < SLOW * data.fps and not gap:
        yield warning(
            *(Kind.RATE, episode.name),
            f"{_named(stream)} came at {stream.rate:.1f} Hz, rows are made at {data.fps:g} Hz",
            "raise the camera's rate, or convert with a lower --fps",
        )
    if gates.max_age < stream.age < _OTHER_CLOCK:
        yield warning(
            *(Kind.AGE, episode.name),
            f"{_named(stream)} was {stream.age:.3f} s old when it arrived, the limit is "
            f"{gates.max_age:g} s",
            "synchronise the clocks, or lighten the load",
        )
    if stream.skew > gates.max_skew and not gap:
        yield warning(
            *(Kind.SKEW, episode.name),
            f"{_named(stream)} is {stream.skew:.3f} s from the other cameras' images, the limit "
            f"is {gates.max_skew:g} s",
            "synchronise the cameras' clocks",
        )


def _named(stream: Stream) -> str:
    return f"{stream.role} ({stream.topic})"
