"""What the operating system must bring: checks, and installs with apt-get where that is allowed."""

import ctypes
import glob
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap.console import Console, SetupError


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that the system must have: its name, apt packages that bring it, a check."""

    what: str
    packages: tuple[str, ...]
    present: Callable[[], bool]


def parts(rendering: bool) -> list[Part]:
    """Return what the workspace needs from the system; `rendering` adds what MuJoCo draws with."""
    version = f"python3.{sys.version_info[1]}"
    needed = [
        Part("Python's venv module", (f"{version}-venv",), _has_venv),
        Part("Python's C headers", (f"{version}-dev",), _has_headers),
        Part("CMake", ("cmake",), lambda: shutil.which("cmake") is not None),
        Part("a C++ compiler", ("g++",), lambda: shutil.which("g++") is not None),
        Part("make", ("make",), lambda: shutil.which("make") is not None),
    ]
    if rendering:
        needed.append(Part("EGL", ("libegl1", "libegl-mesa0"), lambda: _loads("libEGL.so.1")))
        needed.append(
            Part("OpenGL", ("libopengl0", "libgl1"), lambda: _loads("libOpenGL.so.0", "libGL.so.1"))
        )
        needed.append(Part("an OpenGL driver", ("libgl1-mesa-dri",), _has_driver))
    return needed


def check_architecture() -> None:
    """Raise SetupError where the ROS 2 wheels do not exist."""
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "AMD64"):
        raise SetupError(
            f"the ROS 2 wheels exist for x86-64 Linux only, this is {platform.machine()} "
            f"{platform.system()}: install ROS 2 itself (docs.ros.org), source it and build with "
            "colcon, or use docker/"
        )


def ensure(needed: Sequence[Part], console: Console) -> None:
    """Install what is missing with apt-get.

    Raises:
        SetupError: something is missing that we may not or cannot install; names the command
    """
    missing = [part for part in needed if not part.present()]
    if not missing:
        return
    packages = [package for part in missing for package in part.packages]
    names = ", ".join(part.what for part in missing)
    command = f"apt-get install -y --no-install-recommends {' '.join(packages)}"
    apt_get = _apt_get()
    if apt_get is None:
        raise SetupError(f"the system lacks {names}; run: sudo {command}")
    console.step(f"System packages: {' '.join(packages)}")
    _install(apt_get, packages, console)
    still = [part.what for part in missing if not part.present()]
    if still:
        raise SetupError(f"`{command}` went through, but the system still lacks {', '.join(still)}")


def _install(apt_get: Sequence[str], packages: Sequence[str], console: Console) -> None:
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    console.run([*apt_get, "update"], describe=_shortened, env=env)
    install = [*apt_get, "install", "-y", "--no-install-recommends", *packages]
    console.run(install, describe=_shortened, env=env)


def _apt_get() -> list[str] | None:
    """Return the words that run apt-get with the rights to install, None if there is no way."""
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return ["apt-get"]
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True).returncode == 0:
        return [sudo, "-n", "apt-get"]
    return None


def _shortened(line: str) -> str:
    return line[:100]


def _has_venv() -> bool:
    return all(importlib.util.find_spec(name) is not None for name in ("venv", "ensurepip"))


def _has_headers() -> bool:
    return (Path(sysconfig.get_path("include")) / "Python.h").is_file()


def _loads(*libraries: str) -> bool:
    for library in libraries:
        try:
            ctypes.CDLL(library)
        except OSError:
            continue
        return True
    return False


def _has_driver() -> bool:
    """Whether a software driver of mesa or the driver of a GPU is there."""
    drivers = glob.glob("/usr/lib/*/dri/*swrast_dri.so") + glob.glob("/usr/lib*/dri/*swrast_dri.so")
    return bool(drivers) or Path("/proc/driver/nvidia").is_dir()
