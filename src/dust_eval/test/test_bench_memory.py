"""Whether memory grows: made-up processes, and slowly the nodes of the real graph."""

import json
import os
import subprocess
import sys
from collections import Counter
from threading import Timer
from types import SimpleNamespace

import pytest

from dust_eval import bench, bench_memory
from dust_eval.bench_memory import Sampler, assess, do_tasks, is_flat, table, to_values, watch
from dust_eval.bench_nodes import Memory, NodeProcess
from dust_eval.bench_trend import Trend
from dust_eval.task_client import GraphError

POLICY = NodeProcess("dust_policy", 10, 1)
SIM = NodeProcess("dust_sim", 20, 1)


class Machine:
    """A clock that goes on when it is waited for, and processes that hold memory."""

    def __init__(self):
        self.now = 0.0
        self.running = [POLICY, SIM]
        self.holds = {POLICY.pid: lambda t: 400.0, SIM.pid: lambda t: 150.0}
        self.looks = 0

    def sampler(self, *, interval=10.0, warm_up=120.0):
        return Sampler(
            self._nodes,
            interval=interval,
            warm_up=warm_up,
            read=self._read,
            clock=lambda: self.now,
        )

    def wait(self, seconds):
        self.now += seconds

    def _nodes(self):
        self.looks += 1
        return list(self.running)

    def _read(self, pid):
        held = self.holds[pid](self.now)
        return None if held is None else Memory(held + 30, held)


def findings(machine, *, seconds=1920.0):
    sampler = machine.sampler()
    while sampler.seconds < seconds:
        sampler.look()
        machine.wait(0.5)
    return {finding.node: finding for finding in sampler.findings()}


def test_what_stays_the_same_is_flat_and_what_leaks_grows():
    machine = Machine()
    machine.holds[SIM.pid] = lambda t: 150 + 12 * t / 3600
    found = findings(machine)
    assert found[POLICY].verdict == "flat"
    assert found[SIM].verdict == "grows"
    assert found[SIM].resident.slope * 3600 == pytest.approx(12)
    assert found[SIM].resident.seconds == pytest.approx(1790, abs=11)


def test_the_warm_up_does_not_count():
    machine = Machine()
    machine.holds[POLICY.pid] = lambda t: 400 - 200 * (t < 110)
    assert findings(machine)[POLICY].verdict == "flat"
    machine = Machine()
    machine.holds[POLICY.pid] = lambda t: 400 - 200 * (t < 800)
    assert findings(machine)[POLICY].verdict == "grows"


def test_a_process_that_comes_later_has_its_own_warm_up():
    machine = Machine()
    late = NodeProcess("dust_policy", 30, 1)
    machine.holds[30] = lambda t: 100 + min(t - 500, 100)
    sampler = machine.sampler()
    while sampler.seconds < 1500:
        if sampler.seconds == 500:
            machine.running = [SIM, late]
        sampler.look()
        machine.wait(0.5)
    found = {finding.node: finding for finding in sampler.findings()}
    assert found[late].verdict == "flat"
    assert found[late].resident.first == 230
    assert sampler.series[POLICY].times[-1] == 490


def test_a_short_look_says_so():
    found = findings(Machine(), seconds=150.0)
    assert found[POLICY].verdict == "too short"
    assert table(list(found.values())).count("too short") == 2


@pytest.mark.parametrize(
    ("first", "growth", "flat"),
    [
        (400, 7.9, True),  # 2 % of 400 MiB
        (400, 8.1, False),
        (30, 1.9, True),  # less than 2 MiB, though more than 2 %
        (30, 2.1, False),
        (400, -50, True),
    ],
)
def test_flat_is_less_than_two_percent_or_two_mebibytes(first, growth, flat):
    assert is_flat(Trend(first, first, growth / 1800, 0.0, 1800)) is flat


