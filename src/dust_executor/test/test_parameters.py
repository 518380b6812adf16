from pathlib import Path

import pytest
import yaml

pytest.importorskip("rclpy", reason="needs ROS 2")

from dust_executor.chunk import ChunkRules
from dust_executor.gripper import GripperSettings
from dust_executor.limits import Shares, named
from dust_executor.merge import Merge, MergeSettings, PrefixLate
from dust_executor.parameters import PARAMETERS, settings_from
from dust_executor.planner import PlanSettings
from dust_executor.settings import Settings
from dust_executor.watchdog import WatchdogSettings
from dust_node.errors import UserError
from dust_node.lifecycle import AUTOSTART

YAML = Path(__file__).parents[3] / "config" / "executor.yaml"
ROWS = {row.name: row for row in (AUTOSTART, *PARAMETERS)}


def defaults(**changes):
    return {name: row.default for name, row in ROWS.items()} | changes


def flat(tree, prefix=""):
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def test_yaml_lists_every_parameter_with_its_default():
    content = yaml.safe_load(YAML.read_text(encoding="utf-8"))
    assert dict(flat(content["/**/dust_executor"]["ros__parameters"])) == defaults()


def test_yaml_says_unit_and_range_of_each():
    lines = YAML.read_text(encoding="utf-8").splitlines()
    for name, row in ROWS.items():
        key = f" {name.rsplit('.', 1)[-1]}: "
        comments = [line.partition(" # ")[2] for line in lines if key in line.partition("#")[0]]
        assert any(row.unit in comment for comment in comments), name
        if row.low is not None and row.high is not None:
            span = f"{row.low:g} to {row.high:g}"
            assert any(span in comment for comment in comments), f"{name}: {span}"


def test_defaults_are_those_of_the_core():
    made = settings_from(defaults())
    core = Settings(named("fr3_rectangular"), ChunkRules(made.rules.joint_names))
    for name in ("rules", "shares", "plan", "lead", "merge", "workspace", "watchdog", "gripper"):
        assert getattr(made, name) == getattr(core, name)
    for name in ("overlap", "settle", "start_tolerance"):
        assert getattr(made, name) == getattr(core, name)
    assert (Shares(), PlanSettings()) == (made.shares, made.plan)
    assert (WatchdogSettings(), GripperSettings()) == (made.watchdog, made.gripper)


def test_defaults_pass_their_own_checks():
    for row in PARAMETERS:
        assert row.check(row.default) == row.default


def test_strategies_are_chosen_by_name():
    made = settings_from(defaults(**{"plan.merge": "open_loop", "plan.prefix_late": "blend"}))
    assert made.merge == MergeSettings(merge=Merge.OPEN_LOOP, prefix_late=PrefixLate.BLEND)


def test_custom_limits_come_from_the_lists():
    made = settings_from(defaults(**{"limits.set": "custom", "limits.velocity": [0.5] * 7}))
    assert made.limits.velocity.tolist() == [0.5] * 7
    assert not made.limits.depends_on_position


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"joint_names": []}, "at least one joint"),
        ({"joint_names": ["a"] * 7}, "only once"),
        ({"joint_names": ["a", "b"]}, "for 7 joints, but joint_names has 2"),
        ({"limits.set": "custom", "limits.jerk": [1.0]}, "limit 'jerk' needs 7"),
        ({"plan.transport": 0.1}, "must be less than plan.lead"),
        ({"plan.lead": 0.4}, "must not be more than plan.lead_max"),
        ({"workspace.lower": [0.1]}, "workspace.lower needs 3 numbers"),
        ({"workspace.lower": [0.9, 0.0, 0.0]}, "workspace.lower .x 0.9 m. must be below"),
        ({"plan.tail": 0.9}, "must not be longer than plan.longest_tail"),
    ],
)
def test_values_that_do_not_fit_are_told_in_one_line(changes, words):
    with pytest.raises(UserError, match=words) as caught:
        settings_from(defaults(**changes))
    assert "\n" not in str(caught.value)
