"""Batch -> Example: the vision-language model's part of a step (Algorithm 1, lines 2 and 3)."""

from __future__ import annotations

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

from dust_model.config import HeadConfig, TargetScale, require
from dust_model.data.collate import Batch
from dust_model.eagle import Eagle, pool_patches
from dust_model.prompt import PromptBatch, Prompter
from dust_model.robot import RobotSpec
from dust_model.statistics import ChannelStatistics
from dust_model.training.features import pad_left
from dust_model.training.learner import Example, Prompted


class Conditioner:
    """Encodes batches with the vision-language model and puts everything into the network's scale.

    Args:
        eagle: on its device, in its dtype.
        tokenizer: of the prompts.
        robot: names the views.
        head: sizes and the target's scale.
        trained: the vision-language model learns too, so it runs inside the learner.
    """

    def __init__(
        self,
        eagle: Eagle,
        tokenizer: Tokenizer,
        robot: RobotSpec,
        head: HeadConfig,
        *,
        trained: bool = False,
    ) -> None:
        self._eagle, self._head = eagle, head
        self._prompter = Prompter(tokenizer, eagle.config, views=len(robot.views))
        self._trained, self._primary = trained, robot.primary_index
        self._scale: tuple[Tensor, Tensor] | None = None

    @property
    def needs_future(self) -> bool:
        """Whether the head learns from a future view."""
        return self._head.architecture.needs_future

    @property
    def channels(self) -> int:
        """Channels of the future embedding."""
        return self._eagle.config.vision_width

    def set_scale(self, statistics: ChannelStatistics) -> None:
        """Set the scale of the target, if the head wants it standardised."""
        if self._head.target_scale is TargetScale.STANDARDISE:
            device = self._eagle.projection.weight.device
            mean, std = torch.tensor(statistics.mean), torch.tensor(statistics.std)
            self._scale = mean.to(device), std.to(device)

    def __call__(self, batch: Batch) -> Example:
        """Encode a batch that lies on the CPU.

        Raises:
            ValueError: the head learns from a future view, and the batch has none.
        """
        head = self._head
        device = self._eagle.projection.weight.device
        hidden, mask, prompted = self._observe(batch)
        actions = _pad(batch.actions, head.action_dim, "action")
        return Example(
            hidden=hidden,
            prompted=prompted,
            mask=mask,
            state=_pad(batch.state, head.state_dim, "state").to(device),
            actions=actions.to(device),
            action_mask=_pad(batch.action_mask, head.action_dim, "action").to(device),
            embedding=self._target(batch),
            slot=self._slots(batch).to(device),
        )

    @torch.no_grad()
    def future(self, batch: Batch) -> Tensor:
        """Return the raw future embeddings of a batch [B, world_tokens, vision_width], float32.

        Raises:
            ValueError: the batch has no future views.
        """
        if batch.future_embedding is not None:
            return batch.future_embedding.to(self._device).float()
        require(
            batch.future_pixels is not None,
            f"the data has no future views, which a head of architecture "
            f"{self._head.architecture} learns from",
        )
        assert batch.future_pixels is not None
        return self._eagle.embed(self._on_device(batch.future_pixels)).float()

    @torch.no_grad()
    def encode(self, pixels: Tensor, instructions: list[str]) -> tuple[list[Tensor], Tensor]:
        """Encode pictures for keeping.

        Args:
            pixels: [B, V, 3, S, S] in [-1, 1].
            instructions: B texts.

        Returns:
            Token rows [T_i, text_width] before the projection, without padding, and the raw
            embeddings of the primary view, [B, world_tokens, vision_width].
        """
        prompts = self._prompts(instructions)
        mask = None if bool(prompts.mask.all()) else prompts.mask
        hidden, patches = self._eagle.hidden(prompts.ids, self._on_device(pixels), mask)
        rows = [row[real] for row, real in zip(hidden, prompts.mask, strict=True)]
        return rows, pool_patches(patches[:, self._primary])

    @property
    def _device(self) -> torch.device:
        return self._eagle.projection.weight.device

    def _observe(self, batch: Batch) -> tuple[Tensor | None, Tensor, Prompted | None]:
        if self._trained:
            assert batch.views_pixels is not None, "TrainConfig keeps no features then"
            prompts = self._prompts(batch.instructions)
            pixels = batch.views_pixels.to(self._device)
            return None, prompts.mask, Prompted(prompts.ids, pixels)
        hidden, mask = self._hidden(batch)
        return hidden, mask, None

    @torch.no_grad()
    def _hidden(self, batch: Batch) -> tuple[Tensor, Tensor]:
        if batch.hidden is not None:
            weight = self._eagle.projection.weight
            return pad_left([row.to(self._device, weight.dtype) for row in batch.hidden])
        assert batch.views_pixels is not None, "a batch has one or the other"
        rows, _ = self.encode(batch.views_pixels, batch.instructions)
        return pad_left(rows)

    def _on_device(self, pixels: Tensor) -> Tensor:
        return pixels.to(self._device, self._eagle.model.dtype)

    def _prompts(self, instructions: list[str]) -> PromptBatch:
        prompts = self._prompter.batch(instructions)
        return PromptBatch(prompts.ids.to(self._device), prompts.mask.to(self._device))

    def _target(self, batch: Batch) -> Tensor:
        language = self._eagle.config
        if not self.needs_future:
            shape = (len(batch), language.world_tokens, language.vision_width)
            return torch.zeros(shape, device=self._device)
        embedding = self.future(batch)
        if self._scale is None:
            return embedding
        mean, std = self._scale
        return (embedding - mean) / std

    def _slots(self, batch: Batch) -> Tensor:
        highest, slots = int(batch.embodiment.max()), self._head.embodiments
        require(
            highest < slots,
            f"the data has embodiment {highest}, the head only {slots} slots: set head.embodiments",
        )
        return batch.embodiment


def _pad(values: Tensor, columns: int, kind: str) -> Tensor:
    missing = columns - values.shape[-1]
    require(
        missing >= 0,
        f"the data has {values.shape[-1]} {kind} columns, the head only {columns}: "
        f"set head.{kind}_dim",
    )
    return F.pad(values, (0, missing))
