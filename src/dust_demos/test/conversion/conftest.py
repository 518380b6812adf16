"""Fixtures: bags written by rosbags, not by our recorder, whose pictures carry their number."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

ROOT = Path(__file__).resolve().parents[4]
SIZES = {"wrist": (64, 48), "side": (96, 64)}  # width, height
JOINTS = [f"fr3_joint{i}" for i in range(1, 8)]
FINGERS = ["fr3_finger_joint1", "fr3_finger_joint2"]
BASE_NS = 1_700_000_000_123_000_000
NS = 1_000_000_000
CELL, BITS = 8, 8
START, END, SUCCESS = 0, 1, 1


def _typestore():
    store = get_typestore(Stores.ROS2_JAZZY)
    types = {}
    for file in sorted((ROOT / "src" / "dust_msgs" / "msg").glob("*.msg")):
        types |= get_types_from_msg(file.read_text(), f"dust_msgs/msg/{file.stem}")
    store.register(types)
    return store


STORE = _typestore()


def measured(t):
    """Joint positions (rad) and finger position (m) at t seconds."""
    waves = [0.4 * np.sin(0.9 * t + i) for i in range(7)]
    return np.array(waves), 0.02 + 0.02 * np.sin(t)


def commanded(t):
    """Joint positions and gripper opening that are commanded at t seconds."""
    return measured(t + 0.1)[0], 1.0 if t < 1.5 else 0.0


def picture(view, number):
    """A picture that says which one it is, with something that moves; BGR."""
    width, height = SIZES[view]
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    image = np.stack([x * 2, y * 3, np.full_like(x, 60)], -1).astype(np.uint8)
    place = (number * 3) % (width - 10)
    image[height - 20 : height - 10, place : place + 10] = (0, 0, 255)
    for bit in range(BITS):
        image[:CELL, bit * CELL : (bit + 1) * CELL] = 255 * (number >> bit & 1)
    return image


def number_in(pixels, scale=1.0):
    """Read the number back out of a picture, RGB or BGR."""
    cells = [
        pixels[
            int(scale * 2) : int(scale * 6),
            int(scale * (b * CELL + 2)) : int(scale * (b * CELL + 6)),
        ]
        for b in range(BITS)
    ]
    return sum(int(cell.mean() > 127) << bit for bit, cell in enumerate(cells))


@dataclass(frozen=True)
class Recipe:
    """A bag to write; times in s from its start."""

    seconds: float = 4.0
    start: float = 0.5
    end: float = 3.5
    camera_hz: float = 15.0
    joint_hz: float = 30.0
    instruction: str = "pick up the red cube"
    outcome: int = SUCCESS
    episode_id: str = "take"
    side_delay: float = 0.0
    jitter: float = 0.0
    seed: int = 0
    raw_images: bool = False
    sizes: dict = field(default_factory=lambda: dict(SIZES))
    without: tuple = ()  # topics
    silent: dict = field(default_factory=dict)  # topic -> (from, to)
    clock: object = None  # t -> how much the stamps are off then, s
    receive_clock: object = None  # t -> the same for the recorder's clock
    storage: StoragePlugin = StoragePlugin.MCAP
    custom: dict = field(default_factory=dict)


@pytest.fixture(scope="session")
def store():
    return STORE


@pytest.fixture(scope="session")
def recipe():
    return Recipe()


@pytest.fixture(scope="session")
def truth():
    """What the bags show: functions of time, and how to read a picture's number."""

    class Truth:
        base_ns = BASE_NS
        joints = JOINTS
        sizes = SIZES
        picture = staticmethod(picture)
        number_in = staticmethod(number_in)
        measured = staticmethod(measured)
        commanded = staticmethod(commanded)

    return Truth


@pytest.fixture
def write_bag(tmp_path):
    """Return a function that writes a bag below tmp_path/bags and returns its folder."""

    def write(name="take", recipe=None, **changes):
        path = tmp_path / "bags" / name
        path.parent.mkdir(exist_ok=True)
        wanted = replace(recipe or Recipe(), **{"episode_id": name} | changes)
        write_messages(path, messages(wanted), wanted.storage, wanted.custom)
        return path

    return write


@pytest.fixture(scope="session")
def write_any():
    """Return a function (path, [(topic, type, received_ns, message)]) that writes a bag."""
    return write_messages


def write_messages(path, entries, storage=StoragePlugin.MCAP, custom=None):
    with Writer(path, version=9, storage_plugin=storage) as writer:
        for key, value in (custom or {}).items():
            writer.set_custom_data(key, value)
        connections = {}
        for topic, kind, received, message in entries:
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=STORE)
            writer.write(connections[topic], received, STORE.serialize_cdr(message, kind))


def message(kind, **values):
    return STORE.types[kind](**values)


