"""The YAML files show what the nodes declare."""

from pathlib import Path

import pytest
import yaml

from dust_node.lifecycle import AUTOSTART
from dust_view.parameters import PARAMETERS
from dust_view.rehearsal.parameters import PARAMETERS as REHEARSAL

CONFIG = Path(__file__).parents[3] / "config"
in_repository = pytest.mark.skipif(
    not CONFIG.exists(), reason="tested outside the repository: no config/ folder"
)
FILES = (
    ("view.yaml", "dust_view", (AUTOSTART, *PARAMETERS)),
    ("rehearsal.yaml", "dust_rehearse", REHEARSAL),
)


@in_repository
@pytest.mark.parametrize(("file", "node", "rows"), FILES, ids=lambda value: str(value)[:9])
def test_yaml_lists_every_parameter_with_its_default(file, node, rows) -> None:
    values = yaml.safe_load((CONFIG / file).read_text())[f"/**/{node}"]["ros__parameters"]
    assert values == {row.name: row.default for row in rows}


@in_repository
@pytest.mark.parametrize(("file", "node", "rows"), FILES, ids=lambda value: str(value)[:9])
def test_yaml_tells_units_and_ranges(file, node, rows) -> None:
    lines = [line.strip() for line in (CONFIG / file).read_text().splitlines()]
    for row in rows:
        comment = next(line for line in lines if line.startswith(f"{row.name}:")).partition("# ")[2]
        assert comment
        assert not row.unit or comment.startswith(f"{row.unit}, ")
        for bound in (row.low, row.high):
            assert bound is None or f"{bound:g}" in comment
