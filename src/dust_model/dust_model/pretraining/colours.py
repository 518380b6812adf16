"""Colour jitter for whole batches: one affine map of the colours per picture.

The amounts are those of `dust_model.data.augment`. Brightness, contrast, saturation and hue are all
linear here (hue turns the chroma plane), so that they melt into one 3 x 3 matrix and an offset,
which costs a small part of changing picture by picture.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dust_model.data.augment import GREY, Augmentation

# RGB -> brightness and two axes of chroma (YIQ), and back.
_TO_CHROMA = np.array([GREY, (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112)])
_TO_RGB = np.linalg.inv(_TO_CHROMA)


def draw_colours(
    amounts: Augmentation, random: np.random.Generator, count: int
) -> NDArray[np.float32]:
    """Draw brightness, contrast and saturation factors and a hue shift in turns, [count, 4]."""
    limits = np.array((amounts.brightness, amounts.contrast, amounts.saturation, amounts.hue))
    drawn = random.uniform(-limits, limits, size=(count, 4))
    drawn[:, :3] += 1.0
    return drawn.astype(np.float32)


def jitter(rgb: Tensor, colours: NDArray[np.float32]) -> Tensor:
    """Change the colours of pictures; all views of a picture alike.

    Args:
        rgb: float [B, V, 3, H, W] in [-1, 1].
        colours: what `draw_colours` gave, [B, 4].

    Returns:
        The same shape, in [-1, 1].
    """
    matrix = torch.from_numpy(_matrices(colours)).to(rgb)
    contrast = torch.from_numpy(colours[:, 1]).to(rgb)[:, None, None]
    flat = (rgb.flatten(3) + 1) / 2
    means = (flat.mean(3) * rgb.new_tensor(GREY)).sum(2, keepdim=True)
    brightness = torch.from_numpy(colours[:, 0]).to(rgb)[:, None, None]
    offset = (1 - contrast) * means * brightness
    changed = matrix[:, None] @ flat + offset[..., None]
    return changed.clamp_(0, 1).mul_(2).sub_(1).reshape(rgb.shape)


def _matrices(colours: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the linear parts, [B, 3, 3]."""
    matrices = []
    for brightness, contrast, saturation, hue in colours.astype(np.float64):
        angle = 2 * math.pi * hue
        c, s = saturation * math.cos(angle), saturation * math.sin(angle)
        chroma = np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])
        matrices.append(brightness * contrast * (_TO_RGB @ chroma @ _TO_CHROMA))
    return np.array(matrices, np.float32)