def header(stamp_ns):
    stamp = message("builtin_interfaces/msg/Time", sec=stamp_ns // NS, nanosec=stamp_ns % NS)
    return message("std_msgs/msg/Header", stamp=stamp, frame_id="")


def joint_state(stamp_ns, names, positions):
    return message(
        "sensor_msgs/msg/JointState",
        header=header(stamp_ns),
        name=list(names),
        position=np.array(positions, np.float64),
        velocity=np.array([]),
        effort=np.array([]),
    )


def image(stamp_ns, pixels, *, raw):
    if raw:
        return message(
            "sensor_msgs/msg/Image",
            header=header(stamp_ns),
            height=pixels.shape[0],
            width=pixels.shape[1],
            encoding="bgr8",
            is_bigendian=0,
            step=pixels.shape[1] * 3,
            data=np.ascontiguousarray(pixels).ravel(),
        )
    data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].ravel()
    return message(
        "sensor_msgs/msg/CompressedImage", header=header(stamp_ns), format="jpeg", data=data
    )


@pytest.fixture(scope="session")
def make():
    """Messages by kind, for bags of other stacks."""

    class Make:
        message = staticmethod(message)
        header = staticmethod(header)
        joint_state = staticmethod(joint_state)
        image = staticmethod(image)

    return Make


def messages(recipe):
    """Return (topic, type, received_ns, message) in the order of arrival."""
    found = [*_joint_states(recipe), *_executor(recipe), *_episode(recipe)]
    for view in SIZES:
        found += _images(recipe, view)
    kept = []
    for t, topic, kind, build in sorted(found, key=lambda entry: entry[0]):
        silent = recipe.silent.get(topic)
        if topic in recipe.without or (silent and silent[0] <= t < silent[1]):
            continue
        off = recipe.clock(t) if recipe.clock else 0.0
        late = recipe.receive_clock(t) if recipe.receive_clock else 0.0
        received = BASE_NS + round((t + late + 0.004) * NS)
        kept.append((topic, kind, received, build(BASE_NS + round((t + off) * NS))))
    return kept


def _every(recipe, hz):
    return np.arange(int(recipe.seconds * hz)) / hz


def _joint_states(recipe):
    for t in _every(recipe, recipe.joint_hz):
        arm, finger = measured(t)
        values, names = [*arm[::-1], finger, finger], [*JOINTS[::-1], *FINGERS]
        yield (
            *(t, "/joint_states", "sensor_msgs/msg/JointState"),
            lambda stamp, names=names, values=values: joint_state(stamp, names, values),
        )


def _executor(recipe):
    for t in _every(recipe, 30.0) + 0.011:
        ahead = [commanded(t + i / 15) for i in range(3)]
        arm = np.concatenate([joints for joints, _ in ahead])
        grips = np.array([grip for _, grip in ahead])
        yield (
            *(t, "/executor_state", "dust_msgs/msg/ExecutorState"),
            lambda stamp, arm=arm, grips=grips: _executor_state(stamp, arm, grips),
        )


def _executor_state(stamp, arm, grips):
    return message(
        "dust_msgs/msg/ExecutorState",
        header=header(stamp),
        mode=1,
        reason="",
        task_id="task",
        joint_names=JOINTS,
        period=1 / 15,
        positions=arm,
        velocities=np.zeros_like(arm),
        gripper=grips,
        buffer=1.0,
        last_stamp=header(stamp).stamp,
        last_splice=header(stamp).stamp,
        last_sequence=1,
        accepted=1,
        rejected=0,
        clamped=0,
        limited=0,
        late=0,
        last_rejection="",
    )


def _episode(recipe):
    events = ((recipe.start, START), (recipe.end, END))
    for t, event in (entry for entry in events if entry[0] < recipe.seconds):
        yield (
            *(t, "/episode", "dust_msgs/msg/Episode"),
            lambda stamp, event=event: message(
                "dust_msgs/msg/Episode",
                header=header(stamp),
                episode_id=recipe.episode_id,
                event=event,
                outcome=recipe.outcome if event == END else 0,
                instruction=recipe.instruction,
                operator_name="expert",
                note="",
            ),
        )


def _images(recipe, view):
    random = np.random.default_rng(recipe.seed)
    topic = f"/zed_{view}/zed_node/rgb/color/rect/image"
    kind = "sensor_msgs/msg/Image" if recipe.raw_images else "sensor_msgs/msg/CompressedImage"
    for number, t in enumerate(_every(recipe, recipe.camera_hz)):
        t += recipe.jitter * random.uniform(-1, 1) + (recipe.side_delay if view == "side" else 0.0)
        pixels = picture(view, number)
        if recipe.sizes[view] != SIZES[view]:
            pixels = cv2.resize(pixels, recipe.sizes[view])
        yield (
            *(t, topic if recipe.raw_images else f"{topic}/compressed", kind),
            lambda stamp, pixels=pixels: image(stamp, pixels, raw=recipe.raw_images),
        )


@pytest.fixture(scope="session")
def tree():
    """Return a function that gives the bytes of every file below a folder."""

    def read(folder):
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}

    return read
