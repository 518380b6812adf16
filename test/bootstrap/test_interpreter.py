import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap import interpreter

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("version", "good"),
    [((3, 10), False), ((3, 11), True), ((3, 13), True), ((3, 14), False), ((2, 7), False)],
)
def test_only_pythons_with_ros_wheels_are_supported(version, good):
    assert interpreter.supported(version) is good


def test_the_newest_supported_one_that_runs_is_found(tmp_path, monkeypatch):
    for name, code in (("3.11", 0), ("3.12", 0), ("3.13", 127), ("3.14", 0)):
        (tmp_path / f"python{name}").write_text(f"#!/bin/sh\nexit {code}\n")
        (tmp_path / f"python{name}").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert interpreter.find() == str(tmp_path / "python3.12")


def test_without_one_the_remedy_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert interpreter.find() is None
    assert "\n" not in interpreter.REMEDY


def test_the_entry_point_shows_its_options():
    shown = subprocess.run(
        [sys.executable, ROOT / "scripts/setup.py", "--help"], capture_output=True, text=True
    )
    assert shown.returncode == 0
    assert "--distro {jazzy,kilted}" in shown.stdout
