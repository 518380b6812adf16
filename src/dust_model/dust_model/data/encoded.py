"""What a frozen vision-language model made of an episode, and the file that keeps it.

The tower's and the language model's work is done once for every frame, in order; training then
reads runs of moments instead of decoding and encoding them again and again.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from dust_model.data.faults import DataError

KEPT = torch.float16
"""Number format of the files: the one in which features travel from perception to policy."""

_HIDDEN, _ENDS, _EMBEDDING = "hidden", "ends", "embedding"


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """One moment, encoded.

    Attributes:
        hidden: the language model's tokens before the projection, [T, text_width].
        future: raw embedding of the future view, [world_tokens, vision_width].
    """

    hidden: Tensor
    future: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class EncodedEpisode:
    """Every frame of an episode of L frames, encoded.

    Attributes:
        hidden: L token rows [T_i, text_width]; prompts need not be equally long.
        embedding: raw embeddings of the primary view, [L, world_tokens, vision_width].
    """

    hidden: list[Tensor]
    embedding: Tensor

    def write(self, path: Path) -> None:
        """Write the episode at once or not at all, in half precision.

        Raises:
            DataError: the disk is full or can't be written, or a value exceeds half precision.
        """
        lengths = torch.tensor([len(rows) for rows in self.hidden])
        parts = {
            _HIDDEN: torch.cat(self.hidden).to("cpu", KEPT).contiguous(),
            _ENDS: lengths.cumsum(0),
            _EMBEDDING: self.embedding.to("cpu", KEPT).contiguous(),
        }
        if not all(bool(parts[name].isfinite().all()) for name in (_HIDDEN, _EMBEDDING)):
            raise DataError(f"{path.stem}: features exceed half precision; leave features= empty")
        scratch = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            save_file(parts, scratch)
            os.replace(scratch, path)
        except (SafetensorError, OSError) as error:
            scratch.unlink(missing_ok=True)
            raise DataError(
                f"{path} can't be written ({error}): free some space and run again, or leave "
                "features= empty"
            ) from None


class EpisodeFile:
    """Moments of an encoded episode, read from its file as they are asked for.

    Args:
        path: what EncodedEpisode.write has written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def length(self) -> int | None:
        """Return the frames of the file; None where there is none or it is damaged."""
        if not self._path.is_file():
            return None
        try:
            with safe_open(self._path, "pt") as file:
                frames = file.get_slice(_EMBEDDING).get_shape()[0]
                ends = file.get_tensor(_ENDS)
                whole = int(ends[-1]) == file.get_slice(_HIDDEN).get_shape()[0]
        except (SafetensorError, OSError):
            return None
        return frames if whole and len(ends) == frames else None

    def read(self, start: int, stop: int, futures: list[int]) -> list[Encoded]:
        """Return the moments `start` to `stop` - 1.

        Args:
            start: first moment.
            stop: moment behind the last.
            futures: the frame that each moment's future view is.

        Raises:
            DataError: the file is missing or damaged.
        """
        first, last = min(futures), max(futures) + 1
        try:
            with safe_open(self._path, "pt") as file:
                ends = [0, *file.get_tensor(_ENDS).tolist()][start : stop + 1]
                tokens = file.get_slice(_HIDDEN)[ends[0] : ends[-1]]
                embeddings = file.get_slice(_EMBEDDING)[first:last]
        except (SafetensorError, OSError, IndexError) as error:
            raise DataError(
                f"{self._path} can't be read: delete it and run again ({error})"
            ) from None
        spans = [(a - ends[0], b - ends[0]) for a, b in pairwise(ends)]
        return [
            Encoded(tokens[a:b], embeddings[future - first])
            for (a, b), future in zip(spans, futures, strict=True)
        ]
