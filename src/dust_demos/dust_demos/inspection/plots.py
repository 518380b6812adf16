"""Plots of the page, each as the data URI of a PNG."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from dust_demos.inspection.episode import GRIPPER, Collection, Episode, Values
from dust_demos.inspection.film import data_uri
from dust_demos.inspection.likeness import starts
from dust_demos.inspection.motion import idle_share, still_rows
from dust_demos.teleop import fr3

MEASURED, COMMANDED, LIMIT, STILL = "#0b6e99", "#d9730d", "#c0392b", "#eeeeee"
LEAST = 0.1
"""Height of a panel, rad or opening."""
_COLUMNS, _DPI, _SHOWN = 4, 88, 10
_COLOURS = [f"C{place}" for place in range(_SHOWN)]


def trajectories(episode: Episode, data: Collection) -> str:
    """Return a panel for each column: measured and commanded; grey where nothing moves."""
    count = len(data.columns)
    rows = -(-count // _COLUMNS)
    with _figure(12, 1.55 * rows + 0.35, rows, _COLUMNS) as (figure, axes, written):
        still = still_rows(episode, data)
        for place, axis in enumerate(axes[:count]):
            _shade(axis, episode, still)
            axis.plot(episode.times, episode.action[:, place], color=COMMANDED, lw=1.1)
            axis.plot(episode.times, episode.state[:, place], color=MEASURED, lw=1.1)
            _title(axis, data.columns[place])
            axis.margins(x=0)
            _open_up(axis)
        _hide(axes[count:])
        lines = [Line2D([], [], color=c) for c in (MEASURED, COMMANDED)]
        figure.legend(lines, ["measured", "commanded"], loc="lower right", ncols=2, fontsize=8)
        figure.supxlabel("s after the start; grey: nothing moves", fontsize=8)
    return written[0]


def start_places(data: Collection) -> str | None:
    """Return where the hand begins, from above and from the side; None for unknown arms."""
    places = starts(data)
    if places is None:
        return None
    tasks = list(dict.fromkeys(episode.instruction for episode in data.moving))
    with _figure(11, 4, 1, 2) as (figure, axes, written):
        for axis, (x, y), names in zip(axes, ((0, 1), (0, 2)), ("xy", "xz"), strict=True):
            for place, task in enumerate(tasks):
                mine = np.array([e.instruction == task for e in data.moving])
                colour = _COLOURS[min(place, _SHOWN - 1)]
                axis.scatter(*places[mine][:, (x, y)].T, s=14, alpha=0.7, color=colour)
            axis.set_xlabel(f"{names[0]} (m)", fontsize=8)
            axis.set_ylabel(f"{names[1]} (m)", fontsize=8)
            _widen(axis)
        _title(axes[0], "from above")
        _title(axes[1], "from the side")
        _legend(figure, tasks)
    return written[0]


def value_histograms(data: Collection) -> str:
    """Return how often each column has which value, measured and commanded, with FR3's limits."""
    count = len(data.columns)
    rows = -(-count // _COLUMNS)
    state, action = (np.concatenate([getattr(e, s) for e in data.moving]) for s in _SIDES)
    with _figure(12, 1.55 * rows + 0.2, rows, _COLUMNS) as (_, axes, written):
        for place, axis in enumerate(axes[:count]):
            values = [v[:, place][np.isfinite(v[:, place])] for v in (state, action)]
            axis.hist(values[0], bins=50, color=MEASURED, alpha=0.75)
            axis.hist(values[1], bins=50, color=COMMANDED, histtype="step")
            _mark_limits(axis, data.columns[place])
            unit = "opening" if GRIPPER in data.columns[place] else "rad"
            _title(axis, f"{data.columns[place]} ({unit})")
            axis.set_yticks([])
        _hide(axes[count:])
    return written[0]


def spreads(data: Collection) -> str:
    """Return how long the episodes are, how much they stand still, how fast the arm moves."""
    with _figure(12, 2.4, 1, 3) as (_, axes, written):
        axes[0].hist([e.seconds for e in data.moving], bins=30, color=MEASURED)
        _title(axes[0], "length of the episodes (s)")
        shares = [100 * idle_share(episode, data) for episode in data.moving]
        axes[1].hist(shares, bins=np.linspace(0, 100, 41), color=MEASURED)
        _title(axes[1], "rows in which nothing moves (%)")
        joints = data.joints
        peaks = [_peaks(episode, data) for episode in data.moving]
        if joints:
            axes[2].boxplot(np.array(peaks))
            # Not as an argument of boxplot: its name changed with matplotlib 3.9.
            axes[2].set_xticklabels([_short(data.columns[p]) for p in joints])
        for place, column in enumerate(joints, start=1):
            if data.columns[column] in fr3.ARM_JOINTS:
                limit = fr3.SPEED[fr3.ARM_JOINTS.index(data.columns[column])]
                axes[2].hlines(limit, place - 0.35, place + 0.35, color=LIMIT)
        _title(axes[2], "fastest motion of an episode (rad/s), red: limit")
    return written[0]


_SIDES = ("state", "action")


@contextmanager
def _figure(
    width: float, height: float, rows: int, columns: int
) -> Iterator[tuple[Figure, list[Any], list[str]]]:
    """Give a figure, its axes, and a list that holds the data URI afterwards."""
    figure = Figure(figsize=(width, height), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes: list[Any] = list(np.ravel(figure.subplots(rows, columns, squeeze=False)))
    for axis in axes:
        axis.tick_params(labelsize=7)
        axis.spines[["top", "right"]].set_visible(False)
    written: list[str] = []
    yield figure, axes, written
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    written.append(data_uri("png", stream.getvalue()))


def _title(axis: Any, text: str) -> None:
    axis.set_title(text, fontsize=8, loc="left")


def _open_up(axis: Any) -> None:
    """Show at least LEAST from bottom to top, or a joint that rests looks restless."""
    low, high = axis.get_ylim()
    room = max(0.0, LEAST - (high - low)) / 2
    axis.set_ylim(low - room, high + room)


def _hide(axes: list[Any]) -> None:
    for axis in axes:
        axis.set_visible(False)


def _shade(axis: Any, episode: Episode, still: Any) -> None:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], still, [False]]).astype(int)))
    for begin, end in edges.reshape(-1, 2):
        axis.axvspan(episode.times[begin], episode.times[end], color=STILL, lw=0)


