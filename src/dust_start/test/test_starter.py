"""Real processes, no ROS: what is started ends, however it behaves."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dust_start import starter as module
from dust_start.errors import StartError
from dust_start.graph import NodeSpec
from dust_start.starter import Starter

WAIT = "time.sleep(60)"
STUBBORN = """
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(60)
"""


class Output:
    """Collects lines and waits for one."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def __call__(self, name: str, line: str) -> None:
        self.lines.append((name, line))

    def wait_for(self, text: str, seconds: float = 10.0) -> str:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for _, line in list(self.lines):
                if text in line:
                    return line
            time.sleep(0.01)
        raise AssertionError(f"no line with '{text}' among {self.lines}")


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0]
    except FileNotFoundError:
        return False


def wait_until_gone(pid: int, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while alive(pid):
        assert time.monotonic() < deadline, f"process {pid} still runs"
        time.sleep(0.01)


def test_nodes_start_in_order_and_stop(install):
    install("first", WAIT)
    environment = install("second", WAIT)
    output = Output()
    with Starter(environment, output) as starter:
        starter.start([NodeSpec("a", "fake", "first"), NodeSpec("b", "fake", "second")])
        output.wait_for("__node:=a")
        output.wait_for("__node:=b")
        assert list(starter.processes) == ["a", "b"]
        pids = [process.pid for process in starter.processes.values()]
        assert starter.stop() == []
    assert not any(alive(pid) for pid in pids)


def test_a_node_that_is_stopped_while_it_is_still_importing_says_nothing(install):
    output = Output()
    with Starter(install("node", WAIT), output) as starter:
        starter.start([NodeSpec("a", "fake", "node")])
        output.wait_for("__node:=a")
        said = len(output.lines)
        assert starter.stop() == []
    assert output.lines[said:] == []


def test_output_comes_line_by_line_with_the_nodes_name(install):
    output = Output()
    with Starter(install("node", 'print("one\\ntwo", flush=True);' + WAIT), output) as starter:
        starter.start([NodeSpec("a", "fake", "node")])
        output.wait_for("two")
    assert ("a", "one") in output.lines
    assert ("a", "two") in output.lines


def test_a_required_node_that_ends_is_noticed_with_its_exit_code(install):
    with Starter(install("node", "sys.exit(3)"), Output()) as starter:
        starter.start([NodeSpec("a", "fake", "node")])
        ended = starter.watch(10.0)
        assert ended is not None
        assert ended.spec.name == "a"
        assert ended.returncode == 3


def test_an_optional_node_may_end(install):
    output = Output()
    with Starter(install("node", ""), output) as starter:
        starter.start([NodeSpec("a", "fake", "node", required=False)])
        output.wait_for("started")
        assert starter.watch(0.2) is None


def test_a_deaf_node_is_killed_and_named(install, monkeypatch):
    monkeypatch.setattr(
        module, "_STEPS", ((signal.SIGTERM, 0.2), (signal.SIGINT, 0.2), (signal.SIGKILL, 5.0))
    )
    output = Output()
    with Starter(install("node", STUBBORN), output) as starter:
        starter.start([NodeSpec("a", "fake", "node")])
        output.wait_for("deaf")
        pid = starter.processes["a"].pid
        assert starter.stop() == ["a"]
    assert not alive(pid)


def test_what_a_node_started_ends_with_it(install):
    body = """
    child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
    print("child", child.pid, flush=True)
    """
    output = Output()
    with Starter(install("node", body), output) as starter:
        starter.start([NodeSpec("a", "fake", "node")])
        child = int(output.wait_for("child").split()[1])
        starter.watch(10.0)
    wait_until_gone(child)


def test_one_node_can_be_stopped_alone(install):
    environment = install("node", WAIT)
    output = Output()
    with Starter(environment, output) as starter:
        starter.start([NodeSpec("a", "fake", "node"), NodeSpec("b", "fake", "node")])
        output.wait_for("__node:=a")
        output.wait_for("__node:=b")
        starter.stop(["a"])
        assert list(starter.processes) == ["b"]
        assert starter.watch(0.1) is None


def test_nothing_starts_if_one_executable_is_missing(install):
    with Starter(install("node", WAIT), Output()) as starter:
        with pytest.raises(StartError, match="no executable 'gone'"):
            starter.start([NodeSpec("a", "fake", "node"), NodeSpec("b", "fake", "gone")])
        assert starter.processes == {}


def test_nodes_end_when_the_starter_is_killed(install):
    environment = install("node", WAIT)
    program = """
    import os, sys, time
    from dust_start.graph import NodeSpec
    from dust_start.starter import Starter
    starter = Starter(os.environ, lambda name, line: print(line, flush=True))
    starter.start([NodeSpec("a", "fake", "node")])
    print("pid", starter.processes["a"].pid, flush=True)
    time.sleep(60)
    """
    source = os.pathsep.join(path for path in sys.path if path)
    victim = subprocess.Popen(
        [sys.executable, "-c", "\n".join(line.strip() for line in program.splitlines())],
        env={**environment, "PYTHONPATH": source},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert victim.stdout is not None
    lines = iter(victim.stdout)
    pid = int(next(line for line in lines if line.startswith("pid")).split()[1])
    next(line for line in lines if line.startswith("started"))
    victim.kill()
    victim.wait()
    wait_until_gone(pid)
    victim.stdout.close()
