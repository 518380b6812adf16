"""The YAML shows what the node declares."""

from pathlib import Path

import pytest
import yaml

from dust_demos.recording.parameters import PARAMETERS
from dust_node.lifecycle import AUTOSTART

YAML = Path(__file__).parents[4] / "config" / "recorder.yaml"


@pytest.mark.skipif(not YAML.exists(), reason="tested outside the repository: no config/ folder")
def test_yaml_lists_every_parameter_with_its_default() -> None:
    values = yaml.safe_load(YAML.read_text())["/**/dust_recorder"]["ros__parameters"]
    assert values == {row.name: row.default for row in (AUTOSTART, *PARAMETERS)}


@pytest.mark.skipif(not YAML.exists(), reason="tested outside the repository: no config/ folder")
@pytest.mark.parametrize("row", PARAMETERS, ids=lambda row: row.name)
def test_yaml_tells_unit_and_range(row) -> None:
    line = next(
        line for line in YAML.read_text().splitlines() if line.strip().startswith(f"{row.name}:")
    )
    comment = line.partition("# ")[2]
    assert comment
    if row.unit:
        assert comment.startswith(f"{row.unit}, ")
    for word in row.choices:
        assert word in comment
    for bound in (row.low, row.high):
        if bound is not None:
            assert f"{bound:g}" in comment
