"""Samples in random order without random access: runs of an episode, mixed in a buffer.

Videos decode fast forwards and slowly at random. So each epoch cuts all episodes into short runs
(with the cuts in other places every time), takes the runs in random order, decodes each as a whole
and draws the samples out of a buffer that holds those of several runs:

    runs       e7[32:64]  e2[0:32]  e9[64:71]  e7[0:32]  ...      one seek per camera and run
    buffer     256 moments of at least 8 different runs, drawn at random

The order is a function of the seed alone, known without decoding anything: a training run that
goes on after a stop passes over what it has seen at once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from torch.utils.data import IterableDataset, get_worker_info

from dust_model.config import require
from dust_model.data.faults import DataError, OnFault
from dust_model.data.focus import Stretch
from dust_model.data.sample import Sample

T = TypeVar("T")

_LOG = logging.getLogger(__name__)


class Source(Protocol):
    """Episodes that can be read in runs: LeRobotDataset, MemoryDataset."""

    @property
    def lengths(self) -> Sequence[int]:
        """Samples of each episode."""

    def read(self, episode: int, start: int, stop: int) -> list[Sample]:
        """Return the samples `start` to `stop` - 1 of an episode."""


class Run(NamedTuple):
    """Neighbouring moments `start` to `stop` - 1 of an episode, within an epoch.

    The `turn` is 0, and 1, 2, ... when the epoch has the same moments once more.
    """

    epoch: int
    episode: int
    start: int
    stop: int
    turn: int = 0


class ShuffledStream(IterableDataset[Sample]):
    """Samples of a source in random order, epoch after epoch, from several lanes in turn.

    Each lane takes its share of every epoch's runs and shuffles it in a buffer of its own; sample
    i comes from lane i % lanes. Processes and workers read lanes of their own, so that the order
    of the whole is the same however many they are. Every sample comes once an epoch, those in
    focus more often (around an epoch's end a lane mixes it with the next). Each draw carries its
    own seed for the augmentation, which depends on epoch, moment and turn alone.

    Args:
        source: where the samples come from.
        seed: of the order and of the augmentation.
        epochs: passes over the source; None goes on for ever.
        run: moments that are decoded together; fewer if the lanes outnumber such runs.
        buffer: moments to draw from, in all lanes together.
        lanes: number of lanes.
        chosen: the lanes that are read here, in turn; None reads all.
        on_fault: SKIP leaves out a run that can't be decoded, and logs it.
        focus: stretches of each episode that come more often; empty for none.
        times: how often they come in an epoch.
    """

    def __init__(
        self,
        source: Source,
        *,
        seed: int = 0,
        epochs: int | None = None,
        run: int = 32,
        buffer: int = 256,
        lanes: int = 1,
        chosen: Sequence[int] | None = None,
        on_fault: OnFault = OnFault.RAISE,
        focus: Sequence[Sequence[Stretch]] = (),
        times: int = 1,
    ) -> None:
        require(seed >= 0, f"seed must be >= 0, got {seed}")
        require(epochs is None or epochs >= 1, f"epochs must be >= 1 or None, got {epochs}")
        require(run >= 1 and buffer >= 1, f"run={run} and buffer={buffer} must be >= 1")
        require(times >= 1, f"times must be >= 1, got {times}")
        require(
            len(focus) in (0, len(source.lengths)),
            f"focus has stretches of {len(focus)} episodes, the source {len(source.lengths)}",
        )
        own = tuple(range(lanes) if chosen is None else chosen)
        require(
            bool(own) and min(own) >= 0 and max(own) < lanes,
            f"chosen lanes must lie in 0..lanes-1={lanes - 1}, got {list(own)}",
        )
        self._source, self._seed, self._epochs = source, seed, epochs
        self._run = _fitting_run(source.lengths, run, lanes)
        self._buffer, self._lanes = max(1, buffer // lanes), lanes
        self._chosen, self._on_fault = own, on_fault
        self._focus, self._times = focus, times
        self._passed = 0

    def pass_over(self, samples: int) -> None:
        """Begin behind the first `samples` of each lane, without decoding them.

        With the same seed and lanes the next samples are then the very ones that would have come,
        unless runs were left out on the way. Call it before iterating.
        """
        require(samples >= 0, f"samples to pass over must be >= 0, got {samples}")
        self._passed = samples

    def __iter__(self) -> Iterator[Sample]:
        worker = get_worker_info()
        own = self._chosen[worker.id :: worker.num_workers] if worker else self._chosen
        lanes = [self._lane(lane) for lane in own]
        while lanes:
            for lane in tuple(lanes):
                sample = next(lane, None)
                if sample is None:
                    lanes.remove(lane)
                else:
                    yield sample

    def _lane(self, lane: int) -> Iterator[Sample]:
        random = np.random.default_rng((self._seed, self._lanes, lane))
        moments = ((run, m) for run in self._runs(lane) for m in range(run.start, run.stop))
        return self._decoded(shuffled(moments, self._buffer, random))

    def _runs(self, lane: int) -> Iterator[Run]:
        epoch = 0
        while self._epochs is None or epoch < self._epochs:
            random = np.random.default_rng((self._seed, epoch))
            runs = cut_runs(self._source.lengths, self._run, epoch, random)
            for turn in range(1, self._times):
                runs += cut_stretches(self._focus, self._run, epoch, turn, random)
            order = random.permutation(len(runs))
            yield from (runs[i] for i in order[lane :: self._lanes])
            epoch += 1

    def _decoded(self, moments: Iterable[tuple[Run, int]]) -> Iterator[Sample]:
        left: dict[Run, int] = {}
        ready: dict[Run, dict[int, Sample]] = {}
        faults = 0
        for count, (run, moment) in enumerate(moments):
            left[run] = left.get(run, run.stop - run.start) - 1
            if count >= self._passed:
                if run not in ready:
                    ready[run] = self._read(run)
                    faults = 0 if ready[run] else faults + 1
                    self._require_some(faults)
                if moment in ready[run]:
                    yield self._drawn(ready[run].pop(moment), run, moment)
            if not left[run]:
                del left[run]
                ready.pop(run, None)

    def _read(self, run: Run) -> dict[int, Sample]:
        try:
            samples = self._source.read(run.episode, run.start, run.stop)
        except DataError as fault:
            if self._on_fault is OnFault.RAISE:
                raise
            _LOG.warning("moments %d to %d left out: %s", run.start, run.stop - 1, fault)
            return {}
        return dict(zip(range(run.start, run.stop), samples, strict=True))

    def _require_some(self, faults: int) -> None:
        """Stop instead of searching for ever when nothing can be decoded."""
        runs = sum(-(-length // self._run) + 1 for length in self._source.lengths)
        if faults > runs:
            raise DataError(f"nothing can be decoded: {faults} runs in a row were left out")

    def _drawn(self, sample: Sample, run: Run, moment: int) -> Sample:
        words = (self._seed, run.epoch, run.episode, moment, *((run.turn,) if run.turn else ()))
        seed = np.random.SeedSequence(words).generate_state(1, np.uint64)[0]
        return replace(sample, seed=int(seed))


def cut_runs(
    lengths: Sequence[int], run: int, epoch: int, random: np.random.Generator
) -> list[Run]:
    """Cut every episode into runs of `run` moments, the first of a random length up to that."""
    return [
        Run(epoch, episode, a, b)
        for episode, length in enumerate(lengths)
        for a, b in _pieces(0, length, run, random)
    ]


def cut_stretches(
    focus: Sequence[Sequence[Stretch]],
    run: int,
    epoch: int,
    turn: int,
    random: np.random.Generator,
) -> list[Run]:
    """Cut the stretches of each episode into runs as `cut_runs` cuts episodes, for one turn."""
    return [
        Run(epoch, episode, a, b, turn)
        for episode, stretches in enumerate(focus)
        for start, stop in stretches
        for a, b in _pieces(start, stop, run, random)
    ]


def _pieces(
    start: int, stop: int, run: int, random: np.random.Generator
) -> Iterator[tuple[int, int]]:
    first = min(stop, start + int(random.integers(1, run, endpoint=True)))
    return pairwise((start, *range(first, stop, run), stop))


def _fitting_run(lengths: Sequence[int], run: int, lanes: int) -> int:
    """Return the longest run, up to `run`, that gives every lane one in every epoch."""
    total = sum(lengths)
    require(total >= lanes, f"the data are {total} samples, too few for {lanes} lanes")
    fitting = (r for r in range(run, 0, -1) if sum(-(-n // r) for n in lengths) >= lanes)
    return next(fitting)


def shuffled(items: Iterable[T], size: int, random: np.random.Generator) -> Iterator[T]:
    """Yield every item once, drawn at random out of the next `size` that have not come yet."""
    buffer: list[T] = []
    for item in items:
        if len(buffer) < size:
            buffer.append(item)
            continue
        place = int(random.integers(size))
        drawn, buffer[place] = buffer[place], item
        yield drawn
    random.shuffle(buffer)
    yield from buffer


def in_order(source: Source, *, run: int = 32) -> Iterator[Sample]:
    """Yield every sample of a source once, in order: for evaluation, caches and statistics."""
    for episode, length in enumerate(source.lengths):
        for start in range(0, length, run):
            yield from source.read(episode, start, min(start + run, length))
