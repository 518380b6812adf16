"""Plots of an evaluation: success by task and object, reasons, time."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dust_eval.failure import Failure
from dust_eval.interval import Rate
from dust_eval.summary import DriverSummary, Summary
from dust_eval.trial import TrialResult

FORMATS = ("png", "svg")

_HEIGHT = 3.6  # inches
_ALL = "all"


def write_plots(
    folder: Path, summary: Summary, results: Mapping[str, Sequence[TrialResult]]
) -> list[Path]:
    """Write all plots, each as PNG and SVG.

    Args:
        folder: Where to; it is made.
        summary: What is plotted.
        results: Driver's name -> its trials.

    Returns:
        The files written.
    """
    drivers = summary.drivers
    figures = {
        "success_by_task": _bars(drivers, lambda d: {**d.by_task, _ALL: d.overall}),
        "success_by_object": _bars(drivers, lambda d: {**d.by_object, _ALL: d.overall}),
        "failures": _stacked_failures(drivers),
        "time": _times(results),
    }
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{name}.{ending}" for name in figures for ending in FORMATS]
    for path in files:
        figures[path.stem].savefig(path, dpi=150, bbox_inches="tight")
    return files


def _bars(
    drivers: Sequence[DriverSummary], rates: Callable[[DriverSummary], dict[str, Rate]]
) -> Figure:
    """Draw a group of bars per category, a bar per driver, with 95 % intervals."""
    names = list(dict.fromkeys(name for driver in drivers for name in rates(driver)))
    names.append(names.pop(names.index(_ALL)))
    figure, axes = _empty(1.2 + len(names) * (0.5 + 0.35 * len(drivers)))
    width = 0.8 / len(drivers)
    for place, driver in enumerate(drivers):
        known = rates(driver)
        spots = [(i, known[name]) for i, name in enumerate(names) if name in known]
        x = [i + (place - (len(drivers) - 1) / 2) * width for i, _ in spots]
        heights = [rate.rate for _, rate in spots]
        spans = [
            [max(0.0, rate.rate - rate.low) for _, rate in spots],
            [max(0.0, rate.high - rate.rate) for _, rate in spots],
        ]
        label = f"{driver.driver.name} ({driver.overall.trials} trials)"
        axes.bar(x, heights, width * 0.92, yerr=spans, capsize=3, label=label)
    axes.set_xticks(
        range(len(names)), [textwrap.fill(name.replace("_", " "), 10) for name in names]
    )
    axes.set_ylim(0, 1.05)
    axes.set_ylabel("success, 95 % interval")
    return _with_legend(figure, axes)


def _stacked_failures(drivers: Sequence[DriverSummary]) -> Figure:
    figure, axes = _empty(7.0)
    names = [driver.driver.name for driver in drivers]
    starts = [0.0] * len(drivers)
    for failure in Failure:
        counts = [float(driver.failures.get(failure, 0)) for driver in drivers]
        if any(counts):
            axes.barh(names, counts, left=starts, label=failure.replace("_", " "))
            starts = [start + count for start, count in zip(starts, counts, strict=True)]
    axes.set_xlabel("trials that were no full success")
    axes.set_xlim(0, max(1.0, *starts) * 1.02)
    axes.invert_yaxis()
    return _with_legend(figure, axes)


def _times(results: Mapping[str, Sequence[TrialResult]]) -> Figure:
    """Draw the share of trials that had succeeded by each moment."""
    figure, axes = _empty(6.0)
    for name, trials in results.items():
        times = sorted(trial.elapsed_sec for trial in trials if trial.score == 1)
        shares = [count / len(trials) for count in range(len(times) + 1)]
        axes.step([0.0, *times], shares, where="post", label=name)
    axes.set_ylim(0, 1.05)
    axes.set_xlim(left=0)
    axes.set_xlabel("s since the task began")
    axes.set_ylabel("share of trials done")
    return _with_legend(figure, axes)


def _empty(width: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, _HEIGHT), layout="constrained")
    axes: Any = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="both", alpha=0.25)
    axes.set_axisbelow(True)
    return figure, axes


def _with_legend(figure: Figure, axes: Axes) -> Figure:
    if axes.get_legend_handles_labels()[0]:
        figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize="small")
    return figure
