"""The whole node over DDS: a process of its own, joint states and chunks from here."""

import os
import time
from array import array
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

import rclpy
from builtin_interfaces.msg import Time
from rclpy.action import ActionServer
from rclpy.clock import Clock as SteadyClock
from rclpy.clock import ClockType
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool, Trigger
from trajectory_msgs.msg import JointTrajectory

from dust_executor.executor_node import ExecutorNode
from dust_msgs.action import Gripper
from dust_msgs.msg import ActionChunk, ExecutorState, RobotState
from dust_msgs.srv import EndTask, StartTask
from support.probe import Probe
from support.program import Program, refusal

NS = 1_000_000_000
NAMES = [f"fr3_joint{index}" for index in range(1, 8)]
FINGERS = ["fr3_finger_joint1", "fr3_finger_joint2"]
HOME = np.array([0, -np.pi / 4, 0, -3 * np.pi / 4, 0, np.pi / 2, np.pi / 4])
MODULE = "dust_executor.executor_node"


class Rig(Probe):
    """A robot, a policy and a hand in the test's own process."""

    patience_sec = 10.0

    def __init__(self, domain_id: int) -> None:
        # ExecutorNode, which one test makes here, goes to the default context.
        super().__init__(domain_id, context=rclpy.get_default_context())
        node = self.node
        self.states = self.listen(ExecutorState, "executor_state")
        self.trajectories = self.listen(JointTrajectory, "fr3_arm_controller/joint_trajectory")
        self.grips: list[int] = []
        self.joints = node.create_publisher(JointState, "joint_states", 10)
        self.robot = node.create_publisher(RobotState, "robot_state", 10)
        self.chunks = node.create_publisher(ActionChunk, "action_chunk", 10)
        self.hand = ActionServer(node, Gripper, "franka_gripper/gripper", self._on_grip)
        self.timer = node.create_timer(1 / 30, self._publish_joints)
        self.joints_alive = True
        self.copies = 1
        self.sequence = 0

    def _on_grip(self, handle):
        self.grips.append(handle.request.command)
        handle.succeed()
        return Gripper.Result(success=True)

    def _publish_joints(self) -> None:
        if not self.joints_alive:
            return
        message = JointState(name=[*FINGERS, *reversed(NAMES)])
        message.header.stamp = self.node.get_clock().now().to_msg()
        position = self.planned()
        message.position = array("d", [0.04, 0.04, *position[::-1]])
        message.velocity = array("d", [0.0] * 9)
        for _ in range(self.copies):
            self.joints.publish(message)

    def planned(self) -> np.ndarray:
        """Return where the executor wants the arm: the rig's arm is there at once."""
        if not self.states or not len(self.states[-1].positions):
            return HOME
        return np.array(self.states[-1].positions[:7])

    def situation(self) -> str:
        return f"last state {self.states[-1:]}"

    def ask(self, kind, name: str, **fields):
        """Call a service of the node and return its answer."""
        return self.call(kind, f"dust_executor/{name}", **fields)

    def send(self, *, amplitude: float = 0.1, age: float = 0.1, **changes) -> ActionChunk:
        """Publish a chunk that moves the first joint out by `amplitude` rad."""
        self.sequence += 1
        now = self.node.get_clock().now().nanoseconds
        stamp = now - int(age * NS)
        actions = np.tile(self.planned(), (16, 1))
        actions[:, 0] += amplitude * (1 - np.cos(np.linspace(0, np.pi, 16))) / 2
        fields = {
            "source": "test",
            "task_id": "task",
            "sequence": self.sequence,
            "period": 1 / 15,
            "joint_names": NAMES,
            "positions": array("d", actions.ravel()),
            "gripper": array("d", [1.0] * 16),
        }
        message = ActionChunk(**{**fields, **changes})
        message.header.stamp = Time(sec=stamp // NS, nanosec=stamp % NS)
        self.chunks.publish(message)
        return message

    def mode(self) -> int | None:
        return self.states[-1].mode if self.states else None

    def wait_for(self, mode: int) -> ExecutorState:
        self.wait(lambda: self.mode() == mode)
        return self.states[-1]

    def start(self):
        # The node may not have seen the arm yet.
        def try_it():
            answer = self.ask(StartTask, "start_task", task_id="task", source="test")
            return answer if answer.success else None

        answer = self.wait(try_it)
        self.sequence = 0
        self.wait_for(ExecutorState.HOLDING)
        self.wait(lambda: self.chunks.get_subscription_count() == 1)
        return answer

    def close(self) -> None:
        self.hand.destroy()
        super().close()


@pytest.fixture
def rig(fresh_ros_domain):
    rig = Rig(fresh_ros_domain)
    yield rig
    rig.close()


@pytest.fixture
def node(rig, tmp_path):
    program = Program(MODULE, "watchdog.chunk_timeout:=1.0", log=tmp_path / "node.log")
    yield program
    program.stop()


def check_trajectory(message: JointTrajectory) -> None:
    """Check what the joint trajectory controller asks for."""
    assert message.joint_names == NAMES
    assert message.header.stamp.sec > 0
    offsets = [p.time_from_start.sec * NS + p.time_from_start.nanosec for p in message.points]
    assert np.all(np.diff(offsets) > 0)
    for point in message.points:
        assert len(point.positions) == len(point.velocities) == len(point.accelerations) == 7
    assert not any(message.points[-1].velocities)
    assert not any(message.points[-1].accelerations)


def test_chunks_become_trajectories_and_silence_a_stop(rig, node):
    rig.start()
    published = len(rig.trajectories)
    rig.send(gripper=array("d", [0.0] * 16))
    state = rig.wait_for(ExecutorState.RUNNING)
    rig.wait(lambda: len(rig.trajectories) > published)
    message = rig.trajectories[-1]
    check_trajectory(message)
    # Absolute stamp, a little before now, then 16 actions minus the stale ones, then the tail.
    now = rig.node.get_clock().now().nanoseconds
    stamp = message.header.stamp.sec * NS + message.header.stamp.nanosec
    assert -0.3 < (stamp - now) / NS < 0.3
    assert message.points[-1].positions[0] - HOME[0] == pytest.approx(0.1, abs=0.02)
    rig.wait(lambda: rig.states[-1].accepted == 1)
    state = rig.states[-1]
    assert state.last_sequence == 1
    assert 0.5 < state.buffer < 1.1
    assert len(state.positions) == len(state.velocities) == 16 * 7
    assert len(state.gripper) == 16
    rig.wait(lambda: rig.grips == [Gripper.Goal.GRASP])
    rig.wait_for(ExecutorState.HOLDING)
    state = rig.wait_for(ExecutorState.STOPPED)
    assert state.reason == "no valid chunk for 1 s"
    refused = rig.ask(StartTask, "start_task", task_id="next", source="test")
    assert not refused.success
    assert "rearm" in refused.message
    rig.wait(lambda: rig.ask(Trigger, "rearm").success)
    rig.wait_for(ExecutorState.IDLE)
    rig.start()
    node.end()


def test_a_cycle_comes_early_with_a_chunk_but_no_more_often(rig, tmp_path, request):
    program = Program(MODULE, "rate:=10.0", log=tmp_path / "node.log")
    request.addfinalizer(program.stop)
    rig.start()
    first, sent = len(rig.states), 0.0

    def enough() -> bool:
        nonlocal sent
        if time.monotonic() - sent > 0.045:
            rig.send()
            sent = time.monotonic()
        return len(rig.states) >= first + 30

    rig.wait(enough)
    seen = rig.states[first + 3 :]
    stamps = np.array([state.header.stamp.sec * NS + state.header.stamp.nanosec for state in seen])
    assert stamps[-1] - stamps[0] > (len(seen) - 2) * 0.1 * NS
    chunks = np.array([state.last_stamp.sec * NS + state.last_stamp.nanosec for state in seen])
    # A chunk is 0.1 s old when it is sent, and there is one every 0.045 s.
    assert np.percentile(stamps - chunks, 80) / NS - 0.1 < 0.02
    program.end()


BAD = {
    "nan": ({"positions": array("d", [float("nan")] * 112)}, "positions[0] is nan"),
    "size": ({"positions": array("d", [0.0] * 7)}, "has 7 positions"),
    "million": ({"gripper": array("d", [0.0] * 1_000_000)}, "1000000 gripper commands"),
    "joints": ({"joint_names": ["left", *NAMES[1:]]}, "fr3_joint1 is missing"),
    "old": ({"age": 3.0}, "3.0"),
    "future": ({"age": -1.0}, "in the future"),
    "task": ({"task_id": "other"}, "task_id is 'other'"),
    "source": ({"source": "intruder"}, "source is 'intruder'"),
    "sequence": ({"sequence": 0}, "sequence 0"),
}


@pytest.mark.parametrize("half", [0, 1])
def test_bad_chunks_are_rejected_and_move_nothing(rig, node, half):
    rig.start()
    rig.wait(lambda: rig.trajectories)
    published = len(rig.trajectories)
    for count, (changes, reason) in enumerate(list(BAD.values())[half::2], start=1):
        rig.send(**changes)
        rig.wait(lambda count=count: rig.states[-1].rejected == count, timeout_sec=0.9)
        assert reason in rig.states[-1].last_rejection
    assert len(rig.trajectories) == published
    # A good one afterwards: the task goes on.
    rig.send()
    rig.wait_for(ExecutorState.RUNNING)
    rig.wait(lambda: len(rig.trajectories) > published)
    node.end()


def test_faults_stop_and_end_task_rests(rig, node):
    rig.start()
    rig.send()
    rig.wait_for(ExecutorState.RUNNING)
    rig.robot.publish(RobotState(robot_mode=RobotState.REFLEX, errors=["cartesian_reflex"]))
    state = rig.wait_for(ExecutorState.STOPPED)
    assert state.reason == "robot mode is REFLEX (cartesian_reflex)"
    assert "REFLEX" in rig.ask(Trigger, "rearm").message
    rig.robot.publish(RobotState(robot_mode=RobotState.MOVE))
    rig.wait(lambda: rig.ask(Trigger, "rearm").success)
    rig.start()
    rig.send()
    rig.wait_for(ExecutorState.RUNNING)
    published = len(rig.trajectories)
    assert not rig.ask(EndTask, "end_task", task_id="other").success
    assert rig.ask(EndTask, "end_task", task_id="task", reason="done").success
    rig.wait_for(ExecutorState.IDLE)
    rig.wait(lambda: len(rig.trajectories) > published)
    check_trajectory(rig.trajectories[-1])
    rig.start()
    rig.joints_alive = False
    state = rig.wait_for(ExecutorState.STOPPED)
    assert "joint states are" in state.reason
    node.end()


def test_stop_service_needs_rearm(rig, node):
    rig.start()
    assert rig.ask(Trigger, "stop").success
    assert rig.wait_for(ExecutorState.STOPPED).reason == "stop was called"
    rig.send()
    rig.wait(lambda: "no task is running" in rig.states[-1].last_rejection)
    node.end()


def test_a_pause_rests_and_the_task_goes_on(rig, node):
    assert not rig.ask(SetBool, "pause", data=True).success
    rig.start()
    rig.send()
    rig.wait_for(ExecutorState.RUNNING)
    assert rig.ask(SetBool, "pause", data=True).success
    assert rig.wait_for(ExecutorState.PAUSED).reason == "paused by request"
    rig.send()
    rig.wait(lambda: "the task is paused" in rig.states[-1].last_rejection)
    # Longer than watchdog.chunk_timeout.
    paused = rig.node.get_clock().now().nanoseconds
    rig.wait(lambda: rig.node.get_clock().now().nanoseconds > paused + 3 * NS // 2)
    assert rig.mode() == ExecutorState.PAUSED
    assert rig.ask(SetBool, "pause", data=False).success
    rig.wait_for(ExecutorState.HOLDING)
    sent = rig.send()
    rig.wait_for(ExecutorState.RUNNING)
    state = rig.wait(lambda: rig.states[-1] if rig.states[-1].accepted == 2 else None)
    assert state.last_stamp == sent.header.stamp
    assert state.last_splice.sec >= sent.header.stamp.sec
    assert state.late == 0
    node.end()


def test_services_answer_while_chunks_stream(rig, node):
    rig.start()
    rig.node.create_timer(1 / 50, rig.send)
    rig.wait_for(ExecutorState.RUNNING)
    for wanted in (True, False) * 3:
        accepted = rig.states[-1].accepted
        assert rig.ask(SetBool, "pause", data=wanted).success
        if not wanted:
            rig.wait(lambda accepted=accepted: rig.states[-1].accepted > accepted)
    assert rig.ask(Trigger, "stop").success
    rig.wait_for(ExecutorState.STOPPED)
    node.end()


def test_simulated_time_at_half_the_speed(rig, tmp_path):
    began = time.monotonic_ns()
    clock = rig.node.create_publisher(Clock, "/clock", 10)

    def tell() -> None:
        message = Clock()
        now = 1000 * NS + (time.monotonic_ns() - began) // 2
        message.clock = Time(sec=now // NS, nanosec=now % NS)
        clock.publish(message)

    steady = SteadyClock(clock_type=ClockType.STEADY_TIME)
    rig.node.create_timer(0.005, tell, clock=steady)
    rig.node.set_parameters([Parameter("use_sim_time", value=True)])
    program = Program(MODULE, "use_sim_time:=true", log=tmp_path / "node.log")
    rig.start()
    rig.wait(lambda: rig.trajectories)
    rig.send()
    state = rig.wait_for(ExecutorState.RUNNING)
    assert 1000 <= state.header.stamp.sec < 1000 + (time.monotonic_ns() - began) / NS
    rig.wait(lambda: rig.states[-1].accepted == 1)
    assert 1000 <= rig.states[-1].last_splice.sec < 1100
    state = rig.wait_for(ExecutorState.STOPPED)
    assert state.reason == "no valid chunk for 2 s"
    program.end()
    program.stop()


@pytest.mark.slow
def test_joint_states_at_1_khz_cost_little_more(rig, node):
    rig.wait(lambda: rig.states and len(rig.states[-1].positions))
    slow = busy(rig, node)
    # Thirty-three at once, thirty times a second: a callback for each would cost ten times as much.
    rig.copies = 33
    assert busy(rig, node) < 4.0 * slow
    node.end()


def busy(rig, program) -> float:
    """Return the node's processor time while sixty executor_state came, s."""
    count, before = len(rig.states), processor_time(program)
    rig.wait(lambda: len(rig.states) > count + 60)
    return processor_time(program) - before


def processor_time(program) -> float:
    fields = Path(f"/proc/{program._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_lifecycle_goes_round_twice(rig):
    node = ExecutorNode()
    rig.executor.add_node(node)
    try:
        for _ in range(2):
            assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
            answer = rig.ask(StartTask, "start_task", task_id="task", source="test")
            assert "not active" in answer.message
            assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
            rig.start()
            assert node.trigger_deactivate() == TransitionCallbackReturn.SUCCESS
            assert "not active" in rig.ask(Trigger, "rearm").message
            state = rig.wait_for(ExecutorState.STOPPED)
            assert state.reason == "dust_executor was deactivated"
            assert node.trigger_cleanup() == TransitionCallbackReturn.SUCCESS
    finally:
        rig.executor.remove_node(node)
        node.close()
        node.destroy_node()


@pytest.mark.parametrize(
    ("parameter", "words"),
    [
        ("plan.lead:=9.0", "plan.lead"),
        ("plan.leed:=0.1", "did you mean 'plan.lead'"),
        ("limits.set:=iiwa", "allowed: fr3_rectangular"),
        ("plan.transport:=0.3", "plan.transport (0.3 s) must be less than plan.lead"),
        ("gripper.close_below:=0.9", "gripper.close_below (0.9) must be below"),
        ("joint_names:=[a, b]", "limits.set 'fr3_rectangular' is for 7 joints"),
    ],
)
def test_wrong_parameter_ends_in_one_line(fresh_ros_domain, parameter, words):
    assert words in refusal(MODULE, "--ros-args", "-p", parameter)
