import logging
from collections import Counter
from dataclasses import replace
from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dust_model.data.faults import DataError, OnFault
from dust_model.data.memory import MemoryDataset
from dust_model.data.sample import Sample
from dust_model.data.shuffle import ShuffledStream, cut_runs, in_order, shuffled


def dataset(*lengths):
    """A dataset whose samples are named episode/moment."""
    blank = Sample(
        views={},
        state=np.zeros(1, np.float32),
        actions=np.zeros((1, 1), np.float32),
        action_mask=np.ones((1, 1), bool),
        instruction="",
    )
    return MemoryDataset(
        [
            [replace(blank, key=f"{episode}/{moment}") for moment in range(length)]
            for episode, length in enumerate(lengths)
        ]
    )


class Counting(MemoryDataset):
    """Counts reads, and fails for the episodes in `broken`."""

    def __init__(self, source, broken=()):
        super().__init__(source._episodes)
        self.reads, self.broken = [], broken

    def read(self, episode, start, stop):
        self.reads.append((episode, start, stop))
        if episode in self.broken:
            raise DataError(f"episode {episode}: broken.mp4 can't be decoded")
        return super().read(episode, start, stop)


def keys(samples):
    return [sample.key for sample in samples]


@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=8),
    run=st.integers(1, 20),
    buffer=st.integers(1, 64),
    lanes=st.integers(1, 5),
    seed=st.integers(0, 2**40),
)
def test_an_epoch_is_every_sample_once(lengths, run, buffer, lanes, seed):
    source = dataset(*lengths)
    lanes = min(lanes, sum(lengths))
    stream = ShuffledStream(source, seed=seed, epochs=1, run=run, buffer=buffer, lanes=lanes)
    assert sorted(keys(stream)) == sorted(keys(in_order(source)))


@given(
    lengths=st.lists(st.integers(4, 60), min_size=1, max_size=8),
    run=st.integers(1, 20),
    times=st.integers(1, 4),
    lanes=st.integers(1, 4),
    seed=st.integers(0, 2**40),
)
def test_what_is_in_focus_comes_more_often(lengths, run, times, lanes, seed):
    source = dataset(*lengths)
    focus = [((0, 2), (length - 1, length)) for length in lengths]
    stream = ShuffledStream(
        source, seed=seed, epochs=1, run=run, lanes=lanes, focus=focus, times=times
    )
    counts = Counter(keys(stream))
    for episode, length in enumerate(lengths):
        for moment in range(length):
            inside = moment < 2 or moment == length - 1
            assert counts[f"{episode}/{moment}"] == (times if inside else 1)


def test_every_turn_of_a_moment_in_focus_is_augmented_anew():
    stream = ShuffledStream(dataset(6), epochs=1, focus=[((2, 5),)], times=3)
    seeds = {(sample.key, sample.seed) for sample in stream}
    assert len(seeds) == 6 + 2 * 3
    plain = {(sample.key, sample.seed) for sample in ShuffledStream(dataset(6), epochs=1)}
    assert plain < seeds


def test_going_on_with_a_focus_gives_what_would_have_come():
    def stream():
        return ShuffledStream(dataset(40, 30), lanes=2, focus=[((5, 9),), ()], times=4)

    later = stream()
    later.pass_over(25)
    assert keys(islice(later, 100)) == keys(islice(stream(), 150))[50:]


def test_a_focus_of_other_episodes_is_refused():
    with pytest.raises(ValueError, match="stretches of 1 episodes, the source 2"):
        ShuffledStream(dataset(5, 5), focus=[((0, 2),)], times=2)


@settings(max_examples=30)
@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    lanes=st.integers(1, 16),
    seed=st.integers(0, 99),
)
def test_small_data_fill_every_lane_for_ever(lengths, lanes, seed):
    lanes = min(lanes, sum(lengths))
    # Hardly a buffer: out of a large one, a sample may be long in coming.
    stream = ShuffledStream(dataset(*lengths), seed=seed, lanes=lanes, buffer=lanes)
    samples = keys(islice(stream, 5 * lanes * sum(lengths)))
    assert set(samples) == set(keys(in_order(dataset(*lengths))))


@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=8),
    run=st.integers(1, 20),
    seed=st.integers(0, 99),
)
def test_runs_cover_every_episode_without_overlap(lengths, run, seed):
    runs = cut_runs(lengths, run, 3, np.random.default_rng(seed))
    covered = [(r.episode, moment) for r in runs for moment in range(r.start, r.stop)]
    assert covered == [(e, m) for e, length in enumerate(lengths) for m in range(length)]
    assert max(r.stop - r.start for r in runs) <= run
    assert {r.epoch for r in runs} == {3}


