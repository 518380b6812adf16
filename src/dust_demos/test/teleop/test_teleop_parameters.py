"""config/teleop*.yaml: every parameter with its default, and files for devices that can be read."""

from pathlib import Path

import pytest
import yaml

from dust_demos.teleop.parameters import PARAMETERS
from dust_demos.teleop.settings import driver_from, grid_from, layout_from
from dust_node.lifecycle import AUTOSTART

CONFIG = Path(__file__).parents[4] / "config"
DEFAULTS = {row.name: row.default for row in PARAMETERS}
DEVICES = sorted(CONFIG.glob("teleop_*.yaml"))


def flat(values, above=""):
    for name, value in values.items():
        if isinstance(value, dict):
            yield from flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def read(path):
    return dict(flat(yaml.safe_load(path.read_text())["/**/dust_teleop"]["ros__parameters"]))


def test_the_file_lists_every_parameter_with_its_default():
    assert read(CONFIG / "teleop.yaml") == {AUTOSTART.name: AUTOSTART.default, **DEFAULTS}


@pytest.mark.parametrize("row", PARAMETERS, ids=lambda row: row.name)
def test_every_default_is_allowed_and_described(row):
    assert row.check(row.default) == row.default
    assert row.description.endswith((".", ")."))


@pytest.mark.parametrize("path", DEVICES, ids=lambda path: path.stem)
def test_a_devices_file_changes_what_exists_and_can_be_used(path):
    changes = read(path)
    rows = {row.name: row for row in PARAMETERS}
    values = DEFAULTS | {name: rows[name].check(value) for name, value in changes.items()}
    layout_from(values)
    driver_from(values)
    grid_from(values)


def test_there_is_a_file_for_every_device_of_the_graph():
    graph = yaml.safe_load((CONFIG / "cell.yaml").read_text())
    choices = set(graph["arguments"]["teleop"]["choices"]) - {"off", "joy"}
    assert choices == {path.stem.removeprefix("teleop_") for path in DEVICES}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"limits.lower": [0.0]}, "parameter 'limits.lower' has 1 entries; it needs 7"),
        ({"limits.upper": [-2.5] * 7}, "leave no room for fr3_joint1"),
        ({"jog.box_lower": [0.9, 0.0, 0.0]}, "is empty"),
        ({"joint_names": ["j1"]}, "parameter 'joint_names' has 1 entries"),
    ],
)
def test_values_that_do_not_fit_are_told(change, said):
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        driver_from(DEFAULTS | change)
