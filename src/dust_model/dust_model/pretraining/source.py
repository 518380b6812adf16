"""Batches of pictures: a function of the seed and the number of the update, nothing else."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dust_model.data.augment import Augmentation
from dust_model.pretraining.colours import draw_colours, jitter
from dust_model.pretraining.crops import Crops
from dust_model.pretraining.folder import PictureFolder
from dust_model.pretraining.targets import Targets, targets_of
from dust_model.pretraining.words import paraphrase
from dust_model.training.seeds import seed_of

_AHEAD = 2
_EXACT = 0.5
_BACK = 0.25
_WITH_SOURCE = 0.7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PictureBatch:
    """B pictures with K instructions each.

    Attributes:
        pixels: float32 [B, V, 3, S, S] in [-1, 1].
        targets: the truth.
        texts: B rows of K instructions.
        things: body that each instruction wants taken, int64 [B, K].
        goals: body that each instruction wants it brought to, int64 [B, K].
    """

    pixels: Tensor
    targets: Targets
    texts: list[list[str]]
    things: Tensor
    goals: Tensor

    def to(self, device: torch.device | str) -> PictureBatch:
        """Return the batch with its tensors on `device`."""
        return PictureBatch(
            pixels=self.pixels.to(device),
            targets=self.targets.to(device),
            texts=self.texts,
            things=self.things.to(device),
            goals=self.goals.to(device),
        )


class PictureSource:
    """Draws batches from some of a folder's pictures.

    Args:
        folder: the pictures.
        crops: their images.
        numbers: of the pictures to draw from, [n].
        grid: patches along a view's side.
        batch: pictures in a batch, B.
        prompts: instructions for each, K.
        seed: of everything random.
        augmentation: how far crops and colours may go; None is inference's view and the
            instructions of the scene only.
    """

    def __init__(
        self,
        folder: PictureFolder,
        crops: Crops,
        numbers: NDArray[np.int64],
        *,
        grid: int,
        batch: int,
        prompts: int,
        seed: int,
        augmentation: Augmentation | None,
    ) -> None:
        self._folder, self._crops, self._numbers = folder, crops, numbers
        self._grid, self._size, self._prompts = grid, min(batch, len(numbers)), prompts
        self._seed, self._augmentation = seed, augmentation

    def __len__(self) -> int:
        """Return how many whole batches go through all pictures once."""
        return len(self._numbers) // self._size

    def batch(self, step: int) -> PictureBatch:
        """Return the batch of update `step`."""
        epoch, place = divmod(step, len(self))
        order = np.random.default_rng(seed_of(self._seed, "order", epoch))
        chosen = order.permutation(self._numbers)[place * self._size : (place + 1) * self._size]
        return self.of(chosen, np.random.default_rng(seed_of(self._seed, "draw", step)))

    def of(self, numbers: NDArray[np.int64], random: np.random.Generator) -> PictureBatch:
        """Return a batch of certain pictures."""
        crops, augmentation = self._crops, self._augmentation
        count = len(numbers)
        corners = np.full((count, 2), crops.centre)
        if augmentation is not None and augmentation.crop:
            corners = random.integers(crops.room + 1, size=(count, 2))
        rgb = torch.from_numpy(crops.take(numbers, corners)).permute(0, 1, 4, 2, 3)
        pixels = rgb.to(torch.float32).div_(127.5).sub_(1.0)
        if augmentation is not None:
            pixels = jitter(pixels, draw_colours(augmentation, random, count))
        labels = {name: values[numbers] for name, values in self._folder.labels.items()}
        targets = targets_of(
            self._folder.facts, labels, corners, size=crops.size, side=crops.side, grid=self._grid
        )
        wanted = [self._instruct(labels, i, random) for i in range(count)]
        return PictureBatch(
            pixels=pixels.contiguous(),
            targets=targets,
            texts=[[text for text, _, _ in row] for row in wanted],
            things=torch.tensor([[thing for _, thing, _ in row] for row in wanted]),
            goals=torch.tensor([[goal for _, _, goal in row] for row in wanted]),
        )

    def batches(self, first: int) -> Iterator[PictureBatch]:
        """Return the batches of update `first` and later ones, made one or two ahead."""
        return _ahead(self, first)

    def _instruct(
        self, labels: dict[str, NDArray[Any]], row: int, random: np.random.Generator
    ) -> list[tuple[str, int, int]]:
        """Draw K instructions for a picture: text, thing, goal. Different things come first."""
        facts, present = self._folder.facts, labels["present"][row]
        things = [i for i, b in enumerate(facts.bodies) if b.graspable and present[i]]
        source, target = int(labels["source"][row]), int(labels["target"][row])
        exact = str(labels["instructions"][row]).split("\n")
        order = random.permutation(len(things))
        chosen = []
        for number in range(self._prompts):
            index = int(order[number % len(things)])
            thing = things[index]
            if self._augmentation is None or random.random() < _EXACT:
                chosen.append((exact[index], thing, target))
                continue
            back = random.random() < _BACK
            goal, origin = (source, target) if back else (target, source)
            named = random.random() < _WITH_SOURCE and not back
            text = paraphrase(
                facts.bodies[thing],
                facts.bodies[origin] if named else None,
                facts.bodies[goal],
                random,
            )
            chosen.append((text, thing, goal))
        return chosen


def split(folder: PictureFolder, share: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the numbers of the pictures to learn from and of those held out.

    Whole shards are held out, spread evenly, at least one: pictures of one trial resemble each
    other.
    """
    shards, per_shard = folder.shards, folder.facts.per_shard
    count = min(shards - 1, max(1, round(share * shards)))
    apart = set(np.linspace(0, shards - 1, count).round().astype(int)) if count > 0 else set()
    numbers = np.arange(shards * per_shard)
    mask = np.isin(numbers // per_shard, sorted(apart))
    return numbers[~mask], numbers[mask]


def _ahead(source: PictureSource, first: int) -> Iterator[PictureBatch]:
    made: queue.Queue[PictureBatch | BaseException] = queue.Queue(_AHEAD)
    over = threading.Event()

    def offer(item: PictureBatch | BaseException) -> None:
        while not over.is_set():
            with suppress(queue.Full):
                made.put(item, timeout=0.2)
                return

    def work() -> None:
        step = first
        try:
            while not over.is_set():
                offer(source.batch(step))
                step += 1
        except BaseException as error:  # told to whoever waits for the batch
            offer(error)

    thread = threading.Thread(target=work, name="batches", daemon=True)
    thread.start()
    try:
        while True:
            item = made.get()
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        over.set()
        thread.join()
