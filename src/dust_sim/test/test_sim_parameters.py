"""config/sim.yaml and config/expert.yaml list every parameter with its default."""

from pathlib import Path

import pytest
import yaml

from dust_node.lifecycle import AUTOSTART
from dust_sim.parameters import CELL_PARAMETERS, EXPERT_PARAMETERS

CONFIG = Path(__file__).parents[3] / "config"


@pytest.mark.parametrize(
    ("file", "node", "rows"),
    [("sim.yaml", "dust_sim", CELL_PARAMETERS), ("expert.yaml", "dust_expert", EXPERT_PARAMETERS)],
)
def test_the_file_lists_every_parameter_with_its_default(file, node, rows):
    listed = yaml.safe_load((CONFIG / file).read_text())[f"/**/{node}"]["ros__parameters"]
    assert listed == {row.name: row.default for row in (AUTOSTART, *rows)}


@pytest.mark.parametrize("row", CELL_PARAMETERS + EXPERT_PARAMETERS, ids=lambda row: row.name)
def test_every_default_is_allowed_and_described(row):
    assert row.check(row.default) == row.default
    assert row.description.endswith((".", ")."))
