"""Camera image -> pixels of the model: centre crop 0.95, resize, mean and deviation 0.5.

The same for training and inference, and for the current and the future view. The resize is
torchvision's antialiased bilinear one, which GR00T-N1 uses; it squeezes the image to a square.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from dust_model.config import CROP, require


@dataclass(frozen=True, slots=True)
class ImageTransform:
    """Preprocessing to a square image of `size` pixels, S below."""

    size: int

    def resize(
        self, image: NDArray[np.uint8], *, place: tuple[float, float] = (0.5, 0.5)
    ) -> NDArray[np.uint8]:
        """Return a crop of `image`, uint8 [H, W, C] with any C, as uint8 [S, S, C].

        `place` says how far down and right the crop lies, each in [0, 1]: the centre unless
        training draws another.
        """
        _require_uint8(image, "image", shape="[H, W, C]")
        height, width = image.shape[:2]
        kept_height, kept_width = max(1, int(height * CROP)), max(1, int(width * CROP))
        top, left = _offset(height - kept_height, place[0]), _offset(width - kept_width, place[1])
        crop = np.ascontiguousarray(image[top : top + kept_height, left : left + kept_width])
        resized = F.interpolate(
            torch.from_numpy(crop).permute(2, 0, 1)[None],
            size=(self.size, self.size),
            mode="bilinear",
            antialias=True,
        )
        return np.ascontiguousarray(resized[0].permute(1, 2, 0).numpy())

    def normalise(self, rgb: NDArray[np.uint8]) -> Tensor:
        """Return `rgb`, uint8 [S, S, 3], as float32 [3, S, S] in [-1, 1]."""
        _require_uint8(rgb, "rgb", shape=f"[{self.size}, {self.size}, 3]")
        expected = (self.size, self.size, 3)
        require(rgb.shape == expected, f"rgb must have shape {expected}, got {rgb.shape}")
        planes = torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1)))
        return planes.to(torch.float32).div_(127.5).sub_(1.0)


def _offset(room: int, place: float) -> int:
    return max(0, math.ceil(room * place - 0.5))  # the nearest pixel; the centre is room // 2


def _require_uint8(image: NDArray[np.uint8], name: str, *, shape: str) -> None:
    require(
        image.dtype == np.uint8 and image.ndim == 3 and min(image.shape) > 0,
        f"{name} must be uint8 {shape}, got {image.dtype} {list(image.shape)}",
    )
