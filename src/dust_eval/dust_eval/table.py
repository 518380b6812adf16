"""Tables of an evaluation, for a terminal and in Markdown."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from dust_eval.comparison import Comparison
from dust_eval.failure import Failure
from dust_eval.interval import Rate, wilson_interval
from dust_eval.summary import DriverSummary, Summary
from dust_eval.trial import TrialResult

Row = Sequence[str]


def success_table(results: Sequence[TrialResult]) -> str:
    """Return a table by task, one row each and one for all, as text."""
    by_task = sorted(results, key=lambda result: result.spec.task)
    rows = [
        _row(task, list(group))
        for task, group in itertools.groupby(by_task, key=lambda result: result.spec.task)
    ]
    header = (
        f"{'task':<18}{'success':>12}{'rate':>8}{'95 % interval':>18}{'time':>9}{'outside':>10}"
    )
    return "\n".join([header, *rows, _row("all", list(results))])


def text_report(summary: Summary) -> str:
    """Return all tables as text for a terminal."""
    return "\n\n".join(
        f"{title}\n{_aligned(rows)}" for title, rows in _sections(summary) if len(rows) > 1
    )


def markdown_report(summary: Summary) -> str:
    """Return all tables in Markdown."""
    parts = [f"## {title}\n\n{_piped(rows)}" for title, rows in _sections(summary) if len(rows) > 1]
    return "\n\n".join(["# Evaluation", *parts]) + "\n"


def _sections(summary: Summary) -> list[tuple[str, list[Row]]]:
    drivers = summary.drivers
    state = "" if summary.done == summary.planned else f", {summary.done} of {summary.planned} done"
    sections: list[tuple[str, list[Row]]] = [
        (f"Success (95 % intervals after Wilson){state}", _success_rows(drivers)),
        ("By object", _object_rows(drivers)),
        ("Why it failed (trials)", _failure_rows(drivers)),
        ("The right object, where others lay there too", _choice_rows(drivers)),
        ("How it went", _flow_rows(drivers)),
        ("Compared, trial by trial", _comparison_rows(summary.comparisons)),
    ]
    return sections


def _success_rows(drivers: Sequence[DriverSummary]) -> list[Row]:
    tasks = list(dict.fromkeys(task for driver in drivers for task in driver.by_task))
    rows: list[Row] = [["", "trials", "success", *tasks]]
    for driver in drivers:
        overall = driver.overall
        cells = [_percent(driver.by_task.get(task)) for task in tasks]
        rows.append([driver.driver.name, str(overall.trials), str(overall), *cells])
    return rows


def _object_rows(drivers: Sequence[DriverSummary]) -> list[Row]:
    names = list(dict.fromkeys(name for driver in drivers for name in driver.by_object))
    rows: list[Row] = [["", *(name.replace("_", " ") for name in names)]]
    for driver in drivers:
        cells = [driver.by_object.get(name) for name in names]
        rows.append([driver.driver.name, *("" if cell is None else str(cell) for cell in cells)])
    return rows


def _failure_rows(drivers: Sequence[DriverSummary]) -> list[Row]:
    kinds = [kind for kind in Failure if any(kind in driver.failures for driver in drivers)]
    if not kinds:
        return []
    rows: list[Row] = [["", *(kind.replace("_", " ") for kind in kinds)]]
    return rows + [
        [driver.driver.name, *(str(driver.failures.get(kind, 0)) for kind in kinds)]
        for driver in drivers
    ]


def _choice_rows(drivers: Sequence[DriverSummary]) -> list[Row]:
    rows: list[Row] = [["", "picks", "right object picked up", "right object gripped for"]]
    for driver in drivers:
        right = driver.right_object
        if right is None and driver.right_attempt is None:
            continue
        picks = "0" if right is None else str(right.trials)
        cells = ["" if rate is None else str(rate) for rate in (right, driver.right_attempt)]
        rows.append([driver.driver.name, picks, *cells])
    return rows


def _flow_rows(drivers: Sequence[DriverSummary]) -> list[Row]:
    rows: list[Row] = [
        [
            "",
            "time of a success",
            "chunks per second",
            "latency (p95)",
            "ran out of actions",
            "rejected",
            "samples outside",
            "least real-time factor",
        ]
    ]
    for driver in drivers:
        latency = f"{_unit(driver.latency_p50, 1e3)} ({_unit(driver.latency_p95, 1e3)}) ms"
        rows.append(
            [
                driver.driver.name,
                f"{_unit(driver.seconds)} s",
                _unit(driver.chunk_rate, digits=1),
                latency,
                f"{_unit(driver.underruns, digits=2)} per trial",
                str(driver.rejected),
                f"{driver.outside} of {driver.samples}",
                _unit(driver.real_time_factor, digits=2),
            ]
        )
    return rows


def _comparison_rows(comparisons: Sequence[Comparison]) -> list[Row]:
    rows: list[Row] = [
        ["", "trials", "better", "worse", "difference (95 %)", "p", "p (Holm)"],
    ]
    for c in comparisons:
        rows.append(
            [
                f"{c.first} against {c.second}",
                str(c.trials),
                str(c.wins),
                str(c.losses),
                f"{c.difference:+.1%} ({c.low:+.1%} to {c.high:+.1%})",
                f"{c.p:.2g}",
                f"{c.p_holm:.2g}",
            ]
        )
    return rows


def _percent(rate: Rate | None) -> str:
    return "" if rate is None else f"{rate.rate:.1%}"


def _unit(value: float | None, scale: float = 1.0, *, digits: int | None = None) -> str:
    if value is None:
        return "-"
    return f"{value * scale:.{digits}f}" if digits is not None else f"{value * scale:.3g}"


def _aligned(rows: Sequence[Row]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _piped(rows: Sequence[Row]) -> str:
    head, *body = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([head, "|---" * len(rows[0]) + "|", *body])


def _row(name: str, results: Sequence[TrialResult]) -> str:
    score = sum(result.score for result in results)
    low, high = wilson_interval(score, len(results))
    seconds = sum(result.elapsed_sec for result in results) / len(results)
    outside = sum(result.outside for result in results)
    return (
        f"{name:<18}{f'{score:g} of {len(results)}':>12}{score / len(results):>8.1%}"
        f"{f'{low:.1%} to {high:.1%}':>18}{seconds:>7.1f} s{outside:>10}"
    )
