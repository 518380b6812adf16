"""The colcon build: messages compiled, Python packages linked into install/."""

import os
from collections.abc import Iterator
from pathlib import Path

from bootstrap.console import Console
from bootstrap.layout import Layout
from bootstrap.packages import clean_environment
from bootstrap.stamps import Stamps, fingerprint

_READ = {"package.xml", "setup.py", "setup.cfg", "CMakeLists.txt", "colcon.meta"}
_INTERFACES = {".msg", ".srv", ".action"}
_LISTED = ("config", "launch", "models")


def ensure_built(layout: Layout, stamps: Stamps, console: Console) -> None:
    """Build when something changed that the links into src/ do not carry over by themselves."""
    inputs = build_fingerprint(layout)
    if stamps.done("build", inputs) and (layout.products / "install").is_dir():
        return
    console.step("Workspace: colcon build")
    console.run(_command(layout), describe=BuildStatus(), env=_environment(layout))
    _write_path_file(layout)
    stamps.record("build", inputs)


def build_fingerprint(layout: Layout) -> str:
    """Return a hash over everything that makes a new build necessary.

    Python modules are not among it: install/ links to src/, so an edited module is used at once.
    """
    listed = sorted(str(path.relative_to(layout.root)) for path in _listed(layout.root))
    read = sorted(_read(layout.root))
    return fingerprint(str(layout.python.resolve()), *listed, files=read)


def _read(root: Path) -> Iterator[Path]:
    yield from (root / name for name in _READ if (root / name).is_file())
    for folder in _packages(root):
        yield from (folder / name for name in _READ if (folder / name).is_file())
        yield from (path for path in folder.glob("*/*") if path.suffix in _INTERFACES)


def _listed(root: Path) -> Iterator[Path]:
    for name in _LISTED:
        yield from (path for path in (root / name).rglob("*") if path.is_file())
    for folder in _packages(root):
        yield from (path for path in folder.iterdir() if path.is_dir())


def _packages(root: Path) -> list[Path]:
    return sorted(path.parent for path in (root / "src").glob("*/package.xml"))


def _command(layout: Layout) -> list[str]:
    base = layout.products
    return [
        *(str(layout.python), "-m", "colcon", "--log-base", str(base / "log"), "build"),
        *("--build-base", str(base / "build"), "--install-base", str(base / "install")),
        *("--symlink-install", "--cmake-args", "-DBUILD_TESTING=OFF"),
        f"-DPython3_EXECUTABLE={layout.python}",
    ]


def _environment(layout: Layout) -> dict[str, str]:
    env = clean_environment()
    env["PATH"] = os.pathsep.join([str(layout.python.parent), env.get("PATH", os.defpath)])
    env["AMENT_PREFIX_PATH"] = env["CMAKE_PREFIX_PATH"] = str(layout.venv)
    # setuptools warns about every package that colcon installs in development mode
    env["PYTHONWARNINGS"] = "ignore"
    return env


class BuildStatus:
    """Makes a status text of colcon's output: what is through, what is being built."""

    def __init__(self) -> None:
        self._running: list[str] = []
        self._finished = 0

    def __call__(self, line: str) -> str | None:
        """Return the text after a line, None if the line changes nothing."""
        words = line.split()
        if line.startswith("Starting >>>"):
            self._running.append(words[2])
        elif line.startswith(("Finished <<<", "Failed   <<<")) and words[2] in self._running:
            self._running.remove(words[2])
            self._finished += 1
        else:
            return None
        return f"{self._finished} packages built, now {', '.join(self._running) or 'linking'}"


def _write_path_file(layout: Layout) -> None:
    """Let the venv's Python import our packages without any environment variable."""
    linked = [folder.name for folder in _packages(layout.root) if (folder / "setup.py").is_file()]
    develop = [str(layout.products / "build" / name) for name in linked]
    built = (layout.products / "install").glob("*/lib/python3.*/site-packages")
    paths = [*develop, *sorted(str(path) for path in built)]
    (layout.site_packages() / "dust.pth").write_text("\n".join(paths) + "\n")