@given(items=st.lists(st.integers()), size=st.integers(1, 20))
def test_the_buffer_loses_nothing_and_looks_no_further_ahead(items, size):
    drawn = list(shuffled(enumerate(items), size, np.random.default_rng(0)))
    assert sorted(drawn) == list(enumerate(items))
    assert all(index < place + size for place, (index, _) in enumerate(drawn))


def test_the_order_follows_the_seed_and_changes_every_epoch():
    source = dataset(30, 40)
    first, again, other = (
        keys(islice(ShuffledStream(source, seed=seed, run=8, buffer=16), 140)) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other
    assert first[:70] != first[70:]
    assert max(Counter(first).values()) <= 3  # the buffer reaches over the epoch's end


def test_neighbours_are_far_apart():
    source = dataset(*[200] * 10)
    order = keys(ShuffledStream(source, epochs=1, run=32, buffer=256))
    episodes = [key.split("/")[0] for key in order]
    same = np.mean([a == b for a, b in pairwise(episodes)])
    assert same < 0.2  # 0.1 if drawn evenly
    batches = [len(set(episodes[i : i + 32])) for i in range(256, 1600, 32)]
    assert np.mean(batches) > 6  # of 10 episodes


@pytest.mark.parametrize("ways", [1, 2, 3, 6])
def test_processes_take_the_lanes_of_one_order(ways):
    source = dataset(50, 60, 70)
    options = {"seed": 4, "run": 5, "buffer": 24, "lanes": 6}
    whole = keys(islice(ShuffledStream(source, **options), 120))
    parts = [
        keys(islice(ShuffledStream(source, **options, chosen=range(i, 6, ways)), 120 // ways))
        for i in range(ways)
    ]
    assert [key for row in zip(*parts, strict=True) for key in row] == whole


@pytest.mark.parametrize("passed", [1, 7, 64, 300])
def test_passing_over_goes_on_exactly_and_decodes_nothing_before(passed):
    source = dataset(50, 60)
    options = {"seed": 4, "run": 8, "buffer": 16, "lanes": 2}
    whole = list(islice(ShuffledStream(source, **options), 2 * passed + 40))
    counting = Counting(source)
    stream = ShuffledStream(counting, **options)
    stream.pass_over(passed)
    rest = list(islice(stream, 40))
    assert keys(rest) == keys(whole[2 * passed :])
    assert [s.seed for s in rest] == [s.seed for s in whole[2 * passed :]]
    assert len(counting.reads) < 24


def test_each_run_is_read_once():
    source = Counting(dataset(100, 90))
    samples = list(ShuffledStream(source, epochs=1, run=16, buffer=48))
    assert len(samples) == 190
    assert len(source.reads) == len(set(source.reads)) <= 14


def test_seeds_differ_by_epoch_and_moment_only():
    source = dataset(12)
    one = ShuffledStream(source, seed=3, epochs=2, run=4, buffer=4)
    other = ShuffledStream(source, seed=3, epochs=2, run=6, buffer=9, lanes=2)
    seeds = sorted((s.key, s.seed) for s in one)
    assert sorted((s.key, s.seed) for s in other) == seeds
    assert len({seed for _, seed in seeds}) == 24


def test_a_broken_run_stops_or_is_left_out(caplog):
    source = Counting(dataset(20, 20, 20), broken={1})
    with pytest.raises(DataError, match=r"episode 1: broken\.mp4"):
        list(ShuffledStream(source, epochs=1, run=8, buffer=8))
    stream = ShuffledStream(source, epochs=1, run=8, buffer=8, on_fault=OnFault.SKIP)
    with caplog.at_level(logging.WARNING):
        samples = keys(stream)
    assert sorted(samples) == sorted(f"{episode}/{i}" for episode in (0, 2) for i in range(20))
    assert any("left out: episode 1: broken.mp4" in line for line in caplog.messages)


def test_nothing_but_broken_runs_ends():
    source = Counting(dataset(20, 20), broken={0, 1})
    with pytest.raises(DataError, match="nothing can be decoded: "):
        next(iter(ShuffledStream(source, run=8, on_fault=OnFault.SKIP)))


def test_wrong_arguments_are_refused():
    source = dataset(4)
    for arguments, message in (
        ({"run": 0}, "run=0 and buffer=256 must be >= 1"),
        ({"epochs": 0}, "epochs must be >= 1 or None, got 0"),
        ({"seed": -1}, "seed must be >= 0, got -1"),
        ({"lanes": 2, "chosen": (2,)}, r"chosen lanes must lie in 0..lanes-1=1, got \[2\]"),
        ({"chosen": ()}, "chosen lanes"),
    ):
        with pytest.raises(ValueError, match=message):
            ShuffledStream(source, **arguments)
    with pytest.raises(ValueError, match="samples to pass over must be >= 0, got -1"):
        ShuffledStream(source).pass_over(-1)
    with pytest.raises(ValueError, match="the data are 4 samples, too few for 5 lanes"):
        ShuffledStream(source, lanes=5)
