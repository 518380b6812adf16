"""Fault table, row of the network: the cable between robot and GPU machine is pulled."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.partition import within

ROOT = Path(__file__).parents[1]

UP_SEC = 10.0
"""Longest time that the kernel may take to report an end of the cable as up; usual is one."""


def run(*words):
    """Run a command; return what it complained about, nothing if it went well."""
    done = subprocess.run(words, capture_output=True, text=True)
    return done.stderr.strip() or "failed" if done.returncode else ""


def wait_up(name, end):
    """Wait until an end of the cable is reported as up in its network namespace.

    Fast DDS looks for interfaces once, when a node starts: a node that is faster than the kernel,
    which reports at most one such change a second, would never be heard on the cable.
    """
    deadline = time.monotonic() + UP_SEC
    show = ["ip", "-n", name, "link", "show", end]
    while "state UP" not in (shown := subprocess.run(show, capture_output=True, text=True).stdout):
        assert time.monotonic() < deadline, f"an end of the cable does not come up: {shown}"


@pytest.fixture
def machines():
    """Two network namespaces with a cable between them: their names, and the first one's end."""
    if shutil.which("ip") is None:
        pytest.skip("needs network namespaces: the command ip (iproute2) is not installed")
    number = os.getpid()
    robot, gpu = f"dust_robot_{number}", f"dust_gpu_{number}"
    cable, other = f"dr{number}", f"dg{number}"
    trouble = run("ip", "netns", "add", robot) or run("ip", "netns", "add", gpu)
    steps = [
        ["ip", "link", "add", cable, "netns", robot, "type", "veth", "peer", other, "netns", gpu]
    ]
    for name, end, address in ((robot, cable, "10.213.77.1/24"), (gpu, other, "10.213.77.2/24")):
        steps += [
            ["ip", "-n", name, "address", "add", address, "dev", end],
            ["ip", "-n", name, "link", "set", "lo", "up"],
            ["ip", "-n", name, "link", "set", end, "up"],
            [*within(name), "true"],
        ]
    try:
        for step in steps:
            trouble = trouble or run(*step)
        if trouble:
            pytest.skip(f"needs network namespaces, which are not allowed here: {trouble}")
        wait_up(robot, cable)
        wait_up(gpu, other)
        yield robot, gpu, cable
    finally:
        run("ip", "netns", "del", robot)
        run("ip", "netns", "del", gpu)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_pulled_cable(machines, fresh_ros_domain, tmp_path, monkeypatch):
    robot, gpu, cable = machines
    # The profile of two machines: the one of a single machine does not leave the loopback.
    for name in ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE"):
        monkeypatch.setenv(name, str(ROOT / "config" / "fastdds_network.xml"))
    path = os.pathsep.join([str(ROOT / "test"), os.environ.get("PYTHONPATH", "")])
    scenario = [sys.executable, "-m", "support.partition", gpu, cable, str(tmp_path)]
    done = subprocess.run(
        [*within(robot), *scenario],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=550,
    )
    assert done.returncode == 0, done.stderr
