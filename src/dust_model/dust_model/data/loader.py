"""Batches for training: the same ones whatever the number of processes and workers.

global batch  row 0   1   2   3   4   5   6   7      batch_size 8, lanes 4
lane              0   1   2   3   0   1   2   3
process 0         x       x       x       x          of 2
process 1             x       x       x       x
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence

import torch
from torch.utils.data import DataLoader

from dust_model.config import require
from dust_model.data.collate import Batch, Collator, interleave
from dust_model.data.faults import DataError, OnFault
from dust_model.data.focus import Stretch
from dust_model.data.shuffle import ShuffledStream, Source

LANES = 16
"""At most as many lanes unless told otherwise; each holds one decoded run in memory."""


_NAME = f"{DataError.__module__}.{DataError.__qualname__}"


class Loader:
    """Endless batches of a source in random order, decoded by workers in the background.

    Args:
        source: a LeRobotDataset or MemoryDataset.
        collator: makes the tensors, with or without augmentation.
        batch_size: samples in a batch of all processes together.
        seed: of the order and of the augmentation.
        lanes: streams that batches are put together from, a divisor of batch_size; the number of
            processes must divide it. None takes the largest divisor up to LANES.
        workers: processes that decode for one training process; 0 decodes in the process itself.
            The largest number up to this that divides a process's lanes is used.
        run: neighbouring moments that are decoded together.
        buffer: moments to draw from, in all lanes together.
        on_fault: what to do about frames that can't be decoded.
        pin_memory: put batches into pinned memory, for copies to a GPU.
        focus: stretches of each episode that come more often; empty for none.
        times: how often they come in an epoch.
    """

    def __init__(
        self,
        source: Source,
        collator: Collator,
        *,
        batch_size: int,
        seed: int = 0,
        lanes: int | None = None,
        workers: int = 0,
        run: int = 32,
        buffer: int = 256,
        on_fault: OnFault = OnFault.RAISE,
        pin_memory: bool = False,
        focus: Sequence[Sequence[Stretch]] = (),
        times: int = 1,
    ) -> None:
        require(batch_size >= 1, f"batch_size must be >= 1, got {batch_size}")
        require(workers >= 0, f"workers must be >= 0, got {workers}")
        self._lanes = _largest_divisor(batch_size, LANES) if lanes is None else lanes
        require(
            self._lanes >= 1 and batch_size % self._lanes == 0,
            f"lanes={self._lanes} must divide batch_size={batch_size}",
        )
        self._source, self._collator = source, collator
        self._batch_size, self._workers = batch_size, workers
        self._seed, self._run, self._buffer = seed, run, buffer
        self._on_fault, self._pin = on_fault, pin_memory
        self._focus, self._times = focus, times

    def batches(self, *, first: int = 0, rank: int = 0, ranks: int = 1) -> Iterator[Batch]:
        """Yield one process's share of the batches `first`, `first` + 1, ... for ever.

        The share is rows rank, rank + ranks, ... of the batch. Nothing before `first` is decoded.

        Raises:
            ValueError: the lanes can't be shared out among `ranks` processes.
        """
        require(0 <= rank < ranks, f"rank must lie in 0..ranks-1={ranks - 1}, got {rank}")
        require(
            self._lanes % ranks == 0,
            f"lanes={self._lanes} can't be shared out among {ranks} processes: set lanes to a "
            f"multiple of {ranks} that divides batch_size={self._batch_size}",
        )
        stream = ShuffledStream(
            self._source,
            seed=self._seed,
            run=self._run,
            buffer=self._buffer,
            lanes=self._lanes,
            chosen=range(rank, self._lanes, ranks),
            on_fault=self._on_fault,
            focus=self._focus,
            times=self._times,
        )
        stream.pass_over(first * (self._batch_size // self._lanes))
        return self._loaded(stream, self._lanes // ranks, self._batch_size // ranks)

    def _loaded(self, stream: ShuffledStream, lanes: int, rows: int) -> Iterator[Batch]:
        workers = _largest_divisor(lanes, self._workers) if self._workers else 0
        parts = max(1, workers)
        loader = DataLoader(
            stream,
            batch_size=rows // parts,
            num_workers=workers,
            collate_fn=self._collator,
            pin_memory=self._pin,
            # Its own, so that nothing is drawn from the training's random numbers.
            generator=torch.Generator().manual_seed(self._seed),
        )
        iterator = iter(loader)
        while True:  # the loader takes its workers' parts in turn
            try:
                batch = interleave([next(iterator) for _ in range(parts)])
            except DataError as error:
                line = _own_line(error)
                traceback.clear_frames(error.__traceback__)
                break
            yield batch
        # Nothing of the error may keep the iterator alive, or its workers would linger.
        del iterator, loader
        raise DataError(line)


def _own_line(error: DataError) -> str:
    """Return the line of a fault, which a worker's comes wrapped into a traceback."""
    return str(error).strip().splitlines()[-1].removeprefix(f"{_NAME}: ")


def _largest_divisor(number: int, limit: int) -> int:
    return next(divisor for divisor in range(min(number, limit), 0, -1) if number % divisor == 0)
