"""What a driver's arguments mean without a graph."""

import json
import shutil

import pytest

from dust_eval.bare.settings import LATENCY, BareSettings
from dust_eval.driver import parse_driver


@pytest.fixture
def words(tiny_checkpoint):
    return parse_driver(str(tiny_checkpoint)).words


def test_the_parts_get_what_the_nodes_of_a_graph_would_get(words, tiny_checkpoint):
    settings = BareSettings.from_words(words)
    assert settings.executor["plan.execute_actions"] == 12  # as the launch file says for a policy
    assert settings.policy["checkpoint"] == str(tiny_checkpoint)
    assert settings.perception["views"] == ["wrist", "side"]
    assert settings.cell["camera_rate"] == 15.0
    assert settings.latency == LATENCY.default


def test_arguments_reach_the_part_that_they_are_for(words):
    given = ["vision_steps:=16", "merge:=blend", "latency:=0.25"]
    settings = BareSettings.from_words([*words, *given])
    assert settings.policy["vision_steps"] == 16
    assert settings.executor["plan.merge"] == "blend"
    assert settings.latency == 0.25


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("vison_steps:=16", "unknown argument 'vison_steps'"),
        ("vision_steps:=7000", "vision_steps' is 7000"),
        ("vision_steps:=5", "must be a multiple of action_steps"),
        ("latency:=soon", "latency:=soon"),
        ("latency:=3.0", "allowed: 0 to 2 s"),
        ("continuation:=prefix", "takes a graph"),
        ("schedule:=auto", "measures a graph's time"),
        ("viewer:=on", "viewer:=on takes a graph"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(words, word, message):
    with pytest.raises(ValueError, match=message) as refused:
        BareSettings.from_words([*words, word])
    assert "\n" not in str(refused.value)


def device(section):
    return f"/**/{section}: {{ros__parameters: {{device: cuda:99}}}}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (device("dust_perception"), "device 'cuda:99' can't be used"),
        (device("dust_policy"), "device 'cuda:99' can't be used"),
        (
            "/**/dust_executor: {ros__parameters: {joint_names: [a, a]}}\n",
            "must name at least one joint, each only once",
        ),
        (
            "/**/dust_policy: {ros__parameters: {action_rate: 30.0}}\n",
            "was made for another robot: .*: give another checkpoint",
        ),
    ],
)
def test_parameters_that_cannot_work_are_found_before_a_trial(words, tmp_path, text, message):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ValueError, match=message) as refused:
        BareSettings.from_words([*words, f"params_file:={tmp_path / 'mine.yaml'}"])
    assert "\n" not in str(refused.value)


@pytest.fixture
def broken(tiny_checkpoint, tmp_path):
    """Return a function that changes a file of a checkpoint; it gives the driver's words."""

    def make(name, change):
        folder = shutil.copytree(tiny_checkpoint, tmp_path / "broken")
        (folder / name).write_bytes(change((folder / name).read_bytes()))
        return folder / name, parse_driver(str(folder)).words

    return make


def deeper(content):
    config = json.loads(content)
    config["model"]["head"]["dual_blocks"] += 1
    return json.dumps(config).encode()


def of_another_cell(content):
    return content.replace(b'"side"', b'"front"')


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("head.safetensors", lambda content: b"", "cannot read the weights {}"),
        ("backbone.safetensors", lambda content: content[:-1], "cannot read the weights {}"),
        ("tokenizer.json", lambda content: b"{}", "cannot read the tokenizer {}"),
        ("config.json", of_another_cell, "sees by 'front', but there are wrist, side only"),
        ("config.json", deeper, "head.safetensors does not fit its config.json: missing: "),
    ],
)
def test_broken_weights_are_found_before_a_trial(broken, name, change, message):
    path, words = broken(name, change)
    with pytest.raises(ValueError, match=message.format(path)) as refused:
        BareSettings.from_words(words)
    assert "\n" not in str(refused.value)


def test_the_expert_cannot_drive():
    with pytest.raises(ValueError, match="only a checkpoint can drive"):
        BareSettings.from_words(["policy:=expert"])
