"""Fixtures: small bags whose arm moves differently with every seed, and episodes without files."""

import re
from base64 import b64decode
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from dust_demos.conversion.convert import main as convert
from dust_demos.inspection.episode import Collection, Episode
from dust_demos.teleop import fr3

ROOT = Path(__file__).resolve().parents[4]
FINGERS = ["fr3_finger_joint1", "fr3_finger_joint2"]
BASE_NS, NS = 1_700_000_000_000_000_000, 1_000_000_000
START, END, SUCCESS = 0, 1, 1
SIZE = (64, 36)
SIDE = "/zed_side/zed_node/rgb/color/rect/image/compressed"
WRIST = SIDE.replace("side", "wrist")


def _typestore():
    store = get_typestore(Stores.ROS2_JAZZY)
    types = {}
    for file in sorted((ROOT / "src" / "dust_msgs" / "msg").glob("*.msg")):
        types |= get_types_from_msg(file.read_text(), f"dust_msgs/msg/{file.stem}")
    store.register(types)
    return store


STORE = _typestore()


@dataclass(frozen=True)
class Recipe:
    """A bag; times in s from its start."""

    seed: int = 0
    pictures: int | None = None  # seed of the pictures; None: `seed`
    seconds: float = 4.0
    instruction: str = "Pick up the cube."
    outcome: int = SUCCESS
    spike: float = 0.0  # rad, on a few measured samples of joint 2
    silent: dict = field(default_factory=dict)  # topic -> (from, to)
    without: tuple = ()
    side_delay: float = 0.0
    custom: dict = field(default_factory=dict)


def path_of(seed, t, seconds):
    """Joint positions at t: from home somewhere and back, at any seed somewhere else."""
    target = np.random.default_rng(seed).uniform(-0.3, 0.3, 7)
    return fr3.HOME + target * np.sin(np.pi * np.clip(t / seconds, 0, 1)) ** 2


def picture(view, seed, t):
    """A picture of a place that depends on view and seed, with something that moves; BGR."""
    random = np.random.default_rng([seed, len(view)])
    base = np.full((SIZE[1], SIZE[0], 3), (200, 90, 40) if view == "wrist" else (40, 90, 160))
    base = (base + random.integers(-20, 20, base.shape)).astype(np.uint8)
    place = int(t * 10) % (SIZE[0] - 8)
    base[10:18, place : place + 8] = (0, 0, 255)
    return base


def message(kind, **values):
    return STORE.types[kind](**values)


def header(t):
    stamp = BASE_NS + round(t * NS)
    time = message("builtin_interfaces/msg/Time", sec=stamp // NS, nanosec=stamp % NS)
    return message("std_msgs/msg/Header", stamp=time, frame_id="")


def _joints(recipe):
    for t in np.arange(int(recipe.seconds * 30)) / 30:
        arm = path_of(recipe.seed, t, recipe.seconds)
        if abs(t - recipe.seconds / 2) < 0.06:
            arm[1] += recipe.spike
        finger = 0.04 if t < recipe.seconds / 2 else 0.01
        yield (
            t,
            "/joint_states",
            message(
                "sensor_msgs/msg/JointState",
                header=header(t),
                name=[*fr3.ARM_JOINTS, *FINGERS],
                position=np.array([*arm, finger, finger]),
                velocity=np.array([]),
                effort=np.array([]),
            ),
        )


def _commands(recipe):
    for t in np.arange(int(recipe.seconds * 30)) / 30:
        yield (
            t,
            "/executor_state",
            message(
                "dust_msgs/msg/ExecutorState",
                header=header(t),
                mode=1,
                reason="",
                task_id="task",
                joint_names=list(fr3.ARM_JOINTS),
                period=1 / 15,
                positions=path_of(recipe.seed, t + 0.05, recipe.seconds),
                velocities=np.zeros(7),
                gripper=np.array([1.0 if t < recipe.seconds / 2 else 0.0]),
                buffer=1.0,
                last_stamp=header(t).stamp,
                last_splice=header(t).stamp,
                last_sequence=1,
                accepted=1,
                rejected=0,
                clamped=0,
                limited=0,
                late=0,
                last_rejection="",
            ),
        )


def _events(recipe, name):
    for t, event in ((0.3, START), (recipe.seconds - 0.3, END)):
        yield (
            t,
            "/episode",
            message(
                "dust_msgs/msg/Episode",
                header=header(t),
                episode_id=name,
                event=event,
                outcome=recipe.outcome if event == END else 0,
                instruction=recipe.instruction,
                operator_name="Ada",
                note="",
            ),
        )


def _images(recipe, view, topic):
    seed = recipe.seed if recipe.pictures is None else recipe.pictures
    for t in np.arange(int(recipe.seconds * 15)) / 15:
        taken = t + (recipe.side_delay if view == "side" else 0.0)
        data = cv2.imencode(".jpg", picture(view, seed, t))[1].ravel()
        yield (
            taken,
            topic,
            message(
                "sensor_msgs/msg/CompressedImage", header=header(taken), format="jpeg", data=data
            ),
        )


def _messages(recipe, name):
    found = [*_joints(recipe), *_commands(recipe), *_events(recipe, name)]
    for view, topic in (("wrist", WRIST), ("side", SIDE)):
        found += _images(recipe, view, topic)
    for t, topic, content in sorted(found, key=lambda entry: entry[0]):
        begin, end = recipe.silent.get(topic, (1e9, 0))
        if topic not in recipe.without and not begin <= t < end:
            yield t, topic, content


def write(path, recipe):
    connections = {}
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        for key, value in recipe.custom.items():
            writer.set_custom_data(key, value)
        for t, topic, content in _messages(recipe, path.name):
            kind = content.__msgtype__
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=STORE)
            data = STORE.serialize_cdr(content, kind)
            writer.write(connections[topic], BASE_NS + round((t + 0.01) * NS), data)
    return path


