"""Hear what a running graph says. Needs ROS 2."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from sensor_msgs.msg import CompressedImage, Image, JointState

from dust_doctor.adapters import ask_controllers, ask_parameters, franka_state
from dust_doctor.checks.graph import SINGLE
from dust_doctor.ear import Ear, RobotEar
from dust_doctor.evidence import ExecutorReport, GraphEvidence
from dust_doctor.wishes import Wishes
from dust_msgs.msg import ExecutorState, RobotState
from dust_node.polled import Polled
from dust_node.qos import SENSOR

DISCOVERY_SEC = (1.0, 5.0)
"""How long nodes get to find each other: at least, and at most if something is missing. Unit: s."""

HASHED = ("action_chunk", "episode", "executor_state", "features", "robot_state")
"""Topics of dust_msgs whose types are compared."""

FRANKA_TOPIC = "franka_robot_state_broadcaster/robot_state"

_POLL_SEC = 0.02
_PARAMETERS = {"dust_policy": ("checkpoint", "action_rate"), "dust_perception": ("checkpoint",)}


def listen(wishes: Wishes, seconds: float, ros_arguments: Sequence[str] = ()) -> GraphEvidence:
    """Join the graph for a while and return what was heard.

    Args:
        wishes: Which topics matter.
        seconds: How long to listen. Unit: s of wall time.
        ros_arguments: `--ros-args ...`, for namespace and remappings; empty: none.

    Raises:
        ValueError: ROS does not understand its arguments.
    """
    with _joined(ros_arguments) as (node, executor):
        return _Listener(node, executor, wishes).listen(seconds)


@contextmanager
def _joined(ros_arguments: Sequence[str]) -> Iterator[tuple[Node, SingleThreadedExecutor]]:
    context = Context()
    try:
        rclpy.init(args=["dust-doctor", *ros_arguments], context=context)
    except Exception as error:
        raise ValueError(f"ROS arguments: {str(error).splitlines()[0]}") from None
    # Several doctors may listen at once.
    node = Node(f"dust_doctor_{os.getpid()}", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    try:
        yield node, executor
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown(context=context)


class _Listener:
    """Subscribes to what matters and sums it up."""

    def __init__(self, node: Node, executor: SingleThreadedExecutor, wishes: Wishes) -> None:
        self._node, self._executor, self._wishes = node, executor, wishes
        self._cameras: dict[str, Ear] = {}
        self._joint_states = Ear()
        self._joint_names: tuple[str, ...] = ()
        self._executor_states = Ear()
        self._executor_state: ExecutorState | None = None
        self._robot_states = Ear()
        self._robot, self._franka = RobotEar("robot_state"), RobotEar(FRANKA_TOPIC)
        kind = franka_state()
        self._polled = Polled(node, kind, FRANKA_TOPIC) if kind else None

    def listen(self, seconds: float) -> GraphEvidence:
        """Discover, follow /clock if there is one, listen, ask, sum up."""
        least, most = DISCOVERY_SEC
        self._spin(least)
        self._spin(most - least, until=self._all_there)
        simulated = self._has_publisher("/clock")
        if simulated:
            self._node.set_parameters([Parameter("use_sim_time", value=True)])
            self._spin(3.0, until=lambda: self._now() > 0)
        self._subscribe()
        self._spin(seconds)
        return self._evidence(seconds, simulated, time.monotonic())

    def _all_there(self) -> bool:
        topics = ("executor_state", "joint_states", *self._wishes.image_topics.values())
        return all(self._has_publisher(topic) for topic in topics)

    def _has_publisher(self, topic: str) -> bool:
        return self._node.count_publishers(self._node.resolve_topic_name(topic)) > 0

    def _spin(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not until():
            self._executor.spin_once(timeout_sec=min(left, _POLL_SEC))
            if self._polled and (message := self._polled.take()) is not None:
                self._franka.franka(message)

    def _now(self) -> float:
        return float(self._node.get_clock().now().nanoseconds * 1e-9)

    def _subscribe(self) -> None:
        for view, topic in self._wishes.image_topics.items():
            ear = self._cameras[view] = Ear()
            raw = self._has_publisher(topic)
            kind, name = (Image, topic) if raw else (CompressedImage, f"{topic}/compressed")
            self._hear(kind, name, partial(self._on_image, ear.image if raw else ear.compressed))
        self._hear(JointState, "joint_states", self._on_joint_states)
        self._hear(ExecutorState, "executor_state", self._on_executor)
        self._hear(RobotState, "robot_state", self._on_robot)

    def _hear(self, kind: Any, topic: str, callback: Callable[[Any], None]) -> None:
        self._node.create_subscription(kind, topic, callback, SENSOR)

    def _on_image(self, note: Callable[[Any, float], None], message: Any) -> None:
        note(message, self._now())

    def _on_joint_states(self, message: JointState) -> None:
        self._joint_states.stamped(message, self._now())
        self._joint_names = tuple(message.name)

    def _on_executor(self, message: ExecutorState) -> None:
        self._executor_states.stamped(message, self._now())
        self._executor_state = message

    def _on_robot(self, message: RobotState) -> None:
        self._robot_states.stamped(message, self._now())
        self._robot.dust(message)

    def _evidence(self, seconds: float, simulated: bool, ended: float) -> GraphEvidence:
        topics = self._wishes.image_topics
        cameras = {view: ear.stream(topics[view], ended) for view, ear in self._cameras.items()}
        others = {"executor_state": self._executor_states, "robot_state": self._robot_states}
        joint_states = self._joint_states.stream("joint_states", ended)
        robot = self._franka if self._franka.heard else self._robot
        return GraphEvidence(
            seconds=seconds,
            simulated_time=simulated,
            nodes=self._nodes(),
            publishers={topic: self._publishers(topic) for topic in (*SINGLE, *topics.values())},
            hashes={topic: self._hashes(topic) for topic in HASHED},
            cameras={view: row for view, row in cameras.items() if row.stamps},
            joint_states=joint_states if self._joint_names else None,
            joint_names=self._joint_names,
            robot=robot.report() if robot.heard else None,
            executor=_report(self._executor_state),
            controllers=ask_controllers(self._node, self._executor),
            stamped=tuple(ear.stream(topic) for topic, ear in others.items() if ear.heard),
            parameters=ask_parameters(self._node, self._executor, _PARAMETERS),
        )

    def _nodes(self) -> tuple[str, ...]:
        own = self._node.get_name()
        found = self._node.get_node_names_and_namespaces()
        # Hidden nodes are those of the ros2 command.
        return tuple(
            f"{space.rstrip('/')}/{name}" for name, space in found if name != own and name[0] != "_"
        )

    def _publishers(self, topic: str) -> tuple[str, ...]:
        found = self._node.get_publishers_info_by_topic(self._node.resolve_topic_name(topic))
        return tuple(_full_name(row) for row in found)

    def _hashes(self, topic: str) -> dict[str, str]:
        name = self._node.resolve_topic_name(topic)
        ends = [
            *self._node.get_publishers_info_by_topic(name),
            *self._node.get_subscriptions_info_by_topic(name),
        ]
        # Version 0: the other side's middleware does not tell.
        known = [row for row in ends if getattr(row.topic_type_hash, "version", 0)]
        return {_full_name(row): str(row.topic_type_hash) for row in known}


def _full_name(end: Any) -> str:
    return f"{end.node_namespace.rstrip('/')}/{end.node_name}"


def _report(state: ExecutorState | None) -> ExecutorReport | None:
    if state is None:
        return None
    return ExecutorReport(mode=state.mode, reason=state.reason, task_id=state.task_id)
