"""Pictures ready to be cropped: decoded and resized once, kept as uint8 files beside their shards.

Inference takes a centre crop of 0.95 and squeezes it to S x S. Here the whole picture is squeezed
to S / 0.95 pixels a side, and an S x S window of that is the crop: the same pixels within rounding,
and any other window is training's random crop at no cost.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F
from tqdm import tqdm

from dust_model.config import CROP, require
from dust_model.pretraining.folder import PictureFolder

try:
    import cv2
except ImportError:  # needed to decode, not to train on what is decoded
    cv2 = None  # type: ignore[assignment]

Bytes = NDArray[np.uint8]


def side_of(size: int) -> int:
    """Return the side of a whole picture, pixels, of which a crop has `size`."""
    return round(size / CROP)


class Crops:
    """Whole pictures, squeezed to squares, on disk.

    Attributes:
        size: side of a crop, S.
        side: side of a whole picture.
    """

    def __init__(self, folder: PictureFolder, size: int) -> None:
        """Decode what is not decoded yet; a progress bar shows it.

        Raises:
            ValueError: a file is damaged.
        """
        self.size, self.side = size, side_of(size)
        self._per_shard = folder.facts.per_shard
        self._root = folder.path / f"squeezed-{self.side}"
        self._root.mkdir(exist_ok=True)
        self._prepare(folder)
        self._shards = [np.load(self._path(i), mmap_mode="r") for i in range(folder.shards)]

    @property
    def room(self) -> int:
        """Number of places that a crop can have along a side, less one."""
        return self.side - self.size

    @property
    def centre(self) -> int:
        """Where inference's crop begins."""
        return self.room // 2

    def take(self, numbers: NDArray[np.int64], corners: NDArray[np.int64]) -> Bytes:
        """Return crops of pictures.

        Args:
            numbers: of the pictures, [n].
            corners: row and column where each crop begins, [n, 2], from 0 to `room`.

        Returns:
            uint8 [n, V, S, S, 3], RGB.
        """
        crops = []
        for number, (row, column) in zip(numbers, corners, strict=True):
            whole = self._shards[number // self._per_shard][number % self._per_shard]
            crops.append(whole[:, row : row + self.size, column : column + self.size])
        return np.stack(crops)

    def _path(self, shard: int) -> Path:
        return self._root / f"{shard:06d}.npy"

    def _prepare(self, folder: PictureFolder) -> None:
        missing = [i for i in range(folder.shards) if not self._path(i).exists()]
        if not missing:
            return

        def squeeze_shard(index: int) -> None:
            pictures = [[squeeze(decode(f), self.side) for f in row] for row in folder.files(index)]
            scratch = self._path(index).with_suffix(f".{os.getpid()}-{threading.get_ident()}")
            with scratch.open("wb") as file:
                np.save(file, np.array(pictures))
            scratch.replace(self._path(index))

        with ThreadPoolExecutor(torch.get_num_threads()) as pool, _bar(len(missing)) as bar:
            for _ in pool.map(squeeze_shard, missing):
                bar.update()


@contextmanager
def _bar(total: int) -> Iterator[Any]:
    with tqdm(total=total, unit="shard", desc="decoding", dynamic_ncols=True) as bar:
        yield bar


def decode(file: bytes) -> Bytes:
    """Return a JPEG file as RGB, uint8 [H, W, 3].

    Raises:
        ValueError: it is damaged, or OpenCV is not installed.
    """
    require(cv2 is not None, "pictures need OpenCV: pip install opencv-python-headless")
    pixels = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError("a picture can't be decoded")
    return np.ascontiguousarray(pixels[..., ::-1], np.uint8)


def squeeze(rgb: Bytes, side: int) -> Bytes:
    """Return an image, uint8 [H, W, 3], squeezed to a square as the model's transform does."""
    require(rgb.ndim == 3, f"an image must be [H, W, 3], got {list(rgb.shape)}")
    planes = torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1)[None]
    small = F.interpolate(planes, size=(side, side), mode="bilinear", antialias=True)
    return np.ascontiguousarray(small[0].permute(1, 2, 0).numpy())
