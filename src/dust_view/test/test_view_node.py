"""The node matches what others publish, shows it, and says so at the end of a task."""

import re

import numpy as np
import pytest
import rclpy
from builtin_interfaces.msg import Time as BuiltinTime
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.time import Time
from sensor_msgs.msg import JointState
from visualization_msgs.msg import Marker, MarkerArray

from dust_msgs.msg import ActionChunk, ExecutorState, Features, StageTiming
from dust_node.fr3_kinematics import hand_position
from dust_node.qos import RELIABLE
from dust_view.fr3 import ARM_JOINTS
from dust_view.view_node import ViewNode
from support.probe import Probe

HOME = np.array([0.0, -np.pi / 4, 0.0, -3 * np.pi / 4, 0.0, np.pi / 2, np.pi / 4])
MS = 1_000_000


def time(milliseconds: int):
    return Time(nanoseconds=milliseconds * MS).to_msg()


def timing(stage: str, begin: int, duration: int) -> StageTiming:
    return StageTiming(stage=stage, stamp=time(begin), duration=duration * 1e-3)


class World(Probe):
    """The node under test, and who it listens to."""

    def __init__(self, domain: int) -> None:
        super().__init__(domain, context=rclpy.get_default_context())
        self.view = ViewNode()
        self.view.autostart()
        self.executor.add_node(self.view)
        self.said: dict[str, str] = {}
        self.markers: dict[str, Marker] = {}
        subscribe, publisher = self.node.create_subscription, self.node.create_publisher
        subscribe(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)
        subscribe(MarkerArray, "dust_view/markers", self._on_markers, RELIABLE)
        self.publishers = {
            kind: publisher(kind, topic, RELIABLE)
            for kind, topic in (
                (Features, "features"),
                (ActionChunk, "action_chunk"),
                (ExecutorState, "executor_state"),
                (JointState, "joint_states"),
            )
        }
        self.wait(lambda: all(p.get_subscription_count() for p in self.publishers.values()))

    def send(self, message) -> None:
        self.publishers[type(message)].publish(message)

    def send_until(self, message, condition) -> None:
        def told() -> bool:
            self.send(message)
            return condition()

        self.wait(told)

    def close(self) -> None:
        self.executor.remove_node(self.view)
        self.view.close()
        self.view.destroy_node()
        super().close()

    def _on_diagnostics(self, array: DiagnosticArray) -> None:
        for status in array.status:
            if status.name == "dust_view":
                self.said = {row.key: row.value for row in status.values}
                self.said["message"] = status.message

    def _on_markers(self, array: MarkerArray) -> None:
        self.markers.update({marker.ns: marker for marker in array.markers})


@pytest.fixture
def world(ros_domain):
    world = World(ros_domain)
    yield world
    world.close()


def chunk(sequence: int = 1) -> ActionChunk:
    message = ActionChunk(source="dust_policy", task_id="task", sequence=sequence, period=0.1)
    message.header.stamp = time(1000)
    message.joint_names, message.prefix = list(ARM_JOINTS), 2
    message.positions = np.tile(HOME, 5).tolist()
    message.gripper = [1.0] * 5
    message.timings = [timing("encode", 1000, 30), timing("sample", 1030, 50)]
    return message


def state(**fields) -> ExecutorState:
    message = ExecutorState(mode=ExecutorState.RUNNING, task_id="task", period=0.1, buffer=0.25)
    message.header.stamp = time(1100)
    message.joint_names = list(ARM_JOINTS)
    message.positions = np.concatenate([HOME + 0.01 * i for i in range(5)]).tolist()
    message.last_sequence, message.last_splice = 1, time(1160)
    for name, value in fields.items():
        setattr(message, name, value)
    return message


def test_the_ledger_is_on_diagnostics_and_told_at_the_end(world, capfd) -> None:
    features = Features()
    features.header.stamp = time(1000)
    features.timings = [timing("encode", 1000, 30)]
    world.send_until(features, lambda: "camera to features p50/p95/p99 [ms]" in world.said)
    early = state(last_sequence=0, last_splice=time(0))
    world.send_until(early, lambda: world.said.get("message") == "a task runs")
    world.send_until(chunk(), lambda: "sample p50/p95/p99 [ms]" in world.said)
    stray = chunk(7)
    stray.task_id = "stray"
    world.send(stray)
    wanted = "camera to first point p50/p95/p99 [ms]"
    world.send_until(state(), lambda: wanted in world.said)
    assert world.said["camera to features p50/p95/p99 [ms]"] == "30.0/30.0/30.0"
    assert world.said["chunk to first point p50/p95/p99 [ms]"] == "80.0/80.0/80.0"
    assert world.said[wanted] == "160.0/160.0/160.0"
    idle = state(mode=ExecutorState.IDLE, task_id="")
    printed = [""]

    def told() -> bool:
        printed[0] += "".join(capfd.readouterr())
        return "latency of task task" in printed[0]

    world.send_until(idle, told)
    assert re.search(r"camera to first point +1 +160\.0", printed[0])


def test_plan_tail_seam_chunk_and_arm_are_drawn(world) -> None:
    names = ("prefix", "actions")
    world.send_until(chunk(), lambda: all(name in world.markers for name in names))
    world.send_until(state(), lambda: "seam" in world.markers)
    joints = JointState(name=list(ARM_JOINTS), position=HOME.tolist())
    world.send_until(joints, lambda: "arm" in world.markers)
    counts = {name: len(marker.points) for name, marker in world.markers.items()}
    assert counts == {"prefix": 3, "actions": 3, "plan": 4, "tail": 3, "seam": 1, "arm": 10}
    hand = world.markers["arm"].points[-1]
    np.testing.assert_allclose([hand.x, hand.y, hand.z], hand_position(HOME), atol=1e-9)
    assert all(marker.header.frame_id == "fr3_link0" for marker in world.markers.values())
    assert all(marker.action == Marker.ADD for marker in world.markers.values())
    idle = state(mode=ExecutorState.IDLE, task_id="")
    world.send_until(idle, lambda: world.markers["actions"].action == Marker.DELETE)


def test_no_odd_message_ends_the_node(world) -> None:
    nan, inf = float("nan"), float("inf")
    past = BuiltinTime(sec=-1)
    odd = [chunk(), Features(), state(last_splice=past), JointState(name=list(ARM_JOINTS))]
    for message in odd:
        message.header.stamp = past
    odd[3].position = [nan] * 7
    for value in (nan, inf, -inf, 1e300, 1e-300):
        odd += [state(period=value), state(buffer=value)]
        odd += [timed(kind(), value) for kind in (chunk, Features)]
    for message in odd:
        world.send(message)
    world.send(state(positions=[inf] * 35))
    world.send_until(state(), lambda: "plan" in world.markers)
    assert "arm" not in world.markers


def timed(message, duration: float):
    message.timings = [StageTiming(stage="odd", stamp=time(1000), duration=duration)]
    return message


def test_what_does_not_fit_is_not_drawn(world) -> None:
    broken = chunk()
    broken.positions = [float("nan")] * 35
    strange = chunk(2)
    strange.joint_names = ["other"] * 7
    for message in (broken, strange, state(positions=[0.0] * 6), state(joint_names=[])):
        world.send(message)
    world.send_until(state(), lambda: "plan" in world.markers)
    assert "actions" not in world.markers
