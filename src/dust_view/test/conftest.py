"""Fixtures: short bags with real messages, as the recorder leaves them. Needs ROS 2."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from rclpy.time import Time
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from sensor_msgs.msg import CompressedImage, Image, JointState
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from dust_msgs.msg import ActionChunk, ControllerState, Episode, ExecutorState
from dust_view.fr3 import ARM_JOINTS, FINGER_JOINTS

ROOT = Path(__file__).resolve().parents[3]
NS = 1_000_000_000
BASE_NS = 1_700_000_000 * NS
HOME = np.array([0.0, -np.pi / 4, 0.0, -3 * np.pi / 4, 0.0, np.pi / 2, np.pi / 4])
INSTRUCTION = "pick up the blue cube"
FRAMES = {view: f"zed_{view}_left_camera_frame_optical" for view in ("wrist", "side")}


def _typestore():
    store = get_typestore(Stores.ROS2_JAZZY)
    types = {}
    for file in sorted((ROOT / "src" / "dust_msgs" / "msg").glob("*.msg")):
        types |= get_types_from_msg(file.read_text(), f"dust_msgs/msg/{file.stem}")
    store.register(types)
    return store


def commanded(t: float) -> np.ndarray:
    """Joint positions that the arm is told t seconds after the bag's begin."""
    return HOME + 0.2 * np.sin(0.8 * max(t, 0.0)) * np.arange(1, 8) / 7


def measured(t: float) -> np.ndarray:
    return commanded(t - 0.02)


@dataclass(frozen=True)
class Recipe:
    """A bag to write; s."""

    seconds: float = 2.0
    namespace: str = ""
    side_delay: float = 0.004
    raw_images: bool = False
    without: tuple[str, ...] = ()
    instruction: str = INSTRUCTION


@pytest.fixture
def write_bag(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a bag and returns its folder."""

    def write(name: str = "take", **changes: object) -> Path:
        recipe = replace(Recipe(), **changes)
        rows = sorted(_rows(recipe), key=lambda row: row[0])
        store, path = _typestore(), tmp_path / name
        with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
            connections: dict = {}
            for t, topic, message in rows:
                if topic in recipe.without:
                    continue
                kind = _type(message)
                if topic not in connections:
                    full = f"{recipe.namespace}/{topic}"
                    connections[topic] = writer.add_connection(full, kind, typestore=store)
                data = store.serialize_cdr(_stored(store, message), kind)
                writer.write(connections[topic], stamp(t + 0.003), data)
        return path

    return write


def _stored(store, message):
    """Return a message of rclpy as rosbags has it."""
    fields = {}
    for name, kind in message.get_fields_and_field_types().items():
        value = getattr(message, name)
        if hasattr(value, "get_fields_and_field_types"):
            value = _stored(store, value)
        elif kind.startswith("sequence<") and "/" in kind:
            value = [_stored(store, entry) for entry in value]
        elif kind.startswith("sequence<") and "string" not in kind:
            value = np.array(value, dtype={"double": float, "uint8": np.uint8}[kind[9:-1]])
        fields[name] = value
    return store.types[_type(message)](**fields)


def stamp(t: float) -> int:
    return BASE_NS + round(t * NS)


def _type(message) -> str:
    package, _, _ = type(message).__module__.partition(".")
    return f"{package}/msg/{type(message).__name__}"


def _stamped(message, t: float):
    message.header.stamp = Time(nanoseconds=stamp(t)).to_msg()
    return message


def _rows(recipe: Recipe):
    """Yield time, topic and message."""
    for t in np.arange(0.0, recipe.seconds, 1 / 30):
        yield t, "joint_states", _stamped(_joints(t), t)
        yield t, "executor_state", _stamped(_state(t), t)
        yield t, "fr3_arm_controller/controller_state", _stamped(_reference(t), t)
    for t in np.arange(0.2, recipe.seconds, 0.4):
        yield t + 0.1, "action_chunk", _stamped(_chunk(t), t)
        yield t + 0.15, "fr3_arm_controller/joint_trajectory", _stamped(_trajectory(t), t)
    for number, t in enumerate(np.arange(0.05, recipe.seconds, 1 / 15)):
        for view, delay in (("wrist", 0.0), ("side", recipe.side_delay)):
            topic = f"zed_{view}/zed_node/rgb/color/rect/image"
            message = _stamped(_image(view, number, raw=recipe.raw_images), t + delay)
            message.header.frame_id = FRAMES[view]
            yield t + delay, topic if recipe.raw_images else f"{topic}/compressed", message
    for t, event in ((0.1, Episode.START), (recipe.seconds - 0.1, Episode.END)):
        episode = Episode(episode_id="take", event=event, instruction=recipe.instruction)
        yield t, "episode", _stamped(episode, t)


def _joints(t: float) -> JointState:
    positions = [*measured(t)[::-1], 0.04, 0.04]
    return JointState(name=[*ARM_JOINTS[::-1], *FINGER_JOINTS], position=positions)


def _state(t: float) -> ExecutorState:
    state = ExecutorState(mode=1, task_id="task", joint_names=list(ARM_JOINTS), period=1 / 15)
    state.positions = np.concatenate([commanded(t + i / 15) for i in range(4)]).tolist()
    state.gripper = [1.0] * 4
    chunk = np.floor((t - 0.35) / 0.4)
    if chunk >= 0:
        state.last_sequence = int(chunk) + 1
        state.last_splice = Time(nanoseconds=stamp(0.2 + 0.4 * chunk + 0.2)).to_msg()
    return state


def _reference(t: float) -> ControllerState:
    point = JointTrajectoryPoint(positions=commanded(t).tolist())
    return ControllerState(joint_names=list(ARM_JOINTS), reference=point)


def _chunk(t: float) -> ActionChunk:
    actions = [commanded(t + i / 15) for i in range(16)]
    chunk = ActionChunk(task_id="task", source="dust_policy", sequence=round(t / 0.4) + 1)
    chunk.joint_names, chunk.period = list(ARM_JOINTS), 1 / 15
    chunk.positions, chunk.gripper = np.concatenate(actions).tolist(), [1.0] * 16
    chunk.prefix = 3
    return chunk


def _trajectory(t: float) -> JointTrajectory:
    points = []
    for i in range(8):
        point = JointTrajectoryPoint(positions=commanded(t + 0.1 * i).tolist())
        point.time_from_start.nanosec = 100_000_000 * i
        points.append(point)
    return JointTrajectory(joint_names=list(ARM_JOINTS), points=points)


def _image(view: str, number: int, *, raw: bool) -> Image | CompressedImage:
    pixels = np.full((48, 64, 3), 30 if view == "wrist" else 90, np.uint8)
    pixels[:, (number * 3) % 60 :][:, :4] = (0, 0, 255)
    if not raw:
        return CompressedImage(format="jpeg", data=cv2.imencode(".jpg", pixels)[1].tobytes())
    image = Image(height=48, width=64, encoding="rgb8", step=3 * 64)
    image.data = np.ascontiguousarray(pixels[..., ::-1]).tobytes()
    return image
