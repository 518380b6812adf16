"""Features of a frozen vision-language model on disk: what was seen once is not encoded again."""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

NAME = "value"


def content_key(kind: str, *contents: Tensor | str) -> str:
    """Return a name made of what a feature is computed from: pixels, and the instruction."""
    digest = hashlib.blake2b(kind.encode(), digest_size=16)
    for content in contents:
        if isinstance(content, str):
            digest.update(content.encode())
        else:
            digest.update(str(tuple(content.shape)).encode())
            digest.update(content.contiguous().numpy().data)
    return digest.hexdigest()


class FeatureCache:
    """One tensor per file, named by content; safe with several processes and a full disk.

    Args:
        folder: where the files lie. It must be used with one model and one dtype only: name it by
            the checkpoint's fingerprint.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._full = False

    def get(self, key: str) -> Tensor | None:
        """Return what is kept under `key`; None if nothing is, or it is damaged."""
        path = self._path(key)
        try:
            return load_file(path)[NAME]
        except FileNotFoundError:
            return None
        except (SafetensorError, OSError, KeyError) as error:
            warnings.warn(f"{path} is damaged and is made again: {error}", stacklevel=2)
            return None

    def put(self, key: str, value: Tensor) -> None:
        """Keep `value` under `key`. When the disk is full, warn once and keep nothing more."""
        if self._full:
            return
        path = self._path(key)
        scratch = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, scratch = tempfile.mkstemp(dir=path.parent)
            os.close(handle)
            save_file({NAME: value.contiguous()}, scratch)
            os.replace(scratch, path)
        except (SafetensorError, OSError) as error:
            self._full = True
            if scratch is not None:
                Path(scratch).unlink(missing_ok=True)
            warnings.warn(f"features are no longer kept in {self._folder}: {error}", stacklevel=2)

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key[2:]}.safetensors"


def pad_left(rows: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Stack token rows [T_i, D] as [B, T, D], padded with zeros on the left, with their mask."""
    length = max(len(row) for row in rows)
    stacked = rows[0].new_zeros(len(rows), length, rows[0].shape[1])
    mask = torch.zeros(len(rows), length, dtype=torch.bool, device=stacked.device)
    for index, row in enumerate(rows):
        stacked[index, length - len(row) :] = row
        mask[index, length - len(row) :] = True
    return stacked, mask
