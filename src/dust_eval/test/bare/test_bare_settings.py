"""What a driver's arguments mean without a graph."""

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
        ("latency:=soon", "latency:=soon"),
        ("latency:=3.0", "allowed: 0 to 2 s"),
        ("continuation:=prefix", "takes a graph"),
        ("schedule:=auto", "measures a graph's time"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(words, word, message):
    with pytest.raises(ValueError, match=message) as refused:
        BareSettings.from_words([*words, word])
    assert "\n" not in str(refused.value)


def test_the_expert_cannot_drive():
    with pytest.raises(ValueError, match="only a checkpoint can drive"):
        BareSettings.from_words(["policy:=expert"])
