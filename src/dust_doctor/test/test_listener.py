"""The real graph: the simulated cell and the executor, and what the doctor hears of them."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")
pytest.importorskip("mujoco", reason="needs the simulated cell")

from sensor_msgs.msg import JointState

from dust_doctor import listener
from dust_doctor.wishes import Wishes
from dust_msgs.msg import ExecutorState
from support.graph import Graph
from support.probe import Probe


@pytest.fixture
def cell(fresh_ros_domain, tmp_path: Path):
    graph = Graph(fresh_ros_domain, logs=tmp_path)
    yield graph
    graph.close()


def examine(seconds: int, *words: str) -> tuple[int, dict[str, dict[str, str]]]:
    """Run the command beside the graph; return its exit code and its rows by check."""
    live = ["--json", "--live", str(seconds)]
    command = [sys.executable, "-m", "dust_doctor.doctor", *live, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90)
    assert done.stdout, done.stderr
    rows = json.loads(done.stdout)["checks"]
    return done.returncode, {row["check"]: row for row in rows}


def test_a_real_graph_is_heard(cell, tiny_checkpoint):
    cell.start("dust_sim.cell_node", camera_rate=5.0, width=320, height=240)
    cell.start("dust_executor.executor_node")
    states = cell.listen(ExecutorState, "executor_state")
    cell.wait(lambda: states and len(states[-1].positions))
    _, rows = examine(6, "--checkpoint", str(tiny_checkpoint), "--camera-rate", "5")
    for name in ("executor", "duplicates", "message-types", "robot-mode", "success-rate"):
        assert rows[name]["verdict"] == "ok", rows[name]
    assert rows["executor"]["says"] == "idle"
    assert rows["camera-format"]["says"] == "wrist 320x240 bgra8, side 320x240 bgra8"
    assert rows["joint-states"]["says"].startswith(("9 joints at", "joint_states come at"))
    # Rates depend on what else this machine does; that they were measured does not.
    assert "Hz" in rows["camera-rate"]["says"]
    assert "ms" in rows["camera-skew"]["says"]
    assert "ms old" in rows["stamps"]["says"]
    assert rows["checkpoint-fit"]["verdict"] in ("ok", "warn")
    cell.end()


def test_what_dies_while_the_doctor_listens_is_silent(fresh_ros_domain, monkeypatch):
    monkeypatch.setattr(listener, "DISCOVERY_SEC", (0.1, 0.1))
    probe = Probe(fresh_ros_domain)
    publisher = probe.node.create_publisher(JointState, "joint_states", 10)

    def speak():
        while not publisher.get_subscription_count():
            time.sleep(0.02)
        for _ in range(5):
            time.sleep(0.05)
            message = JointState(name=["fr3_joint1"], position=[0.0])
            message.header.stamp = probe.node.get_clock().now().to_msg()
            publisher.publish(message)

    speaker = threading.Thread(target=speak, daemon=True)
    speaker.start()
    heard = listener.listen(Wishes(), 2.0)
    speaker.join()
    probe.close()
    assert heard.joint_states is not None
    assert heard.joint_states.silence > 0.5


@pytest.mark.slow
def test_an_empty_domain_fails_with_remedies(fresh_ros_domain):
    code, rows = examine(1, "--only", "executor", "joint-states", "camera-rate", "stamps")
    assert code == 2
    assert {name: row["verdict"] for name, row in rows.items()} == {
        "executor": "fail",
        "stamps": "skip",
        "joint-states": "fail",
        "camera-rate": "fail",
    }
    assert "nobody publishes" in rows["camera-rate"]["says"]


def test_ros_arguments_that_make_no_sense_end_in_one_line():
    command = [sys.executable, "-m", "dust_doctor.doctor", "--live", "1", "--ros-args", "-r", "x"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("dust-doctor: ROS arguments: ")
