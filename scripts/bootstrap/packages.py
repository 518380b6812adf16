"""The venv and what pip puts into it."""

import os
import shutil
import subprocess
import venv
from pathlib import Path

from bootstrap.console import Console, SetupError
from bootstrap.layout import Layout
from bootstrap.stamps import Stamps, fingerprint

PARTS = ("executor", "sim", "model", "train", "demos", "dev")
_FILES = {name: (name,) for name in PARTS} | {"sim": ("sim", "assets")}


def requirement_names(distro: str, parts: tuple[str, ...]) -> list[str]:
    """Return the names of the files in requirements/ for a distribution and the wanted parts."""
    return [distro, "build", *(name for part in parts for name in _FILES[part])]


def ensure_venv(layout: Layout, console: Console) -> None:
    """Create the venv, anew if its interpreter does not start any more."""
    if layout.python.exists() and _answers(layout.python):
        return
    console.step(f"Virtual environment {layout.venv.name}")
    try:
        venv.create(layout.venv, with_pip=True, clear=True, symlinks=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetupError(f"cannot create {layout.venv}: {error}") from error


def ensure_requirements(layout: Layout, name: str, stamps: Stamps, console: Console) -> None:
    """Install requirements/<name>.txt unless that is done."""
    file = layout.root / "requirements" / f"{name}.txt"
    inputs = requirement_fingerprint(layout, name)
    if stamps.done(f"pip {name}", inputs):
        return
    console.step(f"Python packages: {_summary(file)}")
    drop_halves(layout.site_packages())
    console.run(_pip(layout, name, file), describe=_pip_status, env=clean_environment())
    stamps.record(f"pip {name}", inputs)


def drop_halves(site_packages: Path) -> list[str]:
    """Forget packages whose installation was interrupted: pip would take them for installed.

    pip writes RECORD last. Returns the names of the removed metadata folders.
    """
    halves = [path for path in site_packages.glob("*.dist-info") if not (path / "RECORD").exists()]
    for path in halves:
        shutil.rmtree(path)
    return sorted(path.name for path in halves)


def requirement_fingerprint(layout: Layout, name: str) -> str:
    """Return a hash over what decides about an installation."""
    text = (layout.root / "requirements" / f"{name}.txt").read_text()
    return fingerprint(str(layout.python.resolve()), text)


def clean_environment() -> dict[str, str]:
    """Return our environment without what another ROS or another venv has put into it."""
    ours = dict(os.environ)
    for name in ("PYTHONPATH", "PYTHONHOME", "AMENT_PREFIX_PATH", "CMAKE_PREFIX_PATH"):
        ours.pop(name, None)
    for name in ("COLCON_PREFIX_PATH", "LD_LIBRARY_PATH", "_ROS_WHEELS_BOOTSTRAP_COMPLETE"):
        ours.pop(name, None)
    return ours


def _pip(layout: Layout, name: str, file: Path) -> list[str]:
    command = [str(layout.python), "-m", "pip", "install", "--disable-pip-version-check"]
    command += ["--no-input", "--progress-bar", "off", "-r", str(file)]
    if name == "assets":
        command.append("--no-deps")
    index = os.environ.get("TORCH_INDEX")
    if name == "model" and index:
        # The plain registry's torch brings several GB of CUDA; another index has a CPU build.
        command += ["--extra-index-url", index]
    return command


def _answers(python: Path) -> bool:
    asked = subprocess.run(
        [python, "-c", "import pip"], capture_output=True, env=clean_environment()
    )
    return asked.returncode == 0


def _pip_status(line: str) -> str | None:
    words = line.split()
    if line.startswith("Collecting") or line.strip().startswith("Downloading"):
        return " ".join(words)[:90]
    if line.startswith("Installing collected packages"):
        return f"installing {len(words) - 3} packages"
    return None


def _summary(file: Path) -> str:
    lines = [line.split("==")[0] for line in file.read_text().splitlines() if "==" in line]
    return f"{', '.join(lines[:4])}{', ...' if len(lines) > 4 else ''} ({file.stem})"
