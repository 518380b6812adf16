"""The rehearsal's side of the graph: publishes what the recording holds, waits for answers.

    recording --> player -- images, joint_states ---------> perception -- rehearsal/features -.
                  player <------------------------------------------------------------------'
                  player -- features, joint_states -------> policy -- rehearsal/action_chunk -.
                  player <------------------------------------------------------------------'
                  player -- action_chunk, rehearsal/joint_states -> executor -----------------.
                  player <-- executor_state, joint_trajectory --------------------------------'
                  player -- rehearsal/executor_state -----> policy

Time stands still while anybody works. Everything that a result depends on passes through here, in
an order that no machine's speed can change; questions that each node answers from the thread that
takes in its messages make sure that it has taken them in.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from rcl_interfaces.msg import ParameterType
from rcl_interfaces.srv import GetParameters
from rclpy.action import ActionClient
from rclpy.client import Client
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.task import Future
from rclpy.time import Time
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage, JointState
from trajectory_msgs.msg import JointTrajectory

from dust_msgs.action import ExecuteTask
from dust_msgs.msg import ActionChunk, ExecutorState, Features
from dust_node.errors import UserError
from dust_node.qos import RELIABLE

PERCEPTION, POLICY, EXECUTOR = "dust_perception", "dust_policy", "dust_executor"
NODES = (PERCEPTION, POLICY, EXECUTOR)

_POLL_SEC = 0.05
_AGAIN_SEC = 0.25  # wall time after which what may have been lost is sent again

T = TypeVar("T")


class SilenceError(RuntimeError):
    """Somebody did not answer in time."""


class Player:
    """Publishes, listens and waits. Not safe for threads.

    Attributes:
        states: The executor's newest state; None before the first.
        trajectories: What the executor published since it was last emptied, oldest first.
        heard: When the newest of them came, wall time in s; 0 before the first.
        chunks: The policy's chunks by the stamp of their observation, ns.
        features: Features by their stamp, ns, with the wall time of their coming, s.
    """

    def __init__(
        self, node: Node, executor: SingleThreadedExecutor, *, image_topics: Mapping[str, str]
    ) -> None:
        """Make publishers, subscriptions and clients.

        Args:
            node: Node that publishes; on wall time.
            executor: Spins the node.
            image_topics: Topic of each view without /compressed.
        """
        self._node, self._executor = node, executor
        self.state: ExecutorState | None = None
        self.trajectories: list[JointTrajectory] = []
        self.heard = 0.0
        self.chunks: dict[int, tuple[float, ActionChunk]] = {}
        self.features: dict[int, tuple[float, Features]] = {}
        self.now_ns = 0
        publisher = node.create_publisher
        self._clock = publisher(Clock, "/clock", RELIABLE)
        self._images = {
            view: publisher(CompressedImage, f"{topic}/compressed", RELIABLE)
            for view, topic in image_topics.items()
        }
        self._joints = publisher(JointState, "joint_states", RELIABLE)
        self._arm = publisher(JointState, "rehearsal/joint_states", RELIABLE)
        self._state = publisher(ExecutorState, "rehearsal/executor_state", RELIABLE)
        self._chunk = publisher(ActionChunk, "action_chunk", RELIABLE)
        self._features = publisher(Features, "features", RELIABLE)
        self._others = (self._joints, self._arm, self._state, self._chunk, self._features)
        self._listen()
        self._questions: dict[str, Client] = {
            name: node.create_client(GetParameters, f"{name}/get_parameters") for name in NODES
        }
        self._task = ActionClient(node, ExecuteTask, "execute_task")
        self._looked = 0
        self._look = node.create_guard_condition(self._on_look)

    # -- sending

    def tell_time(self, now_ns: int) -> None:
        """Set the graph's clock."""
        self.now_ns = now_ns
        self._clock.publish(Clock(clock=Time(nanoseconds=now_ns).to_msg()))

    def send_joints(self, data: bytes) -> None:
        """Publish recorded joint states, in CDR: what the policy sees of the arm."""
        self._joints.publish(data)

    def send_arm(self, names: Sequence[str], positions: Any, velocities: Any) -> None:
        """Publish what the executor sees of the arm, as of now."""
        message = JointState(name=list(names))
        message.position, message.velocity = list(positions), list(velocities)
        message.header.stamp = Time(nanoseconds=self.now_ns).to_msg()
        self._arm.publish(message)

    def send_image(self, view: str, image: bytes | CompressedImage) -> None:
        """Publish an image, as a message or in CDR."""
        self._images[view].publish(image)

    def send_features(self, stamp_ns: int) -> None:
        """Hand the features of a stamp to the policy once more, if they have come."""
        if stamp_ns in self.features:
            self._features.publish(self.features[stamp_ns][1])

    def send_chunk(self, message: ActionChunk) -> None:
        """Hand a chunk to the executor."""
        self._chunk.publish(message)

    # -- waiting

    def wait(
        self,
        condition: Callable[[], T],
        what: str,
        *,
        patience: float,
        again: Callable[[], object] = lambda: None,
    ) -> T:
        """Spin until a condition holds; return its value.

        Args:
            condition: What to wait for.
            what: Its name in the error message.
            patience: Longest wait, wall time in s.
            again: Called now and then: sends again what may have been lost.

        Raises:
            SilenceError: It did not come in time.
        """
        begun = sent = time.monotonic()
        while not (value := condition()):
            now = time.monotonic()
            if now - begun > patience:
                raise SilenceError(f"waited {patience:g} s for {what}")
            if now - sent > _AGAIN_SEC:
                sent = now
                again()
                self._clock.publish(Clock(clock=Time(nanoseconds=self.now_ns).to_msg()))
            self._executor.spin_once(timeout_sec=_POLL_SEC)
        return value

    def ask(self, name: str, parameters: Sequence[str], *, patience: float) -> list[Any]:
        """Return a node's parameters; None for each that it has not.

        Raises:
            SilenceError: The node did not answer in time.
        """
        client = self._questions[name]
        self.wait(client.service_is_ready, f"{name} (is it running?)", patience=patience)
        future = client.call_async(GetParameters.Request(names=list(parameters)))
        self.wait(future.done, f"an answer of {name}", patience=patience)
        return [_value(found) for found in future.result().values]

    def agree(self, *names: str, patience: float, questions: int = 1) -> None:
        """Wait until nodes have taken in what was sent to them, and what they sent then is here.

        One message of each topic: of several, a node takes one each time it looks.

        Args:
            names: The nodes.
            patience: Longest wait for each answer, wall time in s.
            questions: How often each is asked. Once is enough for a node that looks for messages
                and for questions at the same time. The executor looks for messages first: what
                comes in between is taken after the answer, but before it looks for another
                question. So it has to be asked twice.

        Raises:
            SilenceError: One did not answer in time.
        """
        for _ in range(questions):
            futures: dict[str, Future] = {name: self._ask_anything(name) for name in names}
            for name, future in futures.items():
                self.wait(future.done, f"an answer of {name}", patience=patience)
        self._take_in(patience)

    def wait_connected(self, *, patience: float) -> None:
        """Wait until everybody is there, connected as a rehearsal needs it, and on our clock.

        Raises:
            SilenceError: Somebody is not there in time.
            UserError: A node does not follow /clock.
        """
        for name in NODES:
            (simulated,) = self.ask(name, ["use_sim_time"], patience=patience)
            if simulated is not True:
                raise UserError(f"{name} does not follow /clock: start it with use_sim_time:=true")
        for publisher in (
            *self._images.values(),
            self._joints,
            self._arm,
            self._state,
            self._chunk,
        ):
            self.wait(
                lambda ours=publisher: ours.get_subscription_count() > 0,  # type: ignore[misc]
                f"a subscriber of {publisher.topic_name} (are the nodes remapped?)",
                patience=patience,
            )
        everybody = f"{len(NODES)} subscribers of /clock"
        self.wait(
            lambda: self._clock.get_subscription_count() >= len(NODES), everybody, patience=patience
        )
        count = self._node.count_publishers
        for topic in ("rehearsal/action_chunk", "rehearsal/features", "executor_state"):
            self.wait(
                lambda name=topic: count(self._node.resolve_topic_name(name)) > 0,  # type: ignore[misc]
                f"a publisher of {topic} (are the nodes remapped?)",
                patience=patience,
            )

    def begin_task(self, instruction: str, *, time_limit: float, patience: float) -> Any:
        """Send the goal; return its handle and the future of its result.

        Raises:
            SilenceError: Nobody serves it, or it was refused.
        """
        self.wait(self._task.server_is_ready, "the action execute_task", patience=patience)
        goal = ExecuteTask.Goal(instruction=instruction, time_limit=time_limit)
        sent = self._task.send_goal_async(goal)
        self.wait(sent.done, "the policy to take the goal", patience=patience)
        handle = sent.result()
        if not handle.accepted:
            raise SilenceError("the policy refused the goal")
        return handle, handle.get_result_async()

    def taken_trajectories(self) -> list[JointTrajectory]:
        """Return what the executor published since the last call."""
        taken, self.trajectories = self.trajectories, []
        return taken

    def close(self) -> None:
        """Take the action's client away."""
        self._task.destroy()

    def _ask_anything(self, name: str) -> Future:
        return self._questions[name].call_async(GetParameters.Request(names=["use_sim_time"]))

    def _take_in(self, patience: float) -> None:
        """Take in what has arrived: an answer may be seen before a message that came before it."""
        looked = self._looked
        # Seen only by a wait that begins now, and run after each message that this wait finds.
        self._look.trigger()
        self.wait(lambda: self._looked > looked, "what has arrived", patience=patience)

    def _listen(self) -> None:
        for kind, topic, callback in (
            (ExecutorState, "executor_state", self._on_state),
            (JointTrajectory, "fr3_arm_controller/joint_trajectory", self._on_trajectory),
            (ActionChunk, "rehearsal/action_chunk", self._on_chunk),
            (Features, "rehearsal/features", self._on_features),
        ):
            self._node.create_subscription(kind, topic, callback, RELIABLE)

    def _on_state(self, message: ExecutorState) -> None:
        self.state = message
        self._state.publish(message)

    def _on_look(self) -> None:
        self._looked += 1

    def _on_trajectory(self, message: JointTrajectory) -> None:
        self.heard = time.perf_counter()
        self.trajectories.append(message)

    def _on_chunk(self, message: ActionChunk) -> None:
        stamp = Time.from_msg(message.header.stamp).nanoseconds
        self.chunks[stamp] = (time.perf_counter(), message)

    def _on_features(self, message: Features) -> None:
        stamp = Time.from_msg(message.header.stamp).nanoseconds
        if stamp not in self.features:
            self.features[stamp] = (time.perf_counter(), message)
            self._features.publish(message)


