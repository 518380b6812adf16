"""A tiny untrained checkpoint, nodes in processes of their own, and a node to talk to them."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write an untrained checkpoint, once."""
    from dust_model.init import main  # torch: only for tests that need it

    path = tmp_path_factory.mktemp("checkpoint") / "tiny"
    assert main([str(path), "--size", "tiny"]) == 0
    return path


class Program:
    """A node in a process of its own."""

    def __init__(self, log: Path, arguments: list[str]) -> None:
        self._log = log
        command = [sys.executable, "-m", "dust_perception.perception_node", "--ros-args"]
        for argument in arguments:
            command += ["-p", argument]
        with log.open("w") as file:
            self.process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)

    @property
    def output(self) -> str:
        """What the node has printed so far."""
        return self._log.read_text()

    def stop(self) -> int:
        """End it as Ctrl-C does; return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


class Probe:
    """A node of the test, with polling instead of sleeping."""

    def __init__(self, domain_id: int) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=domain_id)
        self.node = Node("probe", context=self.context)
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)

    def spin_until(self, condition: Callable[[], bool], *, timeout_sec: float = 30.0) -> bool:
        """Spin until the condition holds; return whether it did in time."""
        deadline = time.monotonic() + timeout_sec
        while not condition() and time.monotonic() < deadline:
            self._executor.spin_once(timeout_sec=0.02)
        return condition()

    def close(self) -> None:
        """Leave the domain."""
        self._executor.shutdown()
        self.node.destroy_node()
        self.context.try_shutdown()


@pytest.fixture
def probe(ros_domain: int) -> Iterator[Probe]:
    """Give a node in the tests' domain."""
    probe = Probe(ros_domain)
    yield probe
    probe.close()


@pytest.fixture(scope="module")
def start_node(
    ros_domain: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Program]]:
    """Start perception nodes; end them and check their exit codes."""
    programs: list[Program] = []

    def start(*arguments: str) -> Program:
        log = tmp_path_factory.mktemp("log") / "node.log"
        programs.append(Program(log, list(arguments)))
        return programs[-1]

    yield start
    codes = [program.stop() for program in programs]
    assert all(code == 0 for code in codes), [program.output for program in programs]
