"""The prompt of Eagle-2 in GR00T-N1, as text and as token ids.

One view:

    <|im_start|>system
    You are a helpful assistant.<|im_end|>
    <|im_start|>user
    <img><IMG_CONTEXT>...</img>
    {instruction}<|im_end|>
    <|im_start|>assistant

Several views stand as `<image 1><img>...</img>`, `<image 2>...`, one a line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor

from dust_model.config import VisionLanguageConfig, require
from dust_model.tokenizer import IMAGE, IMAGE_END, IMAGE_START, SPECIAL, TURN_END, TURN_START


@dataclass(frozen=True, slots=True)
class PromptBatch:
    """Prompts of equal length, padded on the left.

    Attributes:
        ids: token ids, int64 [B, T].
        mask: True where a token is real, bool [B, T].
    """

    ids: Tensor
    mask: Tensor


class Prompter:
    """Instructions -> prompts for a fixed number of views."""

    def __init__(self, tokenizer: Tokenizer, config: VisionLanguageConfig, *, views: int) -> None:
        image_id, size = tokenizer.token_to_id(IMAGE), tokenizer.get_vocab_size()
        require(
            image_id == config.image_token_id,
            f"the tokenizer has {IMAGE} at {image_id}, the model at {config.image_token_id}",
        )
        require(
            size <= config.vocab_size,
            f"the tokenizer has {size} tokens, the model only {config.vocab_size}",
        )
        self._tokenizer = tokenizer
        self._config = config
        self._views = views

    def text(self, instruction: str) -> str:
        """Return the prompt as text.

        Raises:
            ValueError: the instruction contains one of the prompt's special tokens.
        """
        for token in SPECIAL:
            require(token not in instruction, f"the instruction must not contain {token!r}")
        image = IMAGE_START + IMAGE * self._config.tokens_per_view + IMAGE_END + "\n"
        numbered = [f"<image {i}>{image}" for i in range(1, self._views + 1)]
        images = image if self._views == 1 else "".join(numbered)
        return (
            f"{TURN_START}system\nYou are a helpful assistant.{TURN_END}\n"
            f"{TURN_START}user\n{images}{instruction}{TURN_END}\n{TURN_START}assistant\n"
        )

    def batch(self, instructions: Sequence[str]) -> PromptBatch:
        """Return the prompts of `instructions`, padded on the left to the longest."""
        rows = [self._tokenizer.encode(self.text(text)).ids for text in instructions]
        length = max(len(row) for row in rows)
        pad = self._config.pad_token_id
        ids = torch.tensor([[pad] * (length - len(row)) + row for row in rows])
        padded = torch.tensor([length - len(row) for row in rows])
        return PromptBatch(ids, torch.arange(length)[None] >= padded[:, None])
