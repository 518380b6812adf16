"""Training's random crop place and colour jitter, GR00T's amounts, drawn once per sample.

One draw holds for all views of a sample and for its future view, so that the world model's target
differs from what the model sees only by what happened in the world. The order is GR00T's: crop,
resize, colours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dust_model.config import require

GREY = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the brightness of a pixel (ITU-R 601)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """How far crops and colours may go.

    Attributes:
        crop: draw the crop's place; False keeps it in the centre.
        brightness: factor in 1 +- this.
        contrast: factor in 1 +- this.
        saturation: factor in 1 +- this.
        hue: shift in +- this, in turns of the colour circle.
    """

    crop: bool = True
    brightness: float = 0.3
    contrast: float = 0.4
    saturation: float = 0.5
    hue: float = 0.08

    def __post_init__(self) -> None:
        for name in ("brightness", "contrast", "saturation"):
            value = getattr(self, name)
            require(0 <= value <= 1, f"{name} must lie in [0, 1], got {value}")
        require(0 <= self.hue <= 0.5, f"hue must lie in [0, 0.5], got {self.hue}")

    def draw(self, seed: int) -> Draw:
        """Return the draw of `seed`: always the same."""
        random = np.random.default_rng(seed)
        place = random.uniform(size=2) if self.crop else (0.5, 0.5)
        limits = np.array((self.brightness, self.contrast, self.saturation, self.hue))
        shifts = random.uniform(-limits, limits)
        return Draw(
            place=(float(place[0]), float(place[1])),
            brightness=1 + float(shifts[0]),
            contrast=1 + float(shifts[1]),
            saturation=1 + float(shifts[2]),
            hue=float(shifts[3]),
            order=tuple(int(i) for i in random.permutation(4)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """One draw: where to crop, and the colour changes in the `order` of their indices.

    Attributes:
        place: how far down and right the crop lies, 0 = top or left, 1 = bottom or right.
        brightness: factor >= 0.
        contrast: factor >= 0, about the image's mean grey.
        saturation: factor >= 0, about the pixel's grey.
        hue: shift in turns.
        order: a permutation of 0..3: brightness, contrast, saturation, hue.
    """

    place: tuple[float, float]
    brightness: float
    contrast: float
    saturation: float
    hue: float
    order: tuple[int, ...]

    def colour(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return `image`, uint8 RGB [H, W, 3], in other colours."""
        planes = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
        rgb = planes.to(torch.float32) / 255
        for step in self.order:
            rgb = self._step(rgb, step).clamp_(0, 1)
        levels = (rgb * 255).round_().to(torch.uint8)
        return np.ascontiguousarray(levels.permute(1, 2, 0).numpy())

    def _step(self, rgb: Tensor, step: int) -> Tensor:
        if step == 0:
            return rgb * self.brightness
        if step == 1:
            return torch.lerp(_grey(rgb).mean(), rgb, self.contrast)
        if step == 2:
            return torch.lerp(_grey(rgb), rgb, self.saturation)
        return shift_hue(rgb, self.hue)


def _grey(rgb: Tensor) -> Tensor:
    red, green, blue = rgb
    return GREY[0] * red + GREY[1] * green + GREY[2] * blue


def shift_hue(rgb: Tensor, turns: float) -> Tensor:
    """Return `rgb`, [3, H, W] in [0, 1], with its hue turned and its HSV value and chroma kept."""
    red, green, blue = rgb
    value = torch.maximum(torch.maximum(red, green), blue)
    chroma = value - torch.minimum(torch.minimum(red, green), blue)
    part = chroma.clamp(min=1e-9)  # grey has no hue: its chroma of 0 hides what comes out
    sector = torch.where(
        value == red,
        (green - blue) / part,
        torch.where(value == green, (blue - red) / part + 2, (red - green) / part + 4),
    )
    # Each primary falls off with the distance between its own sector and the pixel's.
    return torch.stack([value - chroma * _lack(sector + (6 * turns + n)) for n in (5, 3, 1)])


def _lack(k: Tensor) -> Tensor:
    """Return how much of the chroma a primary lacks `k` sectors on, 0 to 1, around a circle of 6.

    1 from 1 to 3, then down to 0 at 4, 0 until 6 and up again: 2 - |k - 2| within 0 and 1.
    """
    k = k - 6 * torch.floor(k / 6)
    return (2 - (k - 2).abs_()).clamp_(0, 1)
