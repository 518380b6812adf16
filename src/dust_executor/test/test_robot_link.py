"""What the node offers for a robot, over DDS: home, recovery, success rate, targets, the hand."""

import subprocess
import sys
from array import array

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

from rclpy.action import ActionServer
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from dust_msgs.action import Gripper
from dust_msgs.msg import ExecutorState, RobotState
from dust_msgs.srv import EndTask, StartTask
from support.probe import Probe
from support.program import Program

NAMES = [f"fr3_joint{index}" for index in range(1, 8)]
START = np.array([0.3, -0.7854, 0.0, -2.3562, 0.0, 1.5708, 0.7854])
MODULE = "dust_executor.executor_node"


class Robot(Probe):
    """An arm that is where the executor wants it, its hand, and its recovery."""

    patience_sec = 15.0

    def __init__(self, domain_id: int) -> None:
        super().__init__(domain_id)
        node = self.node
        self.states = self.listen(ExecutorState, "executor_state")
        self.trajectories = self.listen(JointTrajectory, "fr3_arm_controller/joint_trajectory")
        self.targets = self.listen(JointState, "target_joint")
        self.joints = node.create_publisher(JointState, "joint_states", 10)
        self.said = node.create_publisher(RobotState, "robot_state", 10)
        self.hand = ActionServer(node, Gripper, "franka_gripper/gripper", self._on_grip)
        self.grips: list[int] = []
        self.recovered, self.mode, self.success_rate = 0, RobotState.MOVE, 1.0
        node.create_service(Trigger, "dust_sim/recover", self._on_recover)
        node.create_service(Trigger, "franka_gripper/stop", self._on_stop)
        node.create_timer(1 / 30, self._publish)
        self.stops = 0

    def _on_grip(self, handle):
        self.grips.append(handle.request.command)
        handle.succeed()
        return Gripper.Result(success=True)

    def _on_recover(self, _, response):
        self.recovered += 1
        self.mode = RobotState.MOVE
        response.success = True
        return response

    def _on_stop(self, _, response):
        self.stops += 1
        response.success = True
        return response

    def _publish(self) -> None:
        planned = self.states[-1].positions[:7] if self.states else []
        message = JointState(name=NAMES)
        message.header.stamp = self.node.get_clock().now().to_msg()
        message.position = array("d", planned if len(planned) else START)
        message.velocity = array("d", [0.0] * 7)
        self.joints.publish(message)
        robot = RobotState(robot_mode=self.mode, control_command_success_rate=self.success_rate)
        self.said.publish(robot)

    def ask(self, name: str, kind=Trigger, **fields):
        return self.call(kind, f"dust_executor/{name}", **fields)

    def situation(self) -> str:
        return f"last state {self.states[-1:]}"

    def ready(self) -> None:
        self.wait(lambda: self.states and len(self.states[-1].positions))

    def reason(self, mode: int) -> str:
        self.wait(lambda: self.states[-1].mode == mode)
        return self.states[-1].reason

    def close(self) -> None:
        self.hand.destroy()
        super().close()


@pytest.fixture
def robot(fresh_ros_domain):
    robot = Robot(fresh_ros_domain)
    yield robot
    robot.close()


@pytest.fixture
def start(robot, tmp_path):
    programs = []

    def start(*parameters: str) -> Program:
        # A busy machine shall not stop the arm before the test does.
        watchdog = {"joint_state_timeout": 5.0, "chunk_timeout": 30.0, "tracking_error": 1.0}
        patient = [f"watchdog.{name}:={value}" for name, value in watchdog.items()]
        programs.append(Program(MODULE, *patient, *parameters, log=tmp_path / "node.log"))
        robot.ready()
        return programs[-1]

    yield start
    for program in programs:
        program.stop()


def test_home_is_reached_once_and_blocks_tasks_meanwhile(robot, start):
    node = start("home.speed_share:=0.5")
    answer = robot.ask("home")
    assert answer.success, answer.message
    assert answer.message.startswith("on the way home by topic")
    refused = robot.ask("start_task", StartTask, task_id="task", source="test")
    assert "on its way home" in refused.message
    robot.wait(lambda: robot.trajectories)
    last = robot.trajectories[-1].points[-1]
    assert last.positions[0] == 0.0
    assert not any(last.velocities)
    robot.wait(
        lambda: abs(robot.states[-1].positions[0]) < 1e-3 and not any(robot.states[-1].velocities)
    )
    robot.wait(lambda: "at home already" in robot.ask("home").message)
    node.end()


