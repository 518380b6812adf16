"""Several prompts about the same pictures in one row: what they share is computed once.

In Eagle-2's prompt the images stand before the instruction, and the language model is causal. So
the tokens up to the instruction are the same for all instructions about one observation::

    row     prefix: system, user, images | end of prompt 1 | end of prompt 2 | padding
    place   0 ................... n - 1  | n ...           | n ...           | 0
    sees    what comes before it         | prefix, itself  | prefix, itself  | itself

Each end sees the prefix and itself and counts its places from the prefix's end, which is what it
would see and count alone: the features are the same, at less than half of the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from transformers.modeling_outputs import BaseModelOutputWithPooling

from dust_model.eagle import Eagle
from dust_model.prompt import Prompter

TAIL = 5
"""Last tokens of a prompt, the same in all of them: they have seen everything."""


_HIDDEN = -1e9


class Packed(NamedTuple):
    """B rows of K prompts each.

    Attributes:
        ids: int64 [B, T].
        places: of each token in its own prompt, int64 [B, T].
        sees: 0 where token t sees token s, else nearly -infinity, [B, 1, T, T].
        tails: where the last `TAIL` tokens of each prompt stand, int64 [B, K, TAIL].
        images: where the image tokens stand, the same in all rows, int64 [V * tokens].
    """

    ids: Tensor
    places: Tensor
    sees: Tensor
    tails: Tensor
    images: Tensor

    def to(self, device: torch.device | str) -> Packed:
        """Return everything on `device`."""
        return Packed(*(part.to(device) for part in self))


class Packer:
    """Instructions -> packed rows.

    Args:
        prompter: makes single prompts.
        image_token_id: of the image token.
        pad_token_id: of padding.
    """

    def __init__(self, prompter: Prompter, *, image_token_id: int, pad_token_id: int) -> None:
        self._prompter = prompter
        self._image, self._pad = image_token_id, pad_token_id
        self._known: dict[str, list[int]] = {}

    def pack(self, texts: Sequence[Sequence[str]]) -> Packed:
        """Pack rows of equally many instructions, one row per observation.

        Raises:
            ValueError: an instruction holds a special token.
        """
        prompts = [[self._prompt(text) for text in row] for row in texts]
        shared = _common(prompts)
        ends = [[prompt[shared:] for prompt in row] for row in prompts]
        length = shared + max(sum(len(end) for end in row) for row in ends)
        ids = torch.full((len(texts), length), self._pad)
        places = torch.zeros(len(texts), length, dtype=torch.int64)
        part = torch.full((len(texts), length), -1)
        ids[:, :shared] = torch.tensor(prompts[0][0][:shared])
        places[:, :shared] = torch.arange(shared)
        part[:, :shared] = 0
        tails = torch.empty(len(texts), len(texts[0]), TAIL, dtype=torch.int64)
        for row, parts in enumerate(ends):
            begin = shared
            for number, end in enumerate(parts):
                span = slice(begin, begin + len(end))
                ids[row, span] = torch.tensor(end)
                places[row, span] = torch.arange(shared, shared + len(end))
                part[row, span] = number + 1
                begin = span.stop
                tails[row, number] = torch.arange(begin - TAIL, begin)
        images = (ids[0, :shared] == self._image).nonzero()[:, 0]
        return Packed(ids, places, _sees(part), tails, images)

    def _prompt(self, text: str) -> list[int]:
        if text not in self._known:
            self._known[text] = self._prompter.batch([text]).ids[0].tolist()
        return self._known[text]


def _common(prompts: Sequence[Sequence[Sequence[int]]]) -> int:
    """Return how many first tokens all prompts share, leaving each a tail of its own."""
    everyone = [prompt for row in prompts for prompt in row]
    first, most = everyone[0], min(len(prompt) for prompt in everyone) - TAIL
    return next((i for i in range(most) if any(prompt[i] != first[i] for prompt in everyone)), most)


def _sees(part: Tensor) -> Tensor:
    """Return the mask of rows whose tokens belong to parts: 0 the prefix, -1 padding."""
    length = part.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    same = part[:, :, None] == part[:, None, :]
    prefix = (part[:, None, :] == 0) & (part[:, :, None] >= 0)
    hidden = ~((same | prefix) & causal)
    return torch.zeros(part.shape[0], 1, length, length).masked_fill_(hidden[:, None], _HIDDEN)


def features_of(eagle: Eagle, packed: Packed, patches: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Return Eagle's features of packed rows, [B, T, feature_width], and each layer's attention.

    The attention, [B, heads, T, T], is there with `set_attn_implementation("eager")` only.

    Args:
        eagle: the model.
        packed: the prompts.
        patches: tokens of the vision tower, [B, V, grid**2, vision_width].
    """
    read = eagle.model(
        input_ids=packed.ids,
        attention_mask=packed.sees,
        position_ids=packed.places,
        mm_encoder_outputs={"image": image_tokens(eagle, patches)},
        use_cache=False,
        output_attentions=True,
    )
    return eagle.projection(read.last_hidden_state), list(read.attentions or ())


def image_tokens(eagle: Eagle, patches: Tensor) -> BaseModelOutputWithPooling:
    """Return what the language model is shown of patches, as its encoder outputs."""
    flat = patches.flatten(0, 1)
    grid = eagle.config.grid
    planes = flat.reshape(len(flat), grid, grid, -1)
    if eagle.config.pixel_shuffle:
        planes = eagle.model.pixel_shuffle(planes.contiguous(), scale_factor=0.5)
    shown = eagle.model.multi_modal_projector(planes.flatten(1, 2))
    return BaseModelOutputWithPooling(last_hidden_state=flat, pooler_output=shown)


def patches_of_tokens(eagle: Eagle) -> Tensor:
    """Return which patches each image token is made of, int64 [tokens, patches of one]."""
    grid = eagle.config.grid
    numbers = torch.arange(grid**2, dtype=torch.float32).reshape(1, grid, grid, 1)
    if eagle.config.pixel_shuffle:
        numbers = eagle.model.pixel_shuffle(numbers, scale_factor=0.5)
    return numbers.flatten(1, 2)[0].long()
