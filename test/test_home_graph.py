"""The way home in the simulated cell: the command as it is called, and the audit of its samples."""

import subprocess
import sys

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")
pytest.importorskip("mujoco", reason="needs the simulated cell")

from sensor_msgs.msg import JointState

from dust_msgs.msg import ExecutorState
from dust_msgs.srv import AuditCommands
from support.graph import Graph

HOME = [0.5, -0.4, 0.2, -1.8, 0.3, 1.9, 0.2]
LIMITS = ("position", "velocity", "acceleration", "jerk")


@pytest.fixture
def graph(fresh_ros_domain, tmp_path):
    graph = Graph(fresh_ros_domain, logs=tmp_path)
    yield graph
    graph.close()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_arm_is_brought_home_inside_its_limits(graph):
    # Simulated time: a busy machine makes it slow, not wrong.
    graph.start("dust_sim.cell_node", cameras=False, publish_clock=True)
    own = {"home.positions": HOME, "use_sim_time": True}
    graph.start("dust_executor.executor_node", **own)
    states = graph.listen(ExecutorState, "executor_state")
    joints = graph.listen(JointState, "joint_states")
    graph.wait(lambda: joints and states and len(states[-1].positions))
    graph.call(AuditCommands, "dust_sim/audit", reset=True)
    command = [sys.executable, "-m", "dust_executor.home_command"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("the arm is at home\n")
    joints.clear()
    graph.wait(lambda: joints)
    measured = dict(zip(joints[-1].name, joints[-1].position, strict=True))
    for index, wanted in enumerate(HOME, start=1):
        assert measured[f"fr3_joint{index}"] == pytest.approx(wanted, abs=0.02)
    audit = graph.call(AuditCommands, "dust_sim/audit")
    assert audit.samples > 1000
    assert [getattr(audit, f"outside_{name}") for name in LIMITS] == [0, 0, 0, 0]
    again = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert (again.returncode, again.stdout) == (0, "the arm is at home\n")
    graph.end()