def test_a_heap_that_grows_is_not_hidden_by_files_that_leave_memory():
    """The kernel drops pages of libraries that are not used."""
    series = bench_memory.Series()
    for index in range(200):
        series.append(10.0 * index, Memory(resident=300.0, own=100 + 0.1 * index))
    finding = assess(POLICY, series, warm_up=0)
    assert is_flat(finding.resident)
    assert finding.verdict == "grows"


def test_samples_are_taken_at_the_interval():
    machine = Machine()
    sampler = machine.sampler(interval=10)
    for _ in range(100):
        sampler.look()
        machine.wait(0.5)
    assert machine.looks == 5
    assert sampler.series[SIM].times == [0, 10, 20, 30, 40]


def test_a_process_that_ends_while_it_is_read_is_left_out():
    machine = Machine()
    machine.holds[POLICY.pid] = lambda t: None
    sampler = machine.sampler()
    sampler.look()
    assert list(sampler.series) == [SIM]


def test_the_table_and_json_say_the_same():
    machine = Machine()
    machine.holds[SIM.pid] = lambda t: 150 + 12 * t / 3600
    sampler = machine.sampler()
    while sampler.seconds < 1920:
        sampler.look()
        machine.wait(0.5)
    found = sampler.findings()
    _, policy, sim = table(found).splitlines()
    start, slopes = "dust_policy 10 430.0 430.0", "+0.00 +- 0.00 +0.00 +- 0.00"
    assert policy.split() == f"{start} {slopes} 0.00 flat".split()
    assert sim.split()[4] == "+12.00"
    assert sim.split()[-2:] == ["5.97", "grows"]
    values = json.loads(json.dumps(to_values(sampler, found, Counter(timeout=3)), allow_nan=False))
    assert values["tasks"] == {"timeout": 3}
    assert [row["verdict"] for row in values["nodes"]] == ["flat", "grows"]
    assert values["nodes"][1]["resident"]["slope"] == pytest.approx(12, abs=0.01)
    assert len(values["nodes"][1]["samples"]["times"]) == 192


def test_the_last_sample_of_a_process_that_ended_does_not_count():
    machine = Machine()
    machine.holds[POLICY.pid] = lambda t: 400 if t < 600 else 5
    sampler = machine.sampler()
    while sampler.seconds < 700:
        if machine.now > 600:
            machine.running = [SIM]
        sampler.look()
        machine.wait(0.5)
    found = {finding.node: finding for finding in sampler.findings()}
    assert sampler.series[POLICY].resident[-1] == 35
    assert found[POLICY].resident.last == 430
    assert found[POLICY].verdict == "flat"
    assert found[SIM].resident.seconds == 690 - 120


def test_watching_ends_with_the_graph():
    machine = Machine()
    sampler = machine.sampler()

    def pause(seconds):
        machine.wait(seconds)
        # Between two drivers nothing of one part runs; that is no end.
        machine.running = [] if machine.now > 900 or 300 < machine.now < 340 else [POLICY, SIM]

    watch(sampler, pause=pause)
    assert 900 + bench_memory.GONE_SEC - 10 <= machine.now <= 900 + bench_memory.GONE_SEC + 10
    assert sampler.series[SIM].times[-1] == pytest.approx(900, abs=10)


def test_a_graph_that_never_comes_is_told():
    machine = Machine()
    machine.running = []
    with pytest.raises(ValueError, match="no node of DUST ran within 120 s: start the graph"):
        watch(machine.sampler(), pause=machine.wait)


NODE = "import time\nprint(flush=True)\nwhile True: time.sleep(0.05)"


