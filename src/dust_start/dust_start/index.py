"""Looks up packages in the ament index, without importing ROS."""

import os
from collections.abc import Mapping
from pathlib import Path

_MARKERS = Path("share/ament_index/resource_index/packages")


def prefix_of(package: str, environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the install prefix of a package, None if AMENT_PREFIX_PATH has no such package."""
    for prefix in environment.get("AMENT_PREFIX_PATH", "").split(os.pathsep):
        if prefix and (Path(prefix) / _MARKERS / package).is_file():
            return Path(prefix)
    return None


def share_of(package: str, environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the share folder of a package, None if it is not installed."""
    prefix = prefix_of(package, environment)
    return None if prefix is None else prefix / "share" / package


def executable_of(
    package: str, executable: str, environment: Mapping[str, str] = os.environ
) -> Path | None:
    """Return the path of a package's executable, None if there is none."""
    prefix = prefix_of(package, environment)
    path = prefix / "lib" / package / executable if prefix else None
    return path if path and os.access(path, os.X_OK) else None
