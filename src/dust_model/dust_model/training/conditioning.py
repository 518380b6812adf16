"""Batch -> Example: the vision-language model's part of a step (Algorithm 1, lines 2 and 3)."""

from __future__ import annotations

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

from dust_model.config import HeadConfig, TargetScale, require
from dust_model.data.collate import Batch
from dust_model.eagle import Eagle
from dust_model.prompt import PromptBatch, Prompter
from dust_model.robot import RobotSpec
from dust_model.statistics import ChannelStatistics
from dust_model.training.features import FeatureCache, content_key, pad_left
from dust_model.training.learner import Example, Prompted


class Conditioner:
    """Encodes batches with the vision-language model and puts everything into the network's scale.

    Args:
        eagle: on its device, in its dtype.
        tokenizer: of the prompts.
        robot: names the views.
        head: sizes and the target's scale.
        trained: the vision-language model learns too, so it runs inside the learner.
        cache: where to keep features on disk, None = nowhere.
    """

    def __init__(
        self,
        eagle: Eagle,
        tokenizer: Tokenizer,
        robot: RobotSpec,
        head: HeadConfig,
        *,
        trained: bool = False,
        cache: FeatureCache | None = None,
    ) -> None:
        require(not (trained and cache), "features of a model that is trained can't be kept")
        self._eagle, self._head = eagle, head
        self._prompter = Prompter(tokenizer, eagle.config, views=len(robot.views))
        self._trained, self._cache = trained, cache
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
    def embed(self, pixels: Tensor) -> Tensor:
        """Return raw future embeddings [B, world_tokens, vision_width], float32."""
        keys = [content_key("future", image) for image in pixels] if self._cache else []
        kept = [self._cache.get(key) for key in keys] if self._cache else []
        if kept and all(row is not None for row in kept):
            return torch.stack([row for row in kept if row is not None]).to(self._device).float()
        # All of the batch, not just what is missing: rounding depends on the batch's size, and a
        # run that goes on after being killed must see the same numbers.
        fresh = self._eagle.embed(pixels.to(self._device, self._eagle.projection.weight.dtype))
        return torch.stack(self._keep(keys, kept, list(fresh))).float()

    @property
    def _device(self) -> torch.device:
        return self._eagle.projection.weight.device

    def _observe(self, batch: Batch) -> tuple[Tensor | None, Tensor, Prompted | None]:
        if self._trained:
            prompts = self._prompts(batch.instructions)
            pixels = batch.views_pixels.to(self._device)
            return None, prompts.mask, Prompted(prompts.ids, pixels)
        hidden, mask = self._hidden(batch)
        return hidden, mask, None

    @torch.no_grad()
    def _hidden(self, batch: Batch) -> tuple[Tensor, Tensor]:
        pairs = list(zip(batch.views_pixels, batch.instructions, strict=True))
        keys = [content_key("hidden", views, text) for views, text in pairs] if self._cache else []
        kept = [self._cache.get(key) for key in keys] if self._cache else []
        if kept and all(row is not None for row in kept):
            return pad_left([row.to(self._device) for row in kept if row is not None])
        prompts = self._prompts(batch.instructions)
        pixels = batch.views_pixels.to(self._device, self._eagle.projection.weight.dtype)
        mask = None if bool(prompts.mask.all()) else prompts.mask
        hidden, _ = self._eagle.hidden(prompts.ids, pixels, mask)
        rows = [row[real] for row, real in zip(hidden, prompts.mask, strict=True)]
        return pad_left(self._keep(keys, kept, rows))

    def _keep(
        self, keys: list[str], kept: list[Tensor | None], fresh: list[Tensor]
    ) -> list[Tensor]:
        """Keep the fresh rows that are missing; return all rows, kept ones as they were kept."""
        if self._cache is None:
            return fresh
        for index, key in enumerate(keys):
            old = kept[index]
            if old is None:
                self._cache.put(key, fresh[index].cpu())
            else:
                fresh[index] = old.to(self._device)
        return fresh

    def _prompts(self, instructions: list[str]) -> PromptBatch:
        prompts = self._prompter.batch(instructions)
        return PromptBatch(prompts.ids.to(self._device), prompts.mask.to(self._device))

    def _target(self, batch: Batch) -> Tensor:
        language = self._eagle.config
        if not self.needs_future:
            shape = (len(batch), language.world_tokens, language.vision_width)
            return torch.zeros(shape, device=self._device)
        require(
            batch.future_pixels is not None,
            f"the data has no future views, which a head of architecture "
            f"{self._head.architecture} learns from",
        )
        assert batch.future_pixels is not None
        embedding = self.embed(batch.future_pixels)
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