@pytest.fixture
def stranger():
    """Return a process that looks like the node of a graph in the domain 77."""
    command = [sys.executable, "-c", NODE, "--ros-args", "-r", "__node:=dust_stranger"]
    environment = {**os.environ, "ROS_DOMAIN_ID": "77"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


WATCH = ["--only", "memory", "--watch", "--domain", "77", "--interval", "0.05", "--warm-up", "0"]


def test_a_graph_that_runs_already_is_watched_to_its_end(stranger, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bench_memory, "_STEP_SEC", 0.05)
    monkeypatch.setattr(bench_memory, "GONE_SEC", 0.5)
    Timer(2.0, stranger.kill).start()
    assert bench.main([*WATCH, "--out", str(tmp_path)]) == 0, capsys.readouterr().err
    (row,) = json.loads((tmp_path / "memory.json").read_text())["nodes"]
    assert (row["name"], row["pid"]) == ("dust_stranger", stranger.pid)
    assert row["verdict"] == "flat"
    assert "dust_stranger" in capsys.readouterr().out


def test_ctrl_c_shows_what_was_seen_until_then(stranger, tmp_path, monkeypatch, capsys):
    def interrupted(sampler):
        sampler.look()
        raise KeyboardInterrupt

    monkeypatch.setattr(bench_memory, "watch", interrupted)
    assert bench.main([*WATCH, "--out", str(tmp_path)]) == 130
    (row,) = json.loads((tmp_path / "memory.json").read_text())["nodes"]
    assert row["verdict"] == "too short"
    assert "dust_stranger" in capsys.readouterr().out


class Cell:
    """A cell whose tasks take 20 s and end in turn as they should and by their limit."""

    def __init__(self, machine, *, until=float("inf")):
        self.client = self
        self.done = []
        self._machine = machine
        self._until = until

    def alive(self):
        return self._machine.now < self._until

    def wait_idle(self):
        self._machine.wait(1.0)

    def reset(self, spec):
        self.done.append(spec.task)
        return "do it"

    def start_task(self, instruction, *, time_limit_sec):
        assert (instruction, time_limit_sec) == ("do it", bench_memory.TASK_SEC)
        return self._machine.now + 20

    def wait_task(self, task, *, timeout_sec):
        self._machine.wait(timeout_sec)
        if self._machine.now < task:
            return None
        failed = len(self.done) % 2
        return SimpleNamespace(succeeded=not failed, result=SimpleNamespace(error_code=12 * failed))


def test_tasks_are_done_one_after_the_other():
    machine = Machine()
    cell, sampler, ends = Cell(machine), machine.sampler(), Counter()
    do_tasks(cell, sampler, ends, seconds=720.0)
    assert cell.done[:5] == [
        "box_to_bowl",
        "box_to_plate",
        "basket_to_bowl",
        "plate_to_basket",
        "box_to_bowl",
    ]
    assert 720 <= machine.now <= 742
    assert ends["timeout"] + ends["succeeded"] == len(cell.done)
    assert abs(ends["timeout"] - ends["succeeded"]) <= 1
    # Between two tasks nobody looks.
    assert len(sampler.series[SIM].times) >= 60


def test_a_graph_that_ends_is_told():
    machine = Machine()
    with pytest.raises(GraphError, match="the graph ended during a task"):
        do_tasks(Cell(machine, until=50.0), machine.sampler(), Counter(), seconds=600.0)


@pytest.mark.parametrize("words", [["--interval", "0"], ["--minutes", "-1"], ["--warm-up", "-1"]])
def test_nonsense_is_refused(words, capsys):
    with pytest.raises(SystemExit) as ended:
        bench.main(["--only", "memory", *words])
    assert ended.value.code == 2
    assert f"{words[0]}: must lie between 0" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_nodes_of_the_graph_are_sampled(tmp_path, capsys):
    words = ["--only", "memory", "--minutes", "0.5", "--interval", "1", "--warm-up", "5"]
    code = bench.main([*words, "--checkpoint", "expert", "--out", str(tmp_path)])
    assert code == 0, capsys.readouterr().err
    values = json.loads((tmp_path / "memory.json").read_text())
    assert [row["name"] for row in values["nodes"]] == ["dust_executor", "dust_expert", "dust_sim"]
    assert all(row["resident"]["start"] > 20 for row in values["nodes"])
    assert sum(values["tasks"].values()) >= 1
