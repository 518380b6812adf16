"""A motion as a picture: raw, limited and measured, and the limits' shares."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from dust_view.limits import shares
from dust_view.motion import Motion
from dust_view.trajectory import NS, Array, Times

RAW, PREFIX, LIMITED, MEASURED = "#3f7fd0", "#e08214", "#1a9850", "#444444"
SEAM, LIMIT = "#d9b84a", "#c0392b"
VELOCITY, ACCELERATION = "#762a83", "#5aae61"

_DPI, _HEIGHT, _WIDTH = 110, 1.7, 13.0
_MOST_SEAMS = 400  # more lines than pixels say nothing


def draw(motion: Motion, joints: Sequence[int], begin: float, end: float, path: Path) -> None:
    """Write a picture with a row for each joint.

    Left: raw actions, limited plan, measured; right: shares of the FR3's velocity and acceleration
    limits that the limited plan uses.

    Args:
        motion: The motion.
        joints: Columns to show.
        begin: From when on, s after the motion's begin.
        end: Until when, s.
        path: File to write; its ending tells the format.
    """
    figure = Figure(figsize=(_WIDTH, _HEIGHT * len(joints) + 0.8), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes: Any = figure.subplots(len(joints), 2, squeeze=False, sharex=True, width_ratios=[1.7, 1.0])
    used = shares(motion.limited)
    for (left, right), joint in zip(axes, joints, strict=True):
        _positions(left, motion, joint, begin, end)
        _shares(right, motion, used, joint)
        left.set_ylabel(f"{motion.joint_names[joint]}\n(rad)", fontsize=8)
        for axis in (left, right):
            _seams(axis, motion)
            axis.set_xlim(begin, end)
            axis.tick_params(labelsize=7)
            axis.spines[["top", "right"]].set_visible(False)
    axes[0, 1].set_title("share of the limit", fontsize=8)
    figure.supxlabel("s", fontsize=8)
    _legend(figure)
    figure.savefig(path)


def _positions(axis: Any, motion: Motion, joint: int, begin: float, end: float) -> None:
    for raw in motion.raw:
        times = _seconds(raw.times_ns, motion)
        axis.plot(times, raw.positions[:, joint], color=RAW, lw=0.6, alpha=0.6, zorder=3)
        first = slice(0, raw.prefix)
        axis.plot(times[first], raw.positions[first, joint], ".", color=PREFIX, ms=2.5)
    axis.plot(_seconds(motion.measured_ns, motion), motion.measured[:, joint], color=MEASURED, lw=1)
    axis.plot(_seconds(motion.limited_ns, motion), motion.limited[:, joint], color=LIMITED, lw=1.2)
    # A wild chunk must not flatten the rest.
    axis.set_ylim(*_range(motion, joint, begin, end))


def _range(motion: Motion, joint: int, begin: float, end: float) -> tuple[float, float]:
    shown = [np.empty(0)]
    for times_ns, values in (
        (motion.limited_ns, motion.limited),
        (motion.measured_ns, motion.measured),
    ):
        times = _seconds(times_ns, motion)
        shown.append(values[(times >= begin) & (times <= end), joint])
    values = np.concatenate(shown)
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
    margin = max(0.15 * (high - low), 0.03)
    return low - margin, high + margin


def _shares(axis: Any, motion: Motion, used: dict[str, Array], joint: int) -> None:
    times = _seconds(motion.limited_ns, motion)
    axis.plot(times, used["acceleration"][:, joint], color=ACCELERATION, lw=0.7)
    axis.plot(times, used["velocity"][:, joint], color=VELOCITY, lw=1.0)
    axis.axhline(1.0, color=LIMIT, lw=0.8)
    axis.set_ylim(0.0, 1.08)


def _seams(axis: Any, motion: Motion) -> None:
    every = -(-len(motion.seams_ns) // _MOST_SEAMS) or 1
    for seam_ns in motion.seams_ns[::every]:
        axis.axvline((seam_ns - motion.begin_ns) / NS, color=SEAM, lw=0.4, alpha=0.7, zorder=0)


def _legend(figure: Figure) -> None:
    names = {
        "raw actions": RAW,
        "prefix": PREFIX,
        "limited plan": LIMITED,
        "measured": MEASURED,
        "seam": SEAM,
        "velocity": VELOCITY,
        "acceleration": ACCELERATION,
        "limit": LIMIT,
    }
    lines = [Line2D([], [], color=colour) for colour in names.values()]
    figure.legend(lines, list(names), loc="outside upper center", ncols=len(names), fontsize=8)


def _seconds(times_ns: Times, motion: Motion) -> Array:
    return np.asarray((times_ns - motion.begin_ns) / NS)
