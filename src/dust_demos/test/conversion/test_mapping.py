from pathlib import Path

import pytest
import yaml

from dust_demos.conversion.mapping import InstructionFrom, Mapping, Unit
from dust_model.robot import RobotSpec

CONFIG = Path(__file__).resolve().parents[4] / "config"
MINIMAL = {
    "views": {"wrist": "/w", "side": "/s"},
    "state": {"arm": {"topic": "js"}, "gripper": {"topic": "js", "open": 0.08}},
    "action": {"arm": {"topic": "cmd"}, "gripper": {"topic": "grip", "open": 1.0}},
}


@pytest.fixture
def load(tmp_path):
    def read(**changes):
        path = tmp_path / "m.yaml"
        path.write_text(yaml.safe_dump({**MINIMAL, **changes}))
        return Mapping.load(path)

    return read


def test_our_file_says_what_the_default_is():
    assert Mapping.load(CONFIG / "mapping_dust.yaml") == Mapping()


def test_the_default_fits_the_robot_of_our_checkpoints():
    robot, mapping = RobotSpec(), Mapping()
    assert tuple(mapping.views) == robot.views
    assert mapping.joints == robot.joint_names
    assert len(mapping.columns) == robot.state_dim


def test_the_example_of_another_stack():
    mapping = Mapping.load(CONFIG / "mapping_other.yaml")
    assert mapping.columns == (*mapping.joints, "gripper")
    assert len(mapping.joints) == 6
    assert mapping.episode_topic is None
    assert mapping.instruction.source is InstructionFrom.TEXT
    assert mapping.state.gripper.closed > mapping.state.gripper.open


def test_relative_topics_lie_in_the_namespace(load):
    mapping = load(namespace="/cell/")
    assert mapping.resolve("joint_states") == "/cell/joint_states"
    assert mapping.resolve("/joint_states") == "/joint_states"
    assert Mapping().resolve("joint_states") == "/joint_states"


def test_what_is_left_out_has_its_default(load):
    mapping = load()
    assert mapping.gates == Mapping().gates
    assert mapping.state.arm.unit is Unit.RAD
    assert mapping.episode_topic == "episode"


def test_a_robot_without_a_gripper(load):
    mapping = load(state={"arm": {"topic": "js"}}, action={"arm": {"topic": "cmd"}})
    assert mapping.columns == mapping.joints


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"robbot": "x"}, r"m.yaml: robbot: unknown key; known here: .*robot"),
        ({"views": {}}, r"m.yaml: views must name at least one camera"),
        ({"views": {"a b": "/x"}}, r"views.a b: a camera's name must be"),
        ({"views": {"a": "/x", "b": "/x/compressed"}}, r"views.b is the topic of a, too"),
        ({"state": {"gripper": {}}}, r"m.yaml: state.arm is missing"),
        ({"state": {"arm": {"topic": "x"}}}, r"action.gripper: state and action must both"),
        ({"joints": ["a", "a"]}, r"m.yaml: joints has an entry twice"),
        (
            {"action": {"arm": {"topic": "x", "joints": ["a"]}}},
            r"m.yaml: action.arm.joints has 1 entries, the robot 7",
        ),
        (
            {"action": {"arm": {"topic": "x", "unit": "grad"}}},
            r"m.yaml: action.arm.unit must be rad or deg, got 'grad'",
        ),
        (
            {"state": {"arm": {"topic": "x"}, "gripper": {"topic": "x", "open": 0}}},
            r"m.yaml: state.gripper.open equals closed, 0",
        ),
        ({"instruction": {"from": "text"}}, r"m.yaml: instruction.text is missing"),
        ({"instruction": {"from": "moon"}}, r"m.yaml: instruction.from must be episode or topic"),
        ({"episodes": {"from": "x"}}, r"m.yaml: episodes.from must be topic or bag"),
        ({"gates": {"max_age": -1}}, r"m.yaml: gates.max_age must be at least 0"),
        ({"gates": {"max_agee": 1}}, r"m.yaml: gates.max_agee: unknown key"),
    ],
)
def test_mistakes_are_named_with_file_and_key(load, changes, complaint):
    with pytest.raises(ValueError, match=complaint) as caught:
        load(**changes)
    assert "\n" not in str(caught.value)
