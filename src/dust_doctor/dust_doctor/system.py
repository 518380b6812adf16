"""This machine as the checks see it: files, commands, environment. Tests put another in its place.

Nothing here raises for what is not there: an absent file is an empty text, an absent command None.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

Runner = Callable[[Sequence[str]], str | None]
"""Runs a command; returns its stdout, None where it is absent, fails or hangs."""

_COMMAND_TIMEOUT = 5.0  # s


def run_command(command: Sequence[str]) -> str | None:
    """Run a command; see Runner."""
    try:
        done = subprocess.run(
            list(command), capture_output=True, text=True, timeout=_COMMAND_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


class System:
    """Where evidence about the machine comes from.

    Args:
        root: The root of its file system.
        environment: Its environment variables.
        run: Runs its commands.
    """

    def __init__(
        self,
        root: Path = Path("/"),
        *,
        environment: Mapping[str, str] = os.environ,
        run: Runner = run_command,
    ) -> None:
        self.root = root
        self.environment = environment
        self.run = run

    def read(self, path: str) -> str:
        """Return a file's text without the white space around it; empty if it is not there."""
        try:
            return (self.root / path.lstrip("/")).read_text(errors="replace").strip()
        except OSError:
            return ""

    def read_all(self, pattern: str) -> Iterator[tuple[Path, str]]:
        """Yield path and text of the files that match a pattern, in order."""
        for path in sorted(self.root.glob(pattern.lstrip("/"))):
            text = self.read(str(path.relative_to(self.root)))
            if text:
                yield path, text

    def free_bytes(self, path: Path) -> int | None:
        """Return the free space where a path lies or would be made; None where that is unknown."""
        for place in (path, *path.absolute().parents):
            try:
                return shutil.disk_usage(place).free
            except OSError:
                continue
        return None

    @staticmethod
    def soft_limit(kind: int) -> int:
        """Return this process's soft limit of a kind such as resource.RLIMIT_RTPRIO."""
        return resource.getrlimit(kind)[0]
