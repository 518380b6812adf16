"""The page: warnings first, then the summary, what all episodes have in common, and each."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from dust_demos.inspection import plots
from dust_demos.inspection.balance import counts
from dust_demos.inspection.episode import Collection, Episode, Film
from dust_demos.inspection.film import strip
from dust_demos.inspection.finding import Finding, Level
from dust_demos.inspection.markup import bar, document, image, link, table
from dust_demos.inspection.motion import idle_share

LISTED = 200
"""Findings in the list; the rest is counted."""


def render(data: Collection, findings: Sequence[Finding], films: Mapping[str, Film]) -> str:
    """Return the page.

    Args:
        data: everything that was read.
        findings: what was found in it.
        films: name of an episode that is shown in detail -> its pictures.
    """
    return document(f"{data.name} - dust-inspect", _body(data, findings, films))


def _body(
    data: Collection, findings: Sequence[Finding], films: Mapping[str, Film]
) -> Iterator[str]:
    warnings = [row for row in findings if row.level is Level.WARNING]
    notes = [row for row in findings if row.level is Level.NOTE]
    yield f"<h1>{escape(data.name)}</h1>"
    yield f'<p class="soft">{escape(data.kind)}, looked at by dust-inspect</p>'
    yield f"<h2>Warnings ({len(warnings)})</h2>"
    yield _findings(warnings, films) if warnings else '<p class="good">No warning.</p>'
    if notes:
        yield f"<h2>Notes ({len(notes)})</h2>"
        yield _findings(notes, films)
    yield "<h2>Summary</h2>"
    yield _summary(data, findings)
    yield "<h2>Instructions</h2>"
    yield _instructions(data)
    if data.moving:
        yield from _together(data)
    if data.left_out:
        yield f"<h2>Left out ({len(data.left_out)})</h2>"
        yield table(("bag", "reason"), [(escape(n), escape(r)) for n, r in data.left_out])
    yield f"<h2>Episodes ({len(data.episodes)})</h2>"
    yield _episodes(data, findings, films)
    if len(films) < len(data.episodes):
        yield f'<p class="soft">{len(films)} of them in detail: see --episodes.</p>'
    for place, episode in enumerate(data.episodes):
        if episode.name in films:
            yield _details(place, episode, data, findings, films[episode.name])


def _findings(findings: Sequence[Finding], films: Mapping[str, Film]) -> str:
    rows = [
        (
            _kind(row),
            link(_anchor(row.episode), row.episode) if row.episode in films else _name(row.episode),
            escape(row.text),
            escape(row.remedy),
        )
        for row in findings[:LISTED]
    ]
    more = len(findings) - len(rows)
    rest = f'<p class="soft">and {more} more</p>' if more else ""
    return table(("about", "episode", "what", "what to do"), rows) + rest


def _kind(row: Finding) -> str:
    return f'<span class="{row.level}">{escape(row.kind)}</span>'


def _name(text: str) -> str:
    return escape(text) if text else "all"


def _anchor(name: str) -> str:
    return "e-" + "".join(c if c.isalnum() and c.isascii() else f"_{ord(c):x}" for c in name)


def _summary(data: Collection, findings: Sequence[Finding]) -> str:
    seconds = sum(episode.seconds for episode in data.episodes)
    rows = sum(len(episode) for episode in data.episodes)
    views = sorted({view for episode in data.episodes for view in episode.prints})
    warned = {r.episode for r in findings if r.level is Level.WARNING and r.episode}
    still = [idle_share(episode, data) * len(episode) for episode in data.moving]
    told = {
        "episodes": str(len(data.episodes)),
        "with a warning": str(len(warned)),
        "left out": str(len(data.left_out)),
        "flagged by the recorder": str(sum(bool(episode.faults) for episode in data.episodes)),
        "time": f"{seconds / 3600:.2f} h ({seconds / 60:.1f} min), {rows} rows",
        "rate": f"{data.fps:g} rows per second",
        "length": _lengths([episode.seconds for episode in data.moving]),
        "standing still": f"{100 * sum(still) / rows:.0f} % of the rows" if rows else "-",
        "outcomes": _tally(episode.outcome for episode in data.episodes),
        "operators": _tally(episode.operator for episode in data.episodes),
        "views": ", ".join(views) or "none",
        "columns": ", ".join(data.columns),
    }
    return table(("", ""), [(escape(name), escape(text)) for name, text in told.items()])


def _lengths(seconds: Sequence[float]) -> str:
    if not seconds:
        return "-"
    return f"{min(seconds):.1f} to {max(seconds):.1f} s, median {statistics.median(seconds):.1f} s"


def _tally(words: Iterator[str]) -> str:
    return ", ".join(f"{count} {word or 'unknown'}" for word, count in Counter(words).most_common())


def _instructions(data: Collection) -> str:
    known = counts(data).most_common()
    most = max((count for _, count in known), default=1)
    rows = [(escape(text) or "none", str(count), bar(count / most)) for text, count in known]
    return table(("instruction", "episodes", ""), rows, numbers=(1,))


def _together(data: Collection) -> Iterator[str]:
    places = plots.start_places(data)
    if places:
        yield "<h2>Where the hand begins</h2>"
        yield '<p class="soft">Base frame; each dot is an episode.</p>'
        yield image(places, "start positions of the hand, from above and from the side")
    yield "<h2>Values</h2>"
    yield '<p class="soft">Filled: measured; line: commanded; dotted red: limits of the arm.</p>'
    yield image(plots.value_histograms(data), "histogram of each column")
    yield "<h2>Lengths, stillness, speeds</h2>"
    yield image(plots.spreads(data), "length, idle share and peak speed of the episodes")


def _episodes(data: Collection, findings: Sequence[Finding], films: Mapping[str, Film]) -> str:
    warned = Counter(row.episode for row in findings if row.level is Level.WARNING)
    rows = []
    for episode in data.episodes:
        count = warned[episode.name]
        name = escape(episode.name)
        rows.append(
            (
                link(_anchor(episode.name), episode.name) if episode.name in films else name,
                f'<span class="warning">{count}</span>' if count else "",
                f"{episode.seconds:.1f}",
                f"{100 * idle_share(episode, data):.0f}" if len(episode) > 1 else "-",
                escape(episode.outcome) or "-",
                escape(episode.operator) or "-",
                escape(episode.instruction),
            )
        )
    head = ("episode", "warnings", "s", "still %", "outcome", "operator", "instruction")
    return table(head, rows, numbers=(1, 2, 3))


def _details(
    place: int, episode: Episode, data: Collection, findings: Sequence[Finding], film: Film
) -> str:
    mine = [row for row in findings if row.episode == episode.name]
    opened = " open" if place < 3 or any(row.level is Level.WARNING for row in mine) else ""
    parts = [
        f'<details id="{_anchor(episode.name)}"{opened}>',
        f"<summary>{escape(episode.name)}</summary>",
        f"<p>{escape(episode.instruction)}</p>",
        f'<p class="soft">{escape(_told(episode))}</p>',
        *(f"<p>{_kind(row)}: {escape(row.text)}</p>" for row in mine),
    ]
    for view, pictures in film.items():
        parts.append(f"<h3>{escape(view)}, from the start to {episode.seconds:.1f} s</h3>")
        parts.append(
            image(strip(pictures), f"view {view} of {episode.name} over time")
            if pictures
            else '<p class="warning">no picture</p>'
        )
    if len(episode) > 1:
        parts.append("<h3>State and action</h3>")
        text = f"columns of {episode.name} over time"
        parts.append(image(plots.trajectories(episode, data), text))
    if episode.streams:
        parts += ["<h3>Topics</h3>", _streams(episode)]
    return "\n".join([*parts, "</details>"])


def _told(episode: Episode) -> str:
    words = [f"{episode.seconds:.1f} s", episode.outcome, episode.operator, episode.note]
    if not math.isnan(episode.lag):
        words.append(f"oldest image in a row {1000 * episode.lag:.0f} ms")
    return " · ".join(word for word in words if word)


def _streams(episode: Episode) -> str:
    rows = [
        (
            escape(stream.topic),
            escape(stream.role),
            str(stream.count),
            f"{stream.rate:.1f}" if stream.rate else "-",
            _ms(stream.age),
            _ms(stream.worst_age),
            f"{_ms(stream.gap)} at {stream.gap_at:.1f} s" if stream.rate else "-",
            _ms(stream.skew),
        )
        for stream in episode.streams
    ]
    head = ("topic", "is", "messages", "Hz", "age ms", "worst", "longest gap ms", "skew ms")
    return table(head, rows, numbers=(2, 3, 4, 5, 6, 7))


def _ms(seconds: float) -> str:
    return "-" if math.isnan(seconds) or abs(seconds) > 3600 else f"{1000 * seconds:.0f}"
