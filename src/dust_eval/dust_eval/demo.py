"""Program: the demo. The cell runs end to end on this machine, and shows what it measured.

First the scripted expert carries out the paper's four tasks: its action chunks go through the
executor and the trajectory controller to the simulated arm, like a policy's. Then perception and a
dual-stream policy of the size `tiny`, not trained yet, run in the same place at full speed.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from dust_eval.cell_client import CellClient, GraphError
from dust_eval.film import Film
from dust_eval.graph import last_lines, running_graph
from dust_eval.probe import GraphReport, Probe
from dust_eval.runner import run_trial
from dust_eval.table import success_table
from dust_eval.trial import TrialResult, TrialSpec
from dust_msgs.action import ExecuteTask
from dust_start.domain import claimed_domain

SPECS = (
    TrialSpec("box_to_bowl", "blue_cube", 0, ("sponge",)),
    TrialSpec("box_to_plate", "sponge", 1),
    TrialSpec("basket_to_bowl", "teddy_bear", 2),
    TrialSpec("plate_to_basket", "blue_cup", 3),
)
"""One trial of each task, each with another object; the first one with a distractor."""

READY_SEC = 120.0
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


def run_expert(out: Path, *, domain_id: int) -> list[TrialResult]:
    """Let the scripted expert carry out one trial of each task; one film each in `out`.

    Raises:
        GraphError: The graph did not come up or broke; the message ends with its log.
    """
    log = out / "expert.log"
    graph = ["robot:=sim", "policy:=expert", "viewer:=auto"]
    with (
        running_graph(graph, log=log, domain_id=domain_id) as process,
        CellClient(domain_id=domain_id) as client,
    ):
        try:
            client.wait_ready(timeout_sec=READY_SEC, alive=lambda: process.poll() is None)
            return [_filmed_trial(client, spec, out) for spec in SPECS]
        except GraphError as error:
            raise GraphError(f"{error}; the graph's log ends:\n{last_lines(log)}") from error


def _filmed_trial(client: CellClient, spec: TrialSpec, out: Path) -> TrialResult:
    line = _Line(f"  {spec.task:<16} {spec.object_name:<11}")
    film = Film(client.node, IMAGE_TOPIC, rate=CAMERA_RATE)
    result = run_trial(client, spec, time_limit_sec=TIME_LIMIT_SEC, on_feedback=line.update)
    film.close(out / f"{spec.task}.mp4")
    verdict = {1.0: "success", 0.5: "half success"}.get(result.score, "FAILURE")
    line.end(f"{result.elapsed_sec:5.1f} s  {verdict}: {result.reason}")
    return result


def run_policy(out: Path, checkpoint: Path, *, seconds: float, domain_id: int) -> GraphReport:
    """Let perception and policy drive the arm for a while and measure the graph.

    Raises:
        GraphError: The graph did not come up or broke; the message ends with its log.
    """
    log = out / "policy.log"
    graph = ["robot:=sim", "policy:=dust", f"checkpoint:={checkpoint}"]
    with (
        running_graph(graph, log=log, domain_id=domain_id) as process,
        CellClient(domain_id=domain_id) as client,
    ):
        try:
            client.wait_ready(timeout_sec=READY_SEC, alive=lambda: process.poll() is None)
            return measure_policy(client, seconds=seconds)
        except (GraphError, TimeoutError, ValueError) as error:
            raise GraphError(f"{error}; the graph's log ends:\n{last_lines(log)}") from error


def measure_policy(client: CellClient, *, seconds: float) -> GraphReport:
    """Run one task for some seconds and return what the graph did meanwhile.

    The cameras stand still before and after, so that every image that was sent is accounted for.

    Raises:
        GraphError: The graph refused or did not answer.
        TimeoutError: No diagnostics came.
        ValueError: No chunk reached the arm.
    """
    probe = Probe(client.node)
    instruction = client.reset(SPECS[0])
    client.inject_fault("camera_stop")
    before = probe.image_counts(timeout_sec=15)
    client.inject_fault("clear")
    task = client.start_task(instruction, time_limit_sec=seconds + 60)
    # The first chunks pay for warm-up; they are the policy's, not the loop's.
    end = client.wait_task(task, timeout_sec=3.0)
    probe.begin()
    end = end or client.wait_task(task, timeout_sec=seconds)
    if end is not None:
        raise GraphError(f"the policy's task ended early: {end.result.error_msg}")
    report = probe.report()
    client.inject_fault("camera_stop")
    after = probe.image_counts(timeout_sec=15)
    client.cancel_task(task)
    sent, received = after[0] - before[0], after[1] - before[1]
    return report.with_images(sent, received)


def make_checkpoint(path: Path) -> Path:
    """Write an untrained checkpoint of the size `tiny`, unless it is there already."""
    if not (path / "config.json").exists():
        command = [sys.executable, "-m", "dust_model.init", str(path), "--size", "tiny"]
        subprocess.run([*command, "--seed", "0"], check=True, stdout=subprocess.DEVNULL)
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; returns 0 when every part did what it should."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, default=Path("out/demo"), help="folder for films, logs")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of the policy's part")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    try:
        with claimed_domain() as domain_id:
            return _demo(options.out, seconds=options.seconds, domain_id=domain_id)
    except (GraphError, subprocess.CalledProcessError) as error:
        print(f"\ndemo failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndemo stopped", file=sys.stderr)
        return 130
    finally:
        print(f"({time.monotonic() - began:.0f} s on {os.cpu_count()} cores)")


def _demo(out: Path, *, seconds: float, domain_id: int) -> int:
    print("1 of 2: the scripted expert, through executor and trajectory controller, in MuJoCo")
    results = run_expert(out, domain_id=domain_id)
    print(success_table(results))
    peak = max(max(result.peak[1:]) for result in results)
    samples = sum(result.samples for result in results)
    print(f"commanded samples at 1 kHz: {samples}; highest share of a limit used: {peak:.0%}")
    print(f"films: {out}/*.mp4, stills beside them")
    print(f"2 of 2: perception and an untrained tiny DUST policy drive the arm for {seconds:g} s")
    checkpoint = make_checkpoint(out.parent / "checkpoints" / "tiny-untrained")
    report = run_policy(out, checkpoint, seconds=seconds, domain_id=domain_id)
    print("\n".join("  " + line for line in report.lines()))
    passed = all(result.score == 1 and result.outside == 0 for result in results)
    print("demo passed" if passed and report.accepted > 0 else "demo failed: see above")
    return 0 if passed and report.accepted > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
