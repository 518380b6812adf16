"""Program: the demo. A learned policy carries out the paper's four tasks in the cell, live.

Perception, policy and executor are the nodes that run on a robot, in processes of their own and in
real time; arm, cameras and table are MuJoCo's.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from dust_eval.bench_arguments import out_folder
from dust_eval.cell_client import CellClient, GraphError
from dust_eval.driver import EXPERT, Driver, one_driver
from dust_eval.film import Film
from dust_eval.interval import wilson_interval
from dust_eval.publish import RESULTS
from dust_eval.runner import SimulatedScene, carry_out
from dust_eval.running_cell import running_cell
from dust_eval.table import success_table
from dust_eval.trial import TrialResult, TrialSpec
from dust_eval.trial_watch import TrialWatch
from dust_msgs.action import ExecuteTask

SPECS = (
    TrialSpec("box_to_bowl", "blue_cube", 10, ("sponge",)),
    TrialSpec("box_to_plate", "sponge", 11),
    TrialSpec("basket_to_bowl", "teddy_bear", 12),
    TrialSpec("plate_to_basket", "blue_cup", 13, ("blue_cube",)),
)
"""One trial of each task, each with another object, two with a distractor; training saw none."""

LEAST_RATE = 5.0
"""Chunks per second that the policy has to make here. Unit: Hz."""

UNLIKELY = 0.05
"""Probability below which it is a fault, not bad luck, that no task was done."""

TIME_LIMIT_SEC = 45.0
CAMERA_RATE = 15.0
IMAGE_TOPIC = "zed_side/zed_node/rgb/color/rect/image"


class _Line:
    """One line of progress, rewritten in place on a terminal."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._live = sys.stdout.isatty()
        if not self._live:
            print(text, end=" ", flush=True)

    def update(self, feedback: ExecuteTask.Feedback) -> None:
        if self._live:
            seconds = f"{feedback.elapsed_time:5.1f} s, {feedback.chunks} chunks"
            print(f"\r{self._text} {seconds}", end="", flush=True)

    def end(self, text: str) -> None:
        start = f"\r{self._text} " if self._live else ""
        # Blanks cover what is left of the longer line of progress.
        print(f"{start}{text}" + " " * 10 * self._live, flush=True)


def run_trials(driver: Driver, out: Path) -> list[TrialResult]:
    """Let a driver carry out one trial of each task; one film each in `out`.

    Raises:
        GraphError: The graph did not come up or broke; the message ends with its log.
    """
    with running_cell(["viewer:=auto", *driver.words], log=out / "graph.log") as cell:
        watch = TrialWatch(cell.client.node, cell.client.arm)
        return [_filmed_trial(cell.client, watch, spec, out) for spec in SPECS]


def _filmed_trial(client: CellClient, watch: TrialWatch, spec: TrialSpec, out: Path) -> TrialResult:
    line = _Line(f"  {spec.task:<16} {spec.object_name:<11}")
    film = Film(client.node, IMAGE_TOPIC, rate=CAMERA_RATE)
    scene = SimulatedScene(client, watch)
    result = carry_out(client, scene, spec, time_limit_sec=TIME_LIMIT_SEC, on_feedback=line.update)
    film.close(out / f"{spec.task}.mp4")
    verdict = {1.0: "success", 0.5: "half success"}.get(result.score, "FAILURE")
    line.end(f"{result.elapsed_sec:5.1f} s  {verdict}: {result.reason}")
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; returns 0 when it did what it should."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    add = parser.add_argument
    add("--out", type=out_folder, default=Path("out/demo"), help="folder for films, logs")
    who = parser.add_mutually_exclusive_group().add_argument
    who("--checkpoint", default="", metavar="FOLDER", help="who drives (default: models/tiny)")
    who("--expert", action="store_true", help="let the scripted expert drive, which sees all")
    options = parser.parse_args(arguments)
    try:
        driver = one_driver(EXPERT if options.expert else options.checkpoint)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    began = time.monotonic()
    try:
        return _demo(driver, options.out)
    except GraphError as error:
        print(f"\ndemo failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndemo stopped", file=sys.stderr)
        return 130
    finally:
        print(f"({time.monotonic() - began:.0f} s on {os.cpu_count()} cores)")


