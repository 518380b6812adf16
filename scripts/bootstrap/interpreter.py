"""The choice of a Python. Written for any Python 3: it runs before a supported one is found."""

from __future__ import annotations

import shutil
import subprocess

OLDEST, NEWEST = (3, 11), (3, 13)
REMEDY = (
    "DUST needs Python 3.11, 3.12 or 3.13 (the ROS 2 wheels exist for these) and found none; "
    "on Debian or Ubuntu: sudo apt-get install python3.12 python3.12-venv python3.12-dev"
)


def supported(version: tuple[int, ...]) -> bool:
    """Whether a (major, minor) version is one that the ROS 2 wheels and our packages run on."""
    return OLDEST <= tuple(version[:2]) <= NEWEST


def find() -> str | None:
    """Return the path of the newest supported `python3.X` on the PATH, None if there is none."""
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        path = shutil.which(f"python3.{minor}")
        if path and _runs(path):
            return path
    return None


def _runs(path: str) -> bool:
    """Whether it starts: version managers put stand-ins on the PATH that do not."""
    try:
        return subprocess.run([path, "-c", ""], capture_output=True).returncode == 0
    except OSError:
        return False
