"""docs/faults.md and the tests of the fault table name each other."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs" / "faults.md"
HEADER = "| fault | what the arm does | what you see | how to go on | test |"


def rows():
    """Return the cells of every row of the fault tables."""
    lines = [line for line in DOCS.read_text().splitlines() if line.startswith("| ")]
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if line != HEADER
    ]


def functions(path):
    """Return the names of a module's test functions, with the ids of those that have some."""
    names = set()
    tree = ast.parse(path.read_text())
    ids = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            is_parametrised = any("parametrize" in ast.dump(mark) for mark in node.decorator_list)
            names |= {f"{node.name}[{name}]" for name in ids} if is_parametrised else {node.name}
    return names


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_every_row_is_whole_and_names_a_test_that_exists(row):
    assert len(row) == 5
    assert all(row[:3])
    module, _, function = row[4].strip("`").partition("::")
    path = ROOT / "test" / module
    assert path.is_file()
    assert function in functions(path)


def test_every_test_of_a_fault_is_a_row():
    told = {row[4].strip("`") for row in rows()}
    for path in sorted((ROOT / "test").glob("test_faults_*.py")):
        if path != Path(__file__):
            text = path.read_text()
            for name in re.findall(r"^def (test_\w+)\(", text, re.MULTILINE):
                assert any(row.startswith(f"{path.name}::{name}") for row in told), name
