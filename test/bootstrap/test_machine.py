import pytest

from bootstrap import machine
from bootstrap.console import Console, SetupError
from bootstrap.machine import Part


@pytest.fixture
def apt(monkeypatch):
    """Record what apt-get is asked for, and pretend that it works."""
    asked: list[list[str]] = []
    monkeypatch.setattr(machine, "_apt_get", lambda: ["apt-get"])
    monkeypatch.setattr(Console, "run", lambda self, command, **_: asked.append(list(command)))
    return asked


def test_nothing_is_asked_for_if_all_is_there(apt):
    machine.ensure([Part("CMake", ("cmake",), lambda: True)], Console())
    assert apt == []


def test_only_what_is_missing_is_installed(apt):
    present = iter([False, True])  # before and after
    parts = [
        Part("CMake", ("cmake",), lambda: True),
        Part("EGL", ("libegl1", "libegl-mesa0"), lambda: next(present)),
    ]
    machine.ensure(parts, Console())
    assert apt[0] == ["apt-get", "update"]
    assert apt[1][-2:] == ["libegl1", "libegl-mesa0"]


def test_what_stays_missing_is_told(apt):
    with pytest.raises(SetupError, match="still lacks CMake"):
        machine.ensure([Part("CMake", ("cmake",), lambda: False)], Console())


def test_without_rights_the_command_is_named(monkeypatch):
    monkeypatch.setattr(machine, "_apt_get", lambda: None)
    with pytest.raises(
        SetupError, match=r"lacks CMake; run: sudo apt-get install .* cmake"
    ) as told:
        machine.ensure([Part("CMake", ("cmake",), lambda: False)], Console())
    assert "\n" not in str(told.value)


def test_rendering_parts_are_left_out_without_the_simulation():
    names = {part.what for part in machine.parts(rendering=False)}
    assert "EGL" not in names
    assert "EGL" in {part.what for part in machine.parts(rendering=True)}


def test_another_architecture_is_told_in_one_line(monkeypatch):
    monkeypatch.setattr(machine.platform, "machine", lambda: "aarch64")
    with pytest.raises(SetupError, match="x86-64 Linux only, this is aarch64"):
        machine.check_architecture()
