"""Tests of dust_node.parameters: types, ranges, choices, unknown names."""

import pytest
import rclpy
from hypothesis import given
from hypothesis import strategies as st
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter

from dust_node.errors import UserError
from dust_node.parameters import Parameter, declare

RATE = Parameter("rate", 15.0, "How often.", "Hz", 1, 100, read_only=False)
STEPS = Parameter("steps", 4, "How many.", low=1, high=64)
MODE = Parameter("mode", "soft", "How.", choices=("soft", "hard"))
VIEWS = Parameter("views", ["wrist"], "Which.")


@pytest.fixture
def make_node(ros_domain):
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=ros_domain)
    nodes = []

    def make(**overrides):
        parameters = [RosParameter(name, value=value) for name, value in overrides.items()]
        nodes.append(Node("probe", context=context, parameter_overrides=parameters))
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()
    rclpy.shutdown(context=context)


def test_an_integer_becomes_the_declared_float():
    value = RATE.check(20)
    assert value == 20.0
    assert isinstance(value, float)


@pytest.mark.parametrize(
    ("row", "value", "words"),
    [
        (RATE, 200.0, "allowed: 1 to 100 Hz"),
        (RATE, float("nan"), "allowed: 1 to 100 Hz"),
        (RATE, "fast", "must be of type float"),
        (RATE, True, "must be of type float"),
        (STEPS, 4.5, "must be of type int"),
        (STEPS, 0, "allowed: 1 to 64"),
        (MODE, "softt", "allowed: soft, hard"),
        (VIEWS, "wrist", "must be a list"),
        (VIEWS, [1], "must be of type str"),
    ],
)
def test_a_wrong_value_is_refused_with_the_range(row, value, words):
    with pytest.raises(UserError, match=words) as caught:
        row.check(value)
    assert row.name in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_what_passes_is_in_range(value):
    try:
        checked = RATE.check(value)
    except UserError:
        assert not 1 <= value <= 100
    else:
        assert 1 <= checked <= 100


def test_declared_values_and_descriptor(make_node):
    node = make_node(rate=30)
    values = declare(node, (RATE, STEPS, MODE, VIEWS))
    assert values == {"rate": 30.0, "steps": 4, "mode": "soft", "views": ["wrist"]}
    assert node.get_parameter("rate").value == 30.0
    descriptor = node.describe_parameter("rate")
    assert descriptor.description == "How often. [1 to 100 Hz]"
    assert descriptor.floating_point_range[0].to_value == 100.0
    assert node.describe_parameter("steps").read_only


def test_an_unknown_name_is_refused_with_a_hint(make_node):
    with pytest.raises(UserError, match="no parameter 'stesp'; did you mean 'steps'"):
        declare(make_node(stesp=3), (RATE, STEPS))


def test_a_change_while_running_is_checked(make_node):
    node = make_node()
    values = declare(node, (RATE, STEPS))
    assert node.set_parameters([RosParameter("rate", value=50.0)])[0].successful
    assert values["rate"] == 50.0
    refused = node.set_parameters([RosParameter("rate", value=500.0)])[0]
    assert not refused.successful
    assert values["rate"] == 50.0
    assert not node.set_parameters([RosParameter("steps", value=8)])[0].successful
    assert values["steps"] == 4