def test_the_command_goes_home_and_a_stop_ends_it(robot, start):
    node = start("home.speed_share:=0.02")
    command = [sys.executable, "-m", "dust_executor.home_command"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    robot.wait(lambda: robot.states and any(robot.states[-1].velocities))
    assert robot.ask("stop").success
    robot.wait(lambda: process.poll() is not None)
    out, err = process.communicate()
    assert process.returncode == 1
    assert "on the way home" in out
    assert err == "dust-home: stopped: stop was called\n"
    assert "rearm first" in robot.ask("home").message
    node.end()


def test_recovery_is_on_request_and_rearms_nothing(robot, start):
    node = start()
    assert robot.ask("start_task", StartTask, task_id="task", source="test").success
    assert "is running; end it first" in robot.ask("recover").message
    robot.mode = RobotState.REFLEX
    assert "REFLEX" in robot.reason(ExecutorState.STOPPED)
    robot.spin(0.5)
    assert robot.recovered == 0
    answer = robot.ask("recover")
    assert answer.success
    assert answer.message == "still needed: call dust_executor/rearm"
    assert robot.recovered == 1
    robot.spin(0.3)
    assert robot.states[-1].mode == ExecutorState.STOPPED
    robot.wait(lambda: robot.ask("rearm").success)
    node.end()


def test_a_low_success_rate_stops_for_cause(robot, start):
    node = start()
    assert robot.ask("start_task", StartTask, task_id="task", source="test").success
    robot.success_rate = 0.8
    reason = robot.reason(ExecutorState.STOPPED)
    assert reason == "only 80% of the control commands reach the arm, at least 90% must"
    assert "only 80%" in robot.ask("rearm").message
    robot.success_rate = 1.0
    robot.wait(lambda: robot.ask("rearm").success)
    assert robot.ask("gripper_home").success
    assert robot.grips == [Gripper.Goal.HOMING]
    assert robot.ask("gripper_stop").success
    assert robot.stops == 1
    node.end()


def test_single_targets_take_the_place_of_trajectories(robot, start):
    node = start("output:=joint_target", "target.rate:=50.0")
    assert robot.ask("home").success
    robot.wait(lambda: any(row.position[0] < 0.15 for row in robot.targets))
    assert robot.trajectories == []
    first = np.array([row.position for row in robot.targets])
    assert np.all(np.diff(first[:, 0]) <= 0.0)
    assert np.allclose(first[0], START, atol=1e-3)
    assert list(robot.targets[0].name) == NAMES
    node.end()


def test_single_targets_brake_before_the_program_ends(robot, start):
    # So slowly that it is far from home when the program ends, whatever else the machine does.
    node = start("output:=joint_target", "home.speed_share:=0.05")
    assert robot.ask("home").success
    robot.wait(lambda: any(abs(speed) > 0.05 for speed in robot.states[-1].velocities[:7]))
    node.interrupt()
    assert robot.reason(ExecutorState.STOPPED) == "dust_executor is being shut down"
    node.end()
    robot.spin(0.2)
    first = np.array([row.position for row in robot.targets])[:, 0]
    steps = np.abs(np.diff(first))
    assert first[-1] > 0.01
    assert steps.max() > 3e-4
    assert steps[-1] < 0.05 * steps.max()


def test_idle_after_a_task_sends_no_targets(robot, start):
    node = start("output:=joint_target")
    robot.spin(0.3)
    assert robot.targets == []
    assert robot.ask("start_task", StartTask, task_id="task", source="test").success
    robot.wait(lambda: robot.targets)
    assert robot.ask("end_task", EndTask, task_id="task").success
    robot.spin(0.6)
    count = len(robot.targets)
    robot.spin(0.3)
    assert len(robot.targets) == count
    node.end()
