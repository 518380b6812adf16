"""Batches: functions of seed and step."""

import numpy as np
import pytest
import torch

from dust_model.data.augment import Augmentation
from dust_model.pretraining.crops import Crops
from dust_model.pretraining.folder import PictureFolder
from dust_model.pretraining.source import PictureSource, split


def source_of(folder, *, seed=3, augmentation=None, numbers=None, batch=6, prompts=2):
    return PictureSource(
        folder,
        Crops(folder, 56),
        np.arange(len(folder)) if numbers is None else numbers,
        grid=4,
        batch=batch,
        prompts=prompts,
        seed=seed,
        augmentation=augmentation,
    )


def same(a, b):
    return torch.equal(a.pixels, b.pixels) and a.texts == b.texts and torch.equal(a.goals, b.goals)


def test_a_batch_depends_on_seed_and_step_only(folder):
    one, other = (source_of(folder, augmentation=Augmentation()) for _ in range(2))
    for step in (5, 0, 11):
        assert same(one.batch(step), other.batch(step))
    assert not same(one.batch(0), one.batch(4))
    assert not same(one.batch(0), source_of(folder, seed=4, augmentation=Augmentation()).batch(0))


def test_an_epoch_shows_every_picture_once(folder):
    source = source_of(folder)
    assert len(source) == 4
    for epoch in range(2):
        seen = torch.cat([source.batch(4 * epoch + i).targets.position for i in range(4)])
        assert len(np.unique(seen[:, 0].numpy(), axis=0)) == 24


def test_batches_are_made_ahead_in_order(folder):
    source = source_of(folder)
    batches = source.batches(first=2)
    for step in (2, 3, 4):
        assert same(next(batches), source.batch(step))
    batches.close()


def test_a_mistake_in_the_thread_reaches_who_waits(folder):
    batches = source_of(folder, numbers=np.array([1, 2, 10_000])).batches(first=0)
    with pytest.raises(IndexError):
        next(batches)


def test_without_augmentation_instructions_are_those_of_the_scene(folder):
    batch = source_of(folder).of(np.arange(24), np.random.default_rng(0))
    bodies = folder.facts.bodies
    for row, texts in enumerate(batch.texts):
        valid = str(folder.labels["instructions"][row]).split("\n")
        for text, thing, goal in zip(texts, batch.things[row], batch.goals[row], strict=True):
            assert text in valid
            assert bodies[thing].words in text
            assert int(goal) == 3
        both = bool(folder.labels["present"][row, 1])
        assert len(set(batch.things[row].tolist())) == 1 + both


def test_wordings_name_what_the_labels_say(folder):
    source = source_of(folder, augmentation=Augmentation(), prompts=4)
    bodies, goals = folder.facts.bodies, set()
    for step in range(12):
        batch = source.batch(step)
        for row, texts in enumerate(batch.texts):
            for text, thing, goal in zip(texts, batch.things[row], batch.goals[row], strict=True):
                goals.add(int(goal))
                assert bodies[thing].words in text
                if "tray." not in text:
                    assert text.rstrip(".").endswith(bodies[goal].words)
    assert goals == {2, 3}


def test_crops_and_colours_vary_in_training_only(folder):
    still, moving = source_of(folder), source_of(folder, augmentation=Augmentation())
    numbers = np.zeros(4, int)
    assert still.of(numbers, np.random.default_rng(0)).pixels.std(0).max() == 0
    assert moving.of(numbers, np.random.default_rng(0)).pixels.std(0).max() > 0.05


def test_whole_shards_are_held_out(pictures):
    folder = PictureFolder.open(pictures)
    learned, apart = split(folder, 0.5)
    assert (len(learned), len(apart)) == (12, 12)
    assert not set(learned // 6) & set(apart // 6)
    assert len(split(folder, 0.01)[1]) == 6
    assert len(split(PictureFolder.open(pictures, limit=1), 0.5)[1]) == 0
