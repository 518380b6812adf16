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
    ],
)
def test_names_the_wrong_value(fields, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        RobotSpec(**fields)
