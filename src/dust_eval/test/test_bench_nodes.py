"""Nodes of a graph are found among processes, made up and real, and their memory is read."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dust_eval.bench_nodes import (
    GraphNodes,
    Memory,
    NodeProcess,
    find_nodes,
    node_name,
    read_memory,
)

PYTHON = "/opt/venv/bin/python3.11"


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (f"{PYTHON} /ws/lib/dust_sim/cell --ros-args -r __node:=dust_sim", "dust_sim"),
        ("python3 /ws/executor --ros-args -r __node:=dust_executor -r __ns:=/lab", "dust_executor"),
        ("python -m dust_policy.policy_node --ros-args -p a:=1", "dust_policy.policy_node"),
        ("python -m dust_sim.cell_node", "dust_sim.cell_node"),
        ("python -m dust_start robot:=sim policy:=expert", ""),
        ("python -m dust_eval.evaluate --out out", ""),
        ("python -m dust_executor.bench_node2", ""),
        ("python -m pytest src/dust_sim/test/test_cell_node.py", ""),
        ("timeout 60 python3 -m dust_policy.policy_node", ""),
        ("/opt/ros/lib/joy/game_controller_node --ros-args -r __node:=gamepad", ""),
        ("grep __node:=dust_sim", ""),
        ("python -m", ""),
        ("", ""),
    ],
)
def test_a_node_is_told_by_its_command_line(command, name):
    assert node_name(command.split(" ")) == name


def process(proc, pid, command, *, domain=None, **files):
    folder = proc / str(pid)
    folder.mkdir(parents=True)
    (folder / "cmdline").write_bytes(b"\0".join(word.encode() for word in command.split()) + b"\0")
    variables = [b"HOME=/root"] + ([f"ROS_DOMAIN_ID={domain}".encode()] if domain else [])
    (folder / "environ").write_bytes(b"\0".join(variables) + b"\0")
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def node(proc, pid, name, *, domain=None, **files):
    return process(proc, pid, f"python x --ros-args -r __node:={name}", domain=domain, **files)


def test_nodes_are_found_among_other_processes(tmp_path):
    process(tmp_path, 1, "init")
    process(tmp_path, 7, "")  # of the kernel, or a zombie
    node(tmp_path, 30, "dust_policy", domain=12)
    node(tmp_path, 20, "dust_policy")
    node(tmp_path, 40, "dust_executor", domain="red")
    (tmp_path / "self").mkdir()
    (tmp_path / "50").mkdir()  # ended meanwhile
    assert find_nodes(tmp_path) == [
        NodeProcess("dust_executor", 40, -1),
        NodeProcess("dust_policy", 20, 0),
        NodeProcess("dust_policy", 30, 12),
    ]


def test_one_graph_is_chosen_by_its_domain(tmp_path):
    node(tmp_path, 20, "dust_sim", domain=3)
    node(tmp_path, 30, "dust_sim", domain=4)
    assert [found.pid for found in GraphNodes(4, proc=tmp_path)()] == [30]
    with pytest.raises(ValueError, match=r"\(3: dust_sim; 4: dust_sim\): choose with --domain"):
        GraphNodes(proc=tmp_path)()


def test_the_first_graph_is_kept_to(tmp_path):
    nodes = GraphNodes(proc=tmp_path)
    assert nodes() == []
    node(tmp_path, 20, "dust_sim", domain=3)
    assert [found.pid for found in nodes()] == [20]
    node(tmp_path, 30, "dust_sim", domain=4)
    node(tmp_path, 40, "dust_policy", domain=3)
    assert [found.pid for found in nodes()] == [40, 20]


ROLLUP = """560c09afe000-7fff54935000 ---p 00000000 00:00 0                          [rollup]
Rss:              204800 kB
Pss:              102400 kB
Pss_Anon:          51200 kB
Anonymous:         61440 kB
Swap:               4096 kB
SwapPss:            2048 kB
"""
STATUS = """Name:	python
VmRSS:	  204800 kB
RssAnon:	   61440 kB
VmSwap:	    1024 kB
Threads:	4
"""


def test_memory_is_the_share_of_the_resident_pages_and_what_was_swapped_out(tmp_path):
    node(tmp_path, 20, "dust_sim", smaps_rollup=ROLLUP, status=STATUS)
    assert read_memory(20, tmp_path) == Memory(resident=102.0, own=52.0)


def test_an_older_kernel_tells_less(tmp_path):
    old = "\n".join(line for line in ROLLUP.splitlines() if "Pss_Anon" not in line)
    node(tmp_path, 20, "dust_sim", smaps_rollup=old, status=STATUS)
    assert read_memory(20, tmp_path) == Memory(resident=102.0, own=62.0)


def test_of_another_users_process_the_status_is_read(tmp_path, monkeypatch):
    node(tmp_path, 20, "dust_sim", smaps_rollup="", status=STATUS)
    monkeypatch.setattr(Path, "read_text", refuse_rollup(Path.read_text))
    assert read_memory(20, tmp_path) == Memory(resident=201.0, own=61.0)


def refuse_rollup(read):
    def refusing(path, *rest):
        if path.name == "smaps_rollup":
            raise PermissionError(path)
        return read(path, *rest)

    return refusing


def test_a_process_that_has_ended_holds_nothing(tmp_path):
    assert read_memory(20, tmp_path) is None
    node(tmp_path, 30, "dust_sim", smaps_rollup="", status="Name:	python\n")
    assert read_memory(30, tmp_path) is None


def test_a_real_process_is_found_and_grows():
    code = "held = []\nfor _ in iter(input, ''): held.append(b'x' * (32 << 20)); print(flush=True)"
    command = [sys.executable, "-c", code, "--ros-args", "-r", "__node:=dust_grower"]
    environment = {**os.environ, "ROS_DOMAIN_ID": "77"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as grower:
        sizes = []
        for _ in range(2):
            print("more", file=grower.stdin, flush=True)
            grower.stdout.readline()
            sizes.append(read_memory(grower.pid))
        assert NodeProcess("dust_grower", grower.pid, 77) in find_nodes()
        print(file=grower.stdin, flush=True)
    for name in ("resident", "own"):
        grown = getattr(sizes[1], name) - getattr(sizes[0], name)
        assert grown == pytest.approx(32, abs=4)
    assert sizes[0].resident > sizes[0].own > 32
    assert read_memory(grower.pid) is None
