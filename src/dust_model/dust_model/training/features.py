"""Features of a frozen vision-language model on disk: what was seen once is not encoded again.

    CACHE/<hidden fingerprint>/<dataset's identity>/000017.safetensors     one per episode

Episodes are encoded before the first update, in order, each at once or not at all, so that a run
that was killed goes on where it was. They serve every run with the same vision-language model,
whatever became of its projection: baselines, ablations, seeds, runs that go on from another's end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor
from tqdm import tqdm

from dust_model.data.encoded import EncodedEpisode, EpisodeFile
from dust_model.data.sample import Sample

RUN = 32
"""Moments that are encoded together."""

Encode = Callable[[Sequence[Sample]], tuple[list[Tensor], Tensor]]
"""Samples with pictures -> token rows [T_i, W] and embeddings of the primary view [n, O, V]."""


class PictureSource(Protocol):
    """Episodes whose numbers can be read without their pictures: LeRobotDataset."""

    @property
    def lengths(self) -> Sequence[int]:
        """Samples of each episode."""

    @property
    def names(self) -> Sequence[str]:
        """Name of each episode, unique within the dataset."""

    @property
    def identity(self) -> str:
        """Digest that changes when pictures or instructions do."""

    def read(self, episode: int, start: int, stop: int) -> list[Sample]:
        """Return the samples `start` to `stop` - 1 of an episode."""

    def read_numbers(self, episode: int, start: int, stop: int) -> list[Sample]:
        """Return the same samples without pictures."""

    def future_of(self, episode: int, moment: int) -> int:
        """Return the frame that is the future view of `moment`."""


class EncodedSource:
    """A source whose pictures have been encoded.

    Args:
        source: for everything but the pictures.
        folder: with one file per episode.
    """

    def __init__(self, source: PictureSource, folder: Path) -> None:
        self._source = source
        self._files = [EpisodeFile(_file(folder, name)) for name in source.names]

    @property
    def lengths(self) -> tuple[int, ...]:
        """Samples of each episode."""
        return tuple(self._source.lengths)

    def read(self, episode: int, start: int, stop: int) -> list[Sample]:
        """Return the samples `start` to `stop` - 1 of an episode, encoded.

        Raises:
            DataError: the episode's file is missing or damaged.
        """
        samples = self._source.read_numbers(episode, start, stop)
        moments = range(start, start + len(samples))
        futures = [self._source.future_of(episode, moment) for moment in moments]
        encoded = self._files[episode].read(start, moments.stop, futures)
        return [replace(s, encoded=e) for s, e in zip(samples, encoded, strict=True)]


def encode_episodes(
    source: PictureSource,
    folder: Path,
    encode: Encode,
    *,
    rank: int = 0,
    ranks: int = 1,
    progress: bool = True,
) -> None:
    """Encode the episodes of `source` that `folder` lacks.

    Args:
        source: with pictures; their future views are not needed.
        folder: for the files; it must be used with one model only.
        encode: the model.
        rank: number of this process, which takes every `ranks`-th missing episode.
        ranks: processes that share the work.
        progress: show a bar.

    Raises:
        DataError: a picture can't be decoded, or the disk is full.
    """
    missing = [
        (number, name, length)
        for number, (name, length) in enumerate(zip(source.names, source.lengths, strict=True))
        if EpisodeFile(_file(folder, name)).length() != length
    ]
    own = missing[rank::ranks]
    if not own:
        return
    bar = tqdm(total=sum(length for *_, length in own), unit="frame", disable=not progress)
    bar.set_description("encoding")
    with bar:
        for number, name, length in own:
            hidden, embeddings = [], []
            for start in range(0, length, RUN):
                samples = source.read(number, start, min(start + RUN, length))
                rows, embedding = encode(samples)
                hidden += rows
                embeddings.append(embedding)
                bar.update(len(samples))
            EncodedEpisode(hidden, torch.cat(embeddings)).write(_file(folder, name))


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.safetensors"


def pad_left(rows: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Stack token rows [T_i, D] as [B, T, D], padded with zeros on the left, with their mask."""
    length = max(len(row) for row in rows)
    stacked = rows[0].new_zeros(len(rows), length, rows[0].shape[1])
    mask = torch.zeros(len(rows), length, dtype=torch.bool, device=stacked.device)
    for index, row in enumerate(rows):
        stacked[index, length - len(row) :] = row
        mask[index, length - len(row) :] = True
    return stacked, mask
