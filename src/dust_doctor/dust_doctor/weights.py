"""Is a safetensors file whole? Read without torch: its header says how long the file must be.

|-- 8 bytes: length N of the header --|-- N bytes: JSON --|-- tensors, up to the largest end --|
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import BinaryIO

_LENGTH = 8
_LARGEST_HEADER = 100_000_000
"""What the safetensors library accepts. Unit: bytes."""

_ABOUT_THE_FILE = "__metadata__"


def weights_defect(path: Path) -> str:
    """Return why a safetensors file cannot be used; empty where nothing was found."""
    size = path.stat().st_size
    with path.open("rb") as file:
        try:
            needed = _needed_size(file, size)
        except (ValueError, KeyError, TypeError, AttributeError):
            return f"{path} is no safetensors file ({size} bytes)"
    if needed is None:
        return f"{path} is incomplete: {size} bytes, its header alone takes more"
    if size < needed:
        return f"{path} is incomplete: {size} of {needed} bytes"
    if size > needed:
        return f"{path} is damaged: {size} bytes, but its header tells of {needed}"
    return ""


def _needed_size(file: BinaryIO, size: int) -> int | None:
    """Return how long the file must be by its header; None where it ends within that.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: What is there is no such header.
    """
    if size < _LENGTH:
        return None
    length = int.from_bytes(file.read(_LENGTH), "little")
    if length > _LARGEST_HEADER:
        raise ValueError("no such header")
    if size < _LENGTH + length:
        return None
    header = json.loads(file.read(length))
    ends = [entry["data_offsets"][1] for name, entry in header.items() if name != _ABOUT_THE_FILE]
    if not ends:
        raise ValueError("no weights")
    return _LENGTH + length + int(max(ends))