def as_png(message: Any) -> CompressedImage:
    """Return a recorded sensor_msgs/Image, without loss, as perception takes images here.

    Args:
        message: Fields as attributes.

    Raises:
        ValueError: The encoding is none of rgb8, bgr8, rgba8, bgra8, mono8.
    """
    import cv2

    channels = {"rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1}.get(message.encoding)
    if channels is None:
        raise ValueError(f"images of the bag have the encoding {message.encoding}")
    rows = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)
    pixels = rows[:, : message.width * channels].reshape(message.height, message.width, channels)
    colours = pixels[..., :3]
    if message.encoding.startswith("rgb"):
        colours = colours[..., ::-1]
    _, data = cv2.imencode(".png", np.ascontiguousarray(colours))
    compressed = CompressedImage(format="png", data=data.tobytes())
    compressed.header.stamp.sec = int(message.header.stamp.sec)
    compressed.header.stamp.nanosec = int(message.header.stamp.nanosec)
    compressed.header.frame_id = message.header.frame_id
    return compressed


def _value(found: Any) -> Any:
    kinds = {
        ParameterType.PARAMETER_BOOL: "bool_value",
        ParameterType.PARAMETER_INTEGER: "integer_value",
        ParameterType.PARAMETER_DOUBLE: "double_value",
        ParameterType.PARAMETER_STRING: "string_value",
    }
    return getattr(found, kinds[found.type]) if found.type in kinds else None
