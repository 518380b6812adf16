"""The YAML shows what the node declares, and values have to fit each other."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from dust_model.robot import RobotSpec
from dust_node.lifecycle import AUTOSTART
from dust_policy.parameters import PARAMETERS
from dust_policy.settings import Settings

YAML = Path(__file__).parents[3] / "config" / "policy.yaml"
in_repository = pytest.mark.skipif(
    not YAML.exists(), reason="tested outside the repository: no config/ folder"
)


@in_repository
def test_yaml_lists_every_parameter_with_its_default() -> None:
    values = yaml.safe_load(YAML.read_text())["/**/dust_policy"]["ros__parameters"]
    assert flat(values) == {row.name: row.default for row in (AUTOSTART, *PARAMETERS)}


def flat(values: dict[str, Any], group: str = "") -> dict[str, Any]:
    """Return nested values by their dotted names."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= flat(value, f"{name}.") if isinstance(value, dict) else {group + name: value}
    return found


@in_repository
@pytest.mark.parametrize("row", PARAMETERS, ids=lambda row: row.name)
def test_yaml_tells_unit_and_range(row: Any) -> None:
    lines = [line.strip() for line in YAML.read_text().splitlines()]
    name = row.name.rpartition(".")[2]
    comment = next(line for line in lines if line.startswith(f"{name}:")).partition("# ")[2]
    assert comment
    if row.unit:
        assert comment.startswith(f"{row.unit}, ")
    for word in row.choices:
        assert word in comment
    for bound in (row.low, row.high):
        if bound is not None:
            assert f"{bound:.10g}" in comment


def settings(**changes: Any) -> Settings:
    """Make settings from the defaults, a checkpoint and changes."""
    values = {row.name: row.default for row in PARAMETERS} | {"checkpoint": "here"} | changes
    return Settings.from_values(values)


def test_limits_are_in_nanoseconds() -> None:
    limits = settings(feature_timeout=1.5).limits
    assert limits.features_ns == 1_500_000_000
    assert limits.start_ns == 10_000_000_000


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"checkpoint": ""}, "'checkpoint' is empty"),
        ({"vision_steps": 6}, "multiple of action_steps"),
    ],
)
def test_values_that_do_not_fit_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        settings(**changes)


def test_surprise_is_a_group_and_rules_follow_from_the_robot() -> None:
    chosen = settings(**{"surprise.action": "pause", "schedule_surge": 4.0})
    assert chosen.surprise_action == "pause"
    rules = chosen.rules(RobotSpec(horizon=16, period=0.05), reach=6, comfort=4)
    assert (rules.span, rules.interval, rules.surge) == (0.75, 0.05, 4.0)
    assert (rules.reach, rules.comfort) == pytest.approx((0.3, 0.2))


def test_the_robot_is_this_nodes_joints_and_rate() -> None:
    known = RobotSpec()
    assert not known.differences(settings().robot(known))
    other = settings(joint_names=["slide"], action_rate=20.0).robot(known)
    assert (other.joint_names, other.period, other.units) == (("slide",), 0.05, ("rad", "opening"))
    assert other.views == known.views
    with pytest.raises(ValueError, match="joint_names has a name twice"):
        settings(joint_names=["a", "a"]).robot(known)
