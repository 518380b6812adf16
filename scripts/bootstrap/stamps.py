"""What has been done already: one JSON file in the venv, a fingerprint of the inputs per stage."""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path


class Stamps:
    """Remembers stages that are through; a stage whose inputs changed counts as not done."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._done = _read(path)

    def done(self, stage: str, fingerprint: str) -> bool:
        """Whether the stage went through with exactly these inputs."""
        return self._done.get(stage) == fingerprint

    def record(self, stage: str, fingerprint: str) -> None:
        """Note, on disk and at once, that the stage is through."""
        self._done[stage] = fingerprint
        self._write()

    def _write(self) -> None:
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps(self._done, indent=2, sort_keys=True) + "\n")
        os.replace(part, self._path)


def fingerprint(*texts: str, files: Iterable[Path] = ()) -> str:
    """Return a hash over texts and over names and contents of files."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode() + b"\0")
    for path in files:
        digest.update(str(path).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:32]


def _read(path: Path) -> dict[str, str]:
    try:
        stamps = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return stamps if isinstance(stamps, dict) else {}
