import re

import pytest

from dust_model.records import from_json, to_json
from dust_model.robot import RobotSpec


def test_the_default_is_the_papers_cell():
    robot = RobotSpec()
    assert robot.views == ("wrist", "side")
    assert robot.primary_index == 1
    assert (robot.state_dim, robot.action_dim, robot.horizon) == (8, 8, 16)
    assert robot.period == pytest.approx(1 / 15)


def test_json_keeps_the_period_exactly():
    robot = RobotSpec()
    assert from_json(RobotSpec, to_json(robot), where="robot") == robot


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"views": ()}, "views must name at least one camera"),
        ({"views": ("a", "a"), "primary_view": "a"}, "views has a name twice: a, a"),
        ({"primary_view": "top"}, "primary_view 'top' is not among the views wrist, side"),
        ({"joint_names": ()}, "joint_names must name at least one joint"),
        ({"horizon": 0}, "horizon must be >= 1, got 0"),
        ({"period": 0.0}, "period must lie in"),
        ({"units": ("rad",)}, "units must name one for each of 8 columns, got 1"),
        ({"embodiment": -1}, "embodiment must be >= 0, got -1"),
    ],
)
def test_names_the_wrong_value(fields, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        RobotSpec(**fields)


def test_units_are_the_joints_and_the_grippers():
    assert RobotSpec().units == (*["rad"] * 7, "opening")
    assert RobotSpec(joint_names=("slide",), units=("m", "opening")).units == ("m", "opening")


def test_a_checkpoint_from_before_units_has_the_default():
    old = {name: value for name, value in to_json(RobotSpec()).items() if name != "units"}
    assert from_json(RobotSpec, old, where="robot") == RobotSpec()


@pytest.mark.parametrize(
    ("fields", "difference"),
    [
        ({"views": ("side", "wrist")}, "views wrist, side instead of side, wrist"),
        ({"primary_view": "wrist"}, "primary_view side instead of wrist"),
        ({"horizon": 8}, "horizon 16 instead of 8"),
        ({"period": 0.05}, "period 0.06666666666666667 instead of 0.05"),
        ({"units": ("deg",) * 8}, f"units {'rad, ' * 7}opening instead of deg{', deg' * 7}"),
    ],
)
def test_differences_are_named(fields, difference):
    assert RobotSpec().differences(RobotSpec(**fields)) == [difference]


def test_joints_differ_in_name_and_order():
    names = RobotSpec().joint_names
    (difference,) = RobotSpec().differences(RobotSpec(joint_names=names[::-1]))
    assert difference.startswith("joint_names fr3_joint1, fr3_joint2, ")


def test_rounding_and_the_slot_are_no_difference():
    assert RobotSpec().differences(RobotSpec(period=0.06666667, embodiment=3)) == []
