"""Whole graph: dust-eval with real nodes, interrupted and gone on with, judged by a person."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest

from dust_eval.run_folder import RunFolder
from dust_eval.trace import Trace

ROOT = Path(__file__).parents[3]
# A machine that is busy with other things stalls all nodes together; simulated time, and slow,
# makes that harmless.
SLOW = ["--real-time-factor", "0.5"]


class Command:
    """`dust-eval` in a process of its own."""

    def __init__(self, out, *words):
        protocol = ROOT / "config" / "protocol.yaml"
        command = [sys.executable, "-m", "dust_eval.evaluate", "--out", str(out)]
        self.process = subprocess.Popen(
            [*command, "--protocol", str(protocol), *SLOW, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ,
        )

    def until(self, condition, *, seconds=200.0):
        deadline = time.monotonic() + seconds
        while not condition():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.1)
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.monotonic() < deadline
        return self

    def end(self, number=None):
        if number is not None:
            self.process.send_signal(number)
        said, complained = self.process.communicate(timeout=250)
        return self.process.returncode, said, complained


def lines(out):
    path = out / "trials.jsonl"
    return path.read_text().count("\n") if path.exists() else 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_drivers_interrupted_and_gone_on_with(tmp_path, tiny_checkpoint):
    out = tmp_path / "out"
    words = ["--tasks", "box_to_bowl", "--objects", "blue_cube", "--seeds", "1", "2"]
    short = tmp_path / "short.yaml"
    text = (ROOT / "config" / "protocol.yaml").read_text()
    short.write_text(text.replace("time_limit: 45.0", "time_limit: 20.0"))
    words += ["--block", "1", "--protocol", str(short)]
    words += ["--checkpoint", "expert", "--checkpoint", f"novice={tiny_checkpoint},vision_steps=8"]
    code, said, _ = Command(out, *words).until(lambda: lines(out) >= 1).end(signal.SIGINT)
    assert code == 130
    assert "expert" not in said
    done = lines(out)
    code, said, complained = Command(out, "--resume").end()
    assert code == 0, complained
    assert lines(out) == 4 > done
    values = json.loads((out / "results.json").read_text())
    expert, novice = values["drivers"]
    assert (expert["driver"]["name"], expert["overall"]["rate"]) == ("expert", 1.0)
    assert (novice["driver"]["name"], novice["overall"]["score"]) == ("novice", 0.0)
    assert novice["failures"] == {"never_reached": 2}
    assert novice["chunk_rate"] > 1
    assert expert["right_object"]["rate"] == 1.0
    assert min(expert["samples"], novice["samples"]) > 10_000
    assert values["comparisons"][0]["wins"] == 2
    for record in RunFolder.open(out).records:
        folder = out / "trials" / record.episode
        assert cv2.imread(str(folder / "strip.png")).shape[1] == 8 * 240
        trace = Trace.load(folder / "trace.npz")
        assert trace.times[-1] - trace.times[0] == pytest.approx(record.result.elapsed_sec, abs=2.5)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_person_judges_what_the_cell_shows(tmp_path):
    out = tmp_path / "out"
    words = ["--tasks", "box_to_bowl", "--objects", "blue_cube", "--seeds", "1"]
    command = Command(out, *words, "--checkpoint", "expert", "--judge", "person")
    keys, said = command.process.stdin, command.process.stderr

    def answer(question, text):
        heard = ""
        while question not in heard:
            heard += (character := said.read(1))
            assert character, heard
        keys.write(f"{text}\n")
        keys.flush()

    answer("Enter when the scene is as it should be", "")
    answer("what came of it?", "h")
    answer("what was picked up first?", "1")
    answer("a note", "on the rim")
    code, _, complained = command.end()
    assert code == 0, complained
    (record,) = RunFolder.open(out).records
    assert (record.result.score, record.result.failure) == (0.5, "half")
    assert (record.result.picked, record.result.reason) == ("blue_cube", "on the rim")
    assert record.result.flow.chunk_rate > 1


def descendants(pid):
    """Return pid -> command line of everything that a process has started, directly or not."""
    parents, commands = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(folder.name)] = int(
                (folder / "stat").read_text().rpartition(")")[2].split()[1]
            )
            commands[int(folder.name)] = (folder / "cmdline").read_bytes().decode()
    found = {pid}
    while fresh := {child for child, parent in parents.items() if parent in found} - found:
        found |= fresh
    return {child: commands.get(child, "") for child in found - {pid}}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_driver_that_is_killed_costs_one_trial(tmp_path):
    out = tmp_path / "out"
    words = ["--tasks", "box_to_bowl", "--objects", "blue_cube", "--seeds", "1", "2"]
    command = Command(out, *words, "--checkpoint", "expert", "--no-film")

    def running():
        log = out / "logs" / "cell-0001.log"
        return log.exists() and "RUNNING" in log.read_text()

    command.until(running)
    (expert,) = [
        pid
        for pid, line in descendants(command.process.pid).items()
        if "__node:=dust_expert" in line and "dust_start" not in line
    ]
    os.kill(expert, signal.SIGKILL)
    code, _, complained = command.end()
    assert code == 1
    assert "1 trials broke; --resume tries them again" in complained
    first, second = RunFolder.open(out).records
    assert first.result.failure == "broken"
    assert "ended" in first.result.reason
    assert second.result.score == 1.0, second.result.reason