def _demo(driver: Driver, out: Path) -> int:
    measured = None if driver.is_expert else measured_before(Path(driver.checkpoint))
    print(introduction(driver, measured))
    results = run_trials(driver, out)
    print(success_table(results))
    print("\n".join(_figures(results)))
    print(f"films: {out}/*.mp4, stills beside them; log: {out}/graph.log")
    faults = faults_of(results, None if driver.is_expert else measured or Measured(0.0, 0))
    print(f"demo failed: {'; '.join(faults)}" if faults else "demo passed")
    return 1 if faults else 0


class Measured(NamedTuple):
    """What a checkpoint's trials have shown.

    Attributes:
        score: Successes; a half success is half a one.
        trials: How many there were; 0: none yet.
    """

    score: float
    trials: int

    @property
    def rate(self) -> float:
        """Share of successes."""
        return self.score / self.trials if self.trials else 0.0


def measured_before(checkpoint: Path) -> Measured | None:
    """Return the results that a checkpoint was published with; None if it has none."""
    path = checkpoint / RESULTS
    if not path.is_file():
        return None
    values = json.loads(path.read_text(encoding="utf-8"))
    return Measured(values["score"], values["trials"])


def introduction(driver: Driver, measured: Measured | None) -> str:
    """Return who drives, and how often that one succeeded before.

    Args:
        driver: A policy or the scripted expert.
        measured: The policy's results, if there are any.
    """
    if driver.is_expert:
        return "the scripted expert drives: it is told where everything is"
    lines = [f"a DUST policy drives ({driver.name}), from two cameras and an instruction; it"]
    lines += ["learned from the scripted expert's demonstrations, and saw none of these scenes."]
    if measured is not None:
        low, high = wilson_interval(*measured)
        lines += [
            f"measured before: {measured.score:g} of {measured.trials} of the paper's trials "
            f"({measured.rate:.0%}, 95 % interval {low:.0%} to {high:.0%}). Now, live:"
        ]
    return "\n".join(lines)


def _figures(results: Sequence[TrialResult]) -> list[str]:
    peak = max(max(result.peak[1:]) for result in results)
    samples = sum(result.samples for result in results)
    lines = [f"commanded samples at 1 kHz: {samples}; highest share of a limit used: {peak:.0%}"]
    flows = [result.flow for result in results if result.flow is not None]
    if flows:
        rate = statistics.median(flow.chunk_rate for flow in flows)
        latency = statistics.median(flow.latency_p50 for flow in flows)
        factor = min(flow.real_time_factor for flow in flows)
        lines.append(
            f"{rate:.1f} chunks per second; from image to command {latency * 1e3:.0f} ms (median); "
            f"least real-time factor {factor:.2f}"
        )
    return lines


def faults_of(results: Sequence[TrialResult], measured: Measured | None) -> list[str]:
    """Return what must not be; that a learned policy fails a trial is not among it.

    That it fails all of them is, if its results make that unlikely.

    Args:
        results: One trial of each task.
        measured: What the policy's trials have shown; None: the scripted expert drove.
    """
    learned = measured is not None
    faults = []
    outside = sum(result.outside for result in results)
    if outside:
        faults.append(f"{outside} commanded samples outside the limits")
    score = sum(result.score for result in results)
    if measured is None:
        too_few = score < len(results)
    else:
        too_few = score == 0 and (1 - measured.rate) ** len(results) < UNLIKELY
    if too_few:
        faults.append(f"{score:g} of {len(results)} tasks done")
    rates = [result.flow.chunk_rate for result in results if result.flow is not None]
    if learned and (not rates or statistics.median(rates) < LEAST_RATE):
        slow = f"{statistics.median(rates):.1f}" if rates else "no"
        faults.append(f"{slow} chunks per second, {LEAST_RATE:g} are needed; is the machine busy?")
    return faults


if __name__ == "__main__":
    sys.exit(main())
