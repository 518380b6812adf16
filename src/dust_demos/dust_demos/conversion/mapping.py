"""What stands where in a bag: topics, joints, units. Our own by default, others' by a YAML file.

config/mapping_dust.yaml shows every key with its meaning, config/mapping_other.yaml a bag of
another stack.
"""

from __future__ import annotations

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path

from dust_demos.conversion.section import Section

JOINTS = tuple(f"fr3_joint{number}" for number in range(1, 8))
FINGERS = ("fr3_finger_joint1", "fr3_finger_joint2")
WIDTH = 0.08
"""Both fingers' positions together when the Franka hand is open, m."""


class Unit(StrEnum):
    """Unit of joint positions in the bag."""

    RAD = "rad"
    DEG = "deg"


class InstructionFrom(StrEnum):
    """Where the task in words comes from."""

    EPISODE = "episode"
    """The messages that mark START and END, or else the recorder's facts."""
    TOPIC = "topic"
    """A std_msgs/String topic: the last one at or before the start, else the first."""
    METADATA = "metadata"
    """A key of custom_data in the bag's metadata.yaml."""
    TEXT = "text"
    """The mapping file itself; the same for every bag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmSource:
    """Where the arm's joint positions come from.

    Attributes:
        topic: name of the topic.
        joints: names in the messages, in the dataset's order.
        columns: places in messages that carry no names, in the dataset's order.
        unit: unit of the positions.
    """

    topic: str
    joints: tuple[str, ...] = JOINTS
    columns: tuple[int, ...] = tuple(range(7))
    unit: Unit = Unit.RAD


@dataclass(frozen=True, slots=True, kw_only=True)
class GripperSource:
    """Where the gripper's opening comes from: values that add up, and their sum's range.

    Attributes:
        topic: name of the topic.
        joints: names in the messages.
        columns: places in messages that carry no names.
        closed: the sum when the gripper is closed.
        open: the sum when it is open; may be less than `closed`.
    """

    topic: str
    joints: tuple[str, ...] = FINGERS
    columns: tuple[int, ...] = (0,)
    closed: float = 0.0
    open: float = WIDTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The columns of a state or of an action; without a gripper there is no column of it."""

    arm: ArmSource
    gripper: GripperSource | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """Where the task in words comes from: the source, and its topic, key or text."""

    source: InstructionFrom = InstructionFrom.EPISODE
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """Limits beyond which an episode is left out. The first three are the perception node's.

    Attributes:
        max_age: oldest image in a row, s.
        max_skew: longest time between the images of a row, s.
        max_ahead: how much later than its row an image may be stamped, s. No more than 0.4
            periods of the camera are allowed whatever this says.
        max_gap: longest silence of states and of actions that come at a rate, and longest wait
            for a topic after the start and before the end, s.
        max_clock_step: furthest that stamps may step back, or ahead of the recorder's clock, s.
        min_length: shortest episode, s.
    """

    max_age: float = 0.25
    max_skew: float = 0.08
    max_ahead: float = 0.02
    max_gap: float = 0.2
    max_clock_step: float = 0.1
    min_length: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """What stands where in a bag.

    Attributes:
        robot: type of the robot, for the dataset's info.json.
        namespace: what stands before relative topic names.
        joints: names of the arm's columns in the dataset.
        views: camera name -> image topic, raw or compressed, with or without "/compressed".
        state: what was measured.
        action: what was commanded.
        episode_topic: topic of dust_msgs/Episode with START and END; None makes every bag one
            episode, whose outcome nobody asks for.
        instruction: the task in words.
        gates: limits.
    """

    robot: str = "fr3"
    namespace: str = "/"
    joints: tuple[str, ...] = JOINTS
    views: Dictionary[str, str] = field(
        default_factory=lambda: {
            name: f"zed_{name}/zed_node/rgb/color/rect/image" for name in ("wrist", "side")
        }
    )
    state: Side = Side(
        arm=ArmSource(topic="joint_states"), gripper=GripperSource(topic="joint_states")
    )
    action: Side = Side(
        arm=ArmSource(topic="executor_state"),
        gripper=GripperSource(topic="executor_state", open=1.0),
    )
    episode_topic: str | None = "episode"
    instruction: Instruction = Instruction()
    gates: Gates = Gates()

    @classmethod
    def load(cls, path: str | Path) -> Mapping:
        """Read a mapping file.

        Raises:
            ValueError: the file or a value in it is wrong; one line with file and key.
        """
        return _mapping(Section.load(Path(path)))

    def resolve(self, topic: str) -> str:
        """Return a topic's full name: relative names lie in the namespace."""
        if topic.startswith("/"):
            return topic
        return "/" + "/".join(part for part in (self.namespace.strip("/"), topic) if part)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of a state and of an action."""
        return (*self.joints, "gripper") if self.has_gripper else self.joints

    @property
    def has_gripper(self) -> bool:
        """Whether there is a column for the gripper, the last."""
        return self.state.gripper is not None


def _mapping(root: Section) -> Mapping:
    joints = root.names("joints", JOINTS)
    sides = {kind: _side(root, kind, joints) for kind in ("state", "action")}
    if (sides["state"].gripper is None) != (sides["action"].gripper is None):
        raise ValueError(f"{root.where('action.gripper')}: state and action must both have one")
    mapping = Mapping(
        robot=root.text("robot", "fr3"),
        namespace=root.text("namespace", "/"),
        joints=joints,
        views=_views(root.section("views")),
        state=sides["state"],
        action=sides["action"],
        episode_topic=_episode_topic(root),
        instruction=_instruction(root),
        gates=_gates(root),
    )
    root.close()
    return mapping


def _views(part: Section) -> dict[str, str]:
    views = {name: part.text(name) for name in part.keys()}  # noqa: SIM118  not a dict
    if not views:
        raise ValueError(f"{part.place} must name at least one camera")
    for name in views:
        if not name.isidentifier():
            raise ValueError(f"{part.where(name)}: a camera's name must be letters, digits and _")
    cameras: dict[str, str] = {}
    for name, topic in views.items():
        other = cameras.setdefault(topic.removesuffix("/compressed"), name)
        if other != name:
            raise ValueError(f"{part.where(name)} is the topic of {other}, too")
    return views


def _side(root: Section, kind: str, joints: tuple[str, ...]) -> Side:
    part = root.section(kind)
    arm, gripper = part.section("arm"), part.optional("gripper")
    side = Side(arm=_arm(arm, joints), gripper=_gripper(gripper) if gripper else None)
    part.close()
    return side


def _arm(part: Section, joints: tuple[str, ...]) -> ArmSource:
    source = ArmSource(
        topic=part.text("topic"),
        joints=part.names("joints", joints),
        columns=part.columns("columns", tuple(range(len(joints)))),
        unit=Unit(part.choice("unit", list(Unit), Unit.RAD)),
    )
    for key in ("joints", "columns"):
        count = len(getattr(source, key))
        if count != len(joints):
            raise ValueError(f"{part.where(key)} has {count} entries, the robot {len(joints)}")
    part.close()
    return source


def _gripper(part: Section) -> GripperSource:
    source = GripperSource(
        topic=part.text("topic"),
        joints=part.names("joints", FINGERS),
        columns=part.columns("columns", (0,)),
        closed=part.number("closed", 0.0),
        open=part.number("open"),
    )
    if source.open == source.closed:
        raise ValueError(f"{part.where('open')} equals closed, {source.closed:g}")
    part.close()
    return source


def _episode_topic(root: Section) -> str | None:
    part = root.optional("episodes")
    if part is None:
        return "episode"
    source = part.choice("from", ("topic", "bag"), "topic")
    topic = part.text("topic", "episode") if source == "topic" else None
    part.close()
    return topic


def _instruction(root: Section) -> Instruction:
    part = root.optional("instruction")
    if part is None:
        return Instruction()
    source = InstructionFrom(part.choice("from", list(InstructionFrom), InstructionFrom.EPISODE))
    key = "key" if source is InstructionFrom.METADATA else source.value
    value = "" if source is InstructionFrom.EPISODE else part.text(key)
    part.close()
    return Instruction(source=source, value=value)


def _gates(root: Section) -> Gates:
    part = root.optional("gates")
    if part is None:
        return Gates()
    names = [entry.name for entry in fields(Gates)]
    gates = Gates(**{name: part.number(name, getattr(Gates(), name), low=0.0) for name in names})
    part.close()
    return gates