def _widen(axis: Any) -> None:
    """Give both axes one scale, of 10 cm at least: starts that are all the same look it."""
    limits = np.array([axis.get_xlim(), axis.get_ylim()])
    half = max(0.05, float((limits[:, 1] - limits[:, 0]).max()) / 2)
    (x, y) = limits.mean(1)
    axis.set_xlim(x - half, x + half)
    axis.set_ylim(y - half, y + half)
    axis.set_aspect("equal")


def _legend(figure: Figure, tasks: list[str]) -> None:
    names = [_cut(task) for task in tasks[: _SHOWN - 1]]
    if len(tasks) >= _SHOWN:
        rest = len(tasks) - _SHOWN + 1
        names.append(_cut(tasks[-1]) if rest == 1 else f"{rest} others")
    dots = [
        Line2D([], [], color=colour, marker="o", linestyle="")
        for colour, _ in zip(_COLOURS, names, strict=False)
    ]
    figure.legend(dots, names, loc="outside lower center", fontsize=7, ncols=2)


def _cut(text: str) -> str:
    return text if len(text) <= 70 else f"{text[:69]}…"


def _mark_limits(axis: Any, name: str) -> None:
    if name in fr3.ARM_JOINTS:
        place = fr3.ARM_JOINTS.index(name)
        for limit in (fr3.LOWER[place], fr3.UPPER[place]):
            axis.axvline(limit, color=LIMIT, lw=1, ls=":")


def _peaks(episode: Episode, data: Collection) -> Values:
    steps = np.nan_to_num(np.diff(episode.state[:, data.joints], axis=0))
    return np.abs(steps).max(0) * data.fps


def _short(name: str) -> str:
    return name.removeprefix("fr3_joint")
