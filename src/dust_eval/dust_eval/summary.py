"""What an evaluation says: rates with intervals, reasons, how the graph did, comparisons."""

from __future__ import annotations

import dataclasses
import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dust_eval.comparison import Comparison, compare_all
from dust_eval.driver import Driver
from dust_eval.failure import Failure
from dust_eval.interval import Rate
from dust_eval.run_folder import RunFolder, TrialRecord
from dust_eval.trial import TrialResult


@dataclass(frozen=True, slots=True)
class DriverSummary:
    """One driver's trials.

    Attributes:
        driver: Who drove.
        overall: Success over all trials; a broken trial counts as a failure.
        by_task: Task -> success.
        by_object: Object -> success.
        failures: Reason -> number of trials, full successes left out.
        right_object: Scenes with distractors in which something was picked up: share in which that
            was the object asked for. None where nothing is known.
        right_attempt: The same for the first object that the hand closed on.
        seconds: Median time of full successes; None without one. Unit: s.
        chunk_rate: Median over trials; None where unknown. Unit: Hz.
        latency_p50: Median over trials of the median latency. Unit: s.
        latency_p95: Median over trials of the 95th percentile. Unit: s.
        underruns: How often the committed actions ran out, per trial.
        rejected: Chunks rejected in all.
        outside: Commanded samples outside a limit in all.
        samples: Commanded samples looked at.
        real_time_factor: Least simulated time per wall time in a second of any trial.
    """

    driver: Driver
    overall: Rate
    by_task: dict[str, Rate]
    by_object: dict[str, Rate]
    failures: dict[Failure, int]
    right_object: Rate | None
    right_attempt: Rate | None
    seconds: float | None
    chunk_rate: float | None
    latency_p50: float | None
    latency_p95: float | None
    underruns: float | None
    rejected: int
    outside: int
    samples: int
    real_time_factor: float | None


@dataclass(frozen=True, slots=True)
class Summary:
    """An evaluation as far as it has come.

    Attributes:
        drivers: Those that have done a trial, in the order given; while blind, of their letters.
        comparisons: Of every two, over the trials that both did.
        done: Trials that were carried out.
        planned: Trials in all.
    """

    drivers: tuple[DriverSummary, ...]
    comparisons: tuple[Comparison, ...]
    done: int
    planned: int


def reveal(folder: RunFolder, *, blind: bool) -> dict[str, Driver]:
    """Return whom each letter stands for; while blind, nobody but the letter itself."""
    plan = folder.plan
    if blind:
        return {label: Driver(f"driver {label}", "not told yet") for label in sorted(plan.labels)}
    return dict(zip(plan.labels, plan.drivers, strict=True))


def summarise(folder: RunFolder, *, blind: bool = False) -> Summary:
    """Sum up what is done; the letters become names again unless it is to stay blind."""
    by_label: dict[str, list[TrialRecord]] = {label: [] for label in folder.plan.labels}
    for record in folder.records:
        by_label[record.label].append(record)
    seen = [
        (driver, [record.result for record in by_label[label]])
        for label, driver in reveal(folder, blind=blind).items()
        if by_label[label]
    ]
    scores = {
        driver.name: {result.spec.name: result.score for result in results}
        for driver, results in seen
    }
    return Summary(
        drivers=tuple(summarise_driver(driver, results) for driver, results in seen),
        comparisons=tuple(compare_all(scores)),
        done=len(folder.records),
        planned=len(folder.plan.turns),
    )


def summarise_driver(driver: Driver, results: Sequence[TrialResult]) -> DriverSummary:
    """Sum up one driver's trials, of which there is at least one."""
    crowded = [result for result in results if result.spec.distractors]
    flows = [result.flow for result in results if result.flow is not None]
    failures = Counter(result.failure for result in results if result.score < 1)
    return DriverSummary(
        driver=driver,
        overall=Rate.of([result.score for result in results]),
        by_task=_rates(results, lambda result: result.spec.task),
        by_object=_rates(results, lambda result: result.spec.object_name),
        failures={failure: failures[failure] for failure in Failure if failures[failure]},
        right_object=_share_right(crowded, lambda result: result.picked),
        right_attempt=_share_right(crowded, lambda result: result.attempted),
        seconds=_median([result.elapsed_sec for result in results if result.score == 1]),
        chunk_rate=_median([flow.chunk_rate for flow in flows]),
        latency_p50=_median([flow.latency_p50 for flow in flows]),
        latency_p95=_median([flow.latency_p95 for flow in flows]),
        underruns=statistics.fmean(flow.underruns for flow in flows) if flows else None,
        rejected=sum(flow.rejected for flow in flows),
        outside=sum(result.outside for result in results),
        samples=sum(result.samples for result in results),
        real_time_factor=min((flow.real_time_factor for flow in flows), default=None),
    )


def to_values(summary: Summary, folder: RunFolder, *, blind: bool = False) -> dict[str, Any]:
    """Return everything as JSON values, each trial with its driver's name."""
    drivers = reveal(folder, blind=blind)
    plan = folder.plan
    return {
        "done": summary.done,
        "planned": summary.planned,
        "robot": plan.robot,
        "judge": plan.judge,
        "real_time_factor": plan.real_time_factor,
        "time_limit_sec": plan.time_limit_sec,
        "seed": plan.seed,
        "block": plan.block,
        "drivers": [_with_rates(dataclasses.asdict(driver)) for driver in summary.drivers],
        "comparisons": [dataclasses.asdict(comparison) for comparison in summary.comparisons],
        "trials": [
            {"driver": drivers[record.label].name, **dataclasses.asdict(record)}
            for record in folder.records
        ],
    }


def _rates(results: Sequence[TrialResult], key: Callable[[TrialResult], str]) -> dict[str, Rate]:
    names = dict.fromkeys(key(result) for result in results)
    return {name: Rate.of([r.score for r in results if key(r) == name]) for name in names}


def _share_right(
    results: Sequence[TrialResult], chosen: Callable[[TrialResult], str]
) -> Rate | None:
    right = [float(chosen(r) == r.spec.object_name) for r in results if chosen(r)]
    return Rate.of(right) if right else None


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _with_rates(value: Any) -> Any:
    """Add the rate itself wherever a score of trials stands."""
    if not isinstance(value, dict):
        return value
    values = {str(key): _with_rates(item) for key, item in value.items()}
    if {"score", "trials"} <= values.keys():
        values["rate"] = values["score"] / values["trials"]
    return values
