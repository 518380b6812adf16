from pathlib import Path

import pytest

from bootstrap.layout import Layout
from bootstrap.workspace import BuildStatus, build_fingerprint


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    for folder in ("src/msgs/msg", "src/node/node", "config"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "src/msgs/package.xml").write_text("<package/>")
    (tmp_path / "src/msgs/msg/A.msg").write_text("bool a")
    (tmp_path / "src/node/package.xml").write_text("<package/>")
    (tmp_path / "src/node/setup.py").write_text("")
    (tmp_path / "src/node/node/core.py").write_text("")
    (tmp_path / "config/node.yaml").write_text("a: 1")
    return Layout(tmp_path)


@pytest.mark.parametrize(
    "path", ["src/msgs/msg/A.msg", "src/node/setup.py", "src/node/package.xml"]
)
def test_what_is_compiled_or_installed_makes_a_build_necessary(layout, path):
    before = build_fingerprint(layout)
    (layout.root / path).write_text("changed")
    assert build_fingerprint(layout) != before


@pytest.mark.parametrize("path", ["src/node/node/core.py", "config/node.yaml"])
def test_what_is_linked_does_not(layout, path):
    before = build_fingerprint(layout)
    (layout.root / path).write_text("changed")
    assert build_fingerprint(layout) == before


@pytest.mark.parametrize("path", ["config/new.yaml", "src/msgs/msg/B.msg"])
def test_a_new_file_does(layout, path):
    before = build_fingerprint(layout)
    (layout.root / path).write_text("")
    assert build_fingerprint(layout) != before


def test_the_status_says_what_is_being_built():
    status = BuildStatus()
    assert status("Starting >>> dust_msgs") == "0 packages built, now dust_msgs"
    assert status("some output") is None
    assert status("Starting >>> dust_start") == "0 packages built, now dust_msgs, dust_start"
    assert status("Finished <<< dust_msgs [10.0s]") == "1 packages built, now dust_start"
