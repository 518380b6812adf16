"""Tensors in one safetensors file or in several with an index, read one by one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from dust_model.config import require
from dust_model.weights import Shapes

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
PATTERNS = (SINGLE, INDEX, "model-*-of-*.safetensors")
"""Names of such files on the hub."""


class ShardedTensors:
    """Named tensors in safetensors files.

    Args:
        path: a safetensors file, or a folder with model.safetensors or with
            model.safetensors.index.json and the files that it names.

    Raises:
        ValueError: there is no such file, or one can't be read, or an index is wrong. Pickles
            (.bin, .pt) are never read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.shapes: Shapes = {}
        self._files: dict[str, Path] = {}
        if path.is_file():
            self._scan(path)
        elif (path / SINGLE).is_file():
            self._scan(path / SINGLE)
        else:
            self._follow(path)

    def read(self, names: Iterable[str]) -> dict[str, Tensor]:
        """Read tensors by name, in the type they are stored in."""
        wanted = set(names)
        state = {}
        for file in sorted({self._files[name] for name in wanted}):
            with _opened(file) as tensors:
                mine = (name for name in wanted if self._files[name] == file)
                state.update({name: tensors.get_tensor(name) for name in mine})
        return state

    def _scan(self, file: Path) -> None:
        with _opened(file) as tensors:
            for name in tensors.keys():  # noqa: SIM118 (not a mapping)
                require(name not in self._files, f"{file}: {name} is in another file too")
                self._files[name] = file
                self.shapes[name] = tuple(tensors.get_slice(name).get_shape())

    def _follow(self, folder: Path) -> None:
        index = folder / INDEX
        require(index.is_file(), f"{folder} has neither {SINGLE} nor {INDEX}")
        places = _read_index(index)
        for name in sorted(set(places.values())):
            # The index may come from anywhere; it must not point out of its folder.
            require(Path(name).name == name, f"{index}: {name!r} is not a plain file name")
            require((folder / name).is_file(), f"{index} names {name}, which is missing")
            self._scan(folder / name)
        lost = [name for name, file in places.items() if self._files.get(name) != folder / file]
        require(not lost, f"{index}: {lost[0] if lost else ''} is not in the file it names")


def _read_index(index: Path) -> dict[str, str]:
    try:
        values = json.loads(index.read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read {index}: {error}") from None
    places = values.get("weight_map") if isinstance(values, dict) else None
    if not isinstance(places, dict) or not all(isinstance(v, str) for v in places.values()):
        raise ValueError(f"{index}: expected weight_map, an object of tensor and file names")
    return places


def _opened(file: Path) -> AbstractContextManager[Any]:
    try:
        return safe_open(file, framework="pt")
    except (SafetensorError, OSError) as error:
        raise ValueError(f"cannot read the weights {file}: {error}") from None