@pytest.fixture
def write_bag(tmp_path):
    """Return a function that writes a bag below tmp_path/bags and returns its folder."""

    def call(name="take", **changes):
        (tmp_path / "bags").mkdir(exist_ok=True)
        return write(tmp_path / "bags" / name, Recipe(**changes))

    return call


@pytest.fixture(scope="session")
def clean_bags(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clean") / "bags"
    folder.mkdir()
    for seed in range(5):
        write(folder / f"take_{seed}", Recipe(seed=seed))
    return folder


@pytest.fixture(scope="session", params=["v3.0", "v2.1"])
def dataset(request, clean_bags, tmp_path_factory):
    out = tmp_path_factory.mktemp("dataset") / "cubes"
    options = ["--version", request.param, "--workers", "1", "--quiet"]
    assert convert([str(clean_bags), str(out), *options]) == 0
    return out


@pytest.fixture
def make_episode():
    """Return a function that makes an episode without files; `name` is its seed, too."""

    def call(name="0", *, length=60, **values):
        rows = np.arange(length)
        arm = np.stack([path_of(int(name), t, length - 1) for t in rows])
        state = np.concatenate([arm, np.linspace(1, 0, length)[:, None]], axis=1)
        given = {
            "instruction": "Pick up the cube.",
            "times": rows / 15,
            "state": state,
            "action": state + 0.01,
            "film": lambda count: {},
        }
        given["action"][:, -1] = state[:, -1]
        return Episode(name=name, **given | values)

    return call


@pytest.fixture
def collect():
    """Return a function that puts episodes together."""

    def call(*episodes, converted=True, **values):
        columns = (*fr3.ARM_JOINTS, "gripper")
        return Collection(
            name="data", kind="test", converted=converted, fps=15.0, columns=columns,
            episodes=episodes, **values,
        )  # fmt: skip

    return call


class Page(HTMLParser):
    """What a page shows: text, pictures by what they show, unclosed and foreign parts."""

    def __init__(self, text):
        super().__init__()
        self.open, self.words, self.pictures, self.links, self.anchors = [], [], {}, [], set()
        self.addresses = re.findall(r"https?://", text)
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.anchors.add(values.get("id"))
        if tag == "img":
            kind, _, data = values["src"].partition(";base64,")
            assert kind in ("data:image/png", "data:image/jpeg")
            data = np.frombuffer(b64decode(data, validate=True), np.uint8)
            self.pictures[values["alt"]] = cv2.imdecode(data, cv2.IMREAD_COLOR)
        if tag == "a":
            self.links.append(values["href"])
        if tag not in ("img", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if data.strip() and self.open[-1] != "style":
            self.words.append(data.strip())

    @property
    def text(self):
        return " | ".join(self.words)


@pytest.fixture
def parse():
    return Page
