from types import SimpleNamespace

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

from rcl_interfaces.msg import ParameterValue

from dust_doctor import adapters
from dust_doctor.evidence import Controller


def test_controllers_are_read_by_their_fields():
    row = SimpleNamespace(name="arm", state="active", claimed_interfaces=["fr3_joint1/effort"])
    found = adapters.to_controllers(SimpleNamespace(controller=[row]))
    assert found == (Controller("arm", "active", ("fr3_joint1/effort",)),)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"type": 4, "string_value": "/best"}, "/best"),
        ({"type": 3, "double_value": 15.0}, "15"),
        ({"type": 0}, ""),
    ],
)
def test_parameters_become_text(fields, text):
    assert adapters.to_text(ParameterValue(**fields)) == text


def test_nobody_is_waited_for_who_is_not_there(probe):
    wanted = {"no_such_node": ("checkpoint",)}
    assert adapters.ask_parameters(probe.node, probe.executor, wanted) == {}
    assert adapters.ask_controllers(probe.node, probe.executor) is None


def test_an_absent_package_is_none():
    assert adapters._optional("no_such_package.msg", "Anything") is None
    assert adapters._optional("std_msgs.msg", "String") is not None
