"""Small files of a dataset: the same values always give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def write_json(path: Path, values: Any) -> None:
    """Write values as indented JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(values, indent=4, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def write_lines(path: Path, entries: Iterable[Any]) -> None:
    """Write one JSON object to a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
    path.write_text(text, encoding="utf-8")
