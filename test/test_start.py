"""The starter with real nodes: however the graph ends, nothing of it stays."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dust_start import shared_memory

NAMES = ("cell", "executor", "expert")


@pytest.fixture
def memory_before() -> set[str]:
    return shared_memory.segments()


@pytest.fixture
def graph(fresh_ros_domain) -> Iterator[subprocess.Popen[str]]:
    """Return a starter whose three nodes are up."""
    starter = subprocess.Popen(
        [sys.executable, "-m", "dust_start", "policy:=expert", "cameras:=false"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert starter.stdout is not None
    output = []
    for line in starter.stdout:
        output.append(line)
        if "cell is up" in line:
            break
    else:
        pytest.fail(f"the graph did not come up:\n{''.join(output)}")
    yield starter
    starter.kill()
    starter.wait()
    starter.stdout.close()


def _nodes(starter: subprocess.Popen[str]) -> dict[str, int]:
    """Return executable and pid of the starter's nodes."""
    children = Path(f"/proc/{starter.pid}/task/{starter.pid}/children").read_text().split()
    found = {}
    for pid in children:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        found[next(Path(word).name for word in words if Path(word).name in NAMES)] = int(pid)
    return found


def _wait_until(condition: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} has not come true within {seconds} s"
        time.sleep(0.05)


def _gone(pids: dict[str, int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids.values())


def test_ctrl_c_ends_all_nodes(graph):
    nodes = _nodes(graph)
    assert sorted(nodes) == sorted(NAMES)
    graph.send_signal(signal.SIGINT)
    rest, _ = graph.communicate(timeout=20)
    assert graph.returncode == 0, rest
    assert _gone(nodes)


def test_a_killed_node_ends_the_graph_and_its_memory_is_freed(memory_before, graph):
    nodes = _nodes(graph)
    subprocess.run(["kill", "-KILL", str(nodes["executor"])], check=True)
    rest, _ = graph.communicate(timeout=20)
    assert graph.returncode == 1
    assert "dust_executor ended with exit code -9" in rest
    assert _gone(nodes)
    assert shared_memory.orphans(shared_memory.segments() - memory_before) == set()


def test_the_nodes_end_when_the_starter_is_killed(graph):
    nodes = _nodes(graph)
    graph.kill()
    graph.wait()
    _wait_until(lambda: _gone(nodes), "the end of all nodes")
