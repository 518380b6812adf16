import re
from pathlib import Path

import pytest

from bootstrap import packages
from bootstrap.console import Console
from bootstrap.layout import DISTROS, Layout
from bootstrap.stamps import Stamps

ROOT = Path(__file__).resolve().parents[2]
TORCH_FREE = ("jazzy", "kilted", "build", "executor", "sim", "assets", "dev")


@pytest.fixture
def layout(tmp_path) -> Layout:
    (tmp_path / "requirements").mkdir()
    for name in ("jazzy", "model", "assets"):
        (tmp_path / "requirements" / f"{name}.txt").write_text(f"{name}==1.0\n")
    (tmp_path / ".venv/lib/python3.11/site-packages").mkdir(parents=True)
    return Layout(tmp_path)


@pytest.fixture
def ran(monkeypatch) -> list[list[str]]:
    """Record the commands instead of running them."""
    commands: list[list[str]] = []
    monkeypatch.setattr(Console, "run", lambda self, command, **_: commands.append(list(command)))
    return commands


def lines(name: str) -> list[str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return [line.split("#")[0].strip() for line in text.splitlines() if line.split("#")[0].strip()]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda p: p.stem
)
def test_every_requirement_is_pinned(path):
    assert [
        line for line in lines(path.stem) if not re.fullmatch(r"[\w\-\[\]]+==[\w.]+", line)
    ] == []


@pytest.mark.parametrize("name", TORCH_FREE)
def test_torch_comes_with_the_model_only(name):
    assert [line for line in lines(name) if line.startswith(("torch", "transformers"))] == []


def test_one_version_of_each_package_in_one_venv():
    for distro in DISTROS:
        names = packages.requirement_names(distro, packages.PARTS)
        pins = {line for name in names for line in lines(name)}
        assert len(pins) == len({pin.split("==")[0] for pin in pins})


def test_the_executor_alone_needs_ros_and_little_else():
    assert packages.requirement_names("jazzy", ("executor",)) == ["jazzy", "build", "executor"]


def test_a_file_is_installed_once(layout, ran):
    stamps = Stamps(layout.stamps)
    packages.ensure_requirements(layout, "jazzy", stamps, Console())
    packages.ensure_requirements(layout, "jazzy", Stamps(layout.stamps), Console())
    assert len(ran) == 1
    (layout.root / "requirements/jazzy.txt").write_text("jazzy==1.1\n")
    packages.ensure_requirements(layout, "jazzy", stamps, Console())
    assert len(ran) == 2


def test_a_failed_installation_is_tried_again(layout, monkeypatch):
    tried = []

    def fail(self, command, **_):
        tried.append(command)
        raise KeyboardInterrupt

    monkeypatch.setattr(Console, "run", fail)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            packages.ensure_requirements(layout, "jazzy", Stamps(layout.stamps), Console())
    assert len(tried) == 2


def test_a_half_installed_package_is_installed_anew(layout):
    site_packages = layout.site_packages()
    for name in ("whole", "half"):
        (site_packages / f"{name}-1.0.dist-info").mkdir()
    (site_packages / "whole-1.0.dist-info/RECORD").touch()
    assert packages.drop_halves(site_packages) == ["half-1.0.dist-info"]
    assert packages.drop_halves(site_packages) == []
    assert (site_packages / "whole-1.0.dist-info").is_dir()


def test_model_files_come_without_their_dependencies(layout, ran):
    packages.ensure_requirements(layout, "assets", Stamps(layout.stamps), Console())
    assert "--no-deps" in ran[0]


def test_the_user_may_name_an_index_for_torch(layout, ran, monkeypatch):
    monkeypatch.setenv("TORCH_INDEX", "https://torch.invalid/cpu")
    packages.ensure_requirements(layout, "model", Stamps(layout.stamps), Console())
    packages.ensure_requirements(layout, "jazzy", Stamps(layout.stamps), Console())
    assert "https://torch.invalid/cpu" in ran[0]
    assert "https://torch.invalid/cpu" not in ran[1]


def test_another_ros_does_not_leak_into_the_venv(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/opt/ros/jazzy")
    monkeypatch.setenv("AMENT_PREFIX_PATH", "/opt/ros/jazzy")
    assert "/opt/ros/jazzy" not in packages.clean_environment().values()


def test_each_release_has_its_own_venv_and_build(tmp_path):
    jazzy, kilted = Layout(tmp_path), Layout(tmp_path, "kilted")
    assert jazzy.venv == tmp_path / ".venv"
    assert kilted.venv == tmp_path / ".venv-kilted"
    assert jazzy.products != kilted.products
