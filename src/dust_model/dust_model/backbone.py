"""Eagle ready to run: images and an instruction in, features and embedding out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from dust_model.config import require
from dust_model.eagle import Eagle, pool_patches
from dust_model.layout import arrange_for_inference
from dust_model.prompt import PromptBatch, Prompter
from dust_model.robot import RobotSpec
from dust_model.transform import ImageTransform


class Encoded(NamedTuple):
    """What the policy needs to know about one observation, tensors on the backbone's device.

    Attributes:
        features: vision-language features, [T, width].
        mask: True where a token is real, bool [T].
        embedding: the primary view's vision tokens pooled 2x2, [world_tokens, vision_width].
    """

    features: Tensor
    mask: Tensor
    embedding: Tensor


class Backbone:
    """A frozen Eagle with its tokenizer and preprocessing."""

    def __init__(self, eagle: Eagle, tokenizer: Tokenizer, robot: RobotSpec) -> None:
        self._eagle = eagle.eval().requires_grad_(False)
        arrange_for_inference(eagle)
        self._robot = robot
        self._prompter = Prompter(tokenizer, eagle.config, views=len(robot.views))
        self._weight = eagle.projection.weight
        self._prompts = lru_cache(maxsize=64)(self._prepare)
        self.transform = ImageTransform(eagle.config.image_size)

    @torch.inference_mode()
    def encode(self, pixels: Tensor | NDArray[np.float32], instruction: str) -> Encoded:
        """Encode one observation.

        Args:
            pixels: float [V, 3, S, S] in [-1, 1], views in the order of RobotSpec.views.
            instruction: what to do, in plain words. Its prompt is made once and kept.

        Raises:
            ValueError: `pixels` has another shape, or the instruction holds a special token.
        """
        encoded = self.encode_batch(torch.as_tensor(pixels)[None], (instruction,))
        return Encoded(*(part[0] for part in encoded))

    @torch.inference_mode()
    def encode_batch(self, pixels: Tensor, instructions: Sequence[str]) -> Encoded:
        """Encode B observations, [B, V, 3, S, S]; every field gains a leading B."""
        size = self._eagle.config.image_size
        expected = (len(instructions), len(self._robot.views), 3, size, size)
        require(
            tuple(pixels.shape) == expected,
            f"pixels must have shape {list(expected)} for the views "
            f"{', '.join(self._robot.views)}, got {list(pixels.shape)}",
        )
        prompts, padded = self._prompts(tuple(instructions))
        images = pixels.to(self._weight.device, self._weight.dtype)
        output = self._eagle(prompts.ids, images, prompts.mask if padded else None)
        primary = output.patches[:, self._robot.primary_index]
        return Encoded(output.features, prompts.mask, pool_patches(primary))

    def _prepare(self, instructions: tuple[str, ...]) -> tuple[PromptBatch, bool]:
        batch = self._prompter.batch(instructions)
        device = self._weight.device
        return PromptBatch(batch.ids.to(device), batch.mask.to(device)), not batch.mask.all()
