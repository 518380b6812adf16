"""Stages: what learns in each, and that gradients reach all of it."""

import numpy as np
import pytest
import torch

from dust_model.checkpoint import BACKBONE, TOKENIZER, Checkpoint
from dust_model.eagle import empty_eagle
from dust_model.pretraining.crops import Crops
from dust_model.pretraining.learner import PictureLearner, Stage
from dust_model.pretraining.source import PictureSource
from dust_model.prompt import Prompter
from dust_model.tokenizer import read_tokenizer
from dust_model.weights import load_module


@pytest.fixture
def make(folder, micro_checkpoint):
    def make(stage, **options):
        checkpoint = Checkpoint.load(micro_checkpoint)
        language = checkpoint.config.vision_language
        eagle = load_module(
            lambda: empty_eagle(language),
            micro_checkpoint / BACKBONE,
            device="cpu",
            dtype=torch.float32,
        )
        prompter = Prompter(read_tokenizer(micro_checkpoint / TOKENIZER), language, views=2)
        return PictureLearner(eagle, folder.facts, prompter, stage=stage, **options)

    return make


@pytest.fixture
def batch(folder):
    source = PictureSource(
        folder,
        Crops(folder, 56),
        np.arange(24),
        grid=4,
        batch=5,
        prompts=2,
        seed=0,
        augmentation=None,
    )
    return source.batch(0)


def learned(learner, batch):
    """Return the first parts of the names of all weights that a gradient reaches."""
    sum(learner.losses(learner(batch), batch).values()).backward()
    return {
        ".".join(name.split(".")[:3])
        for name, weight in learner.named_parameters()
        if weight.grad is not None and weight.grad.abs().sum() > 0
    }


TOWER = {"eagle.model.vision_tower"}
LANGUAGE = {"eagle.model.language_model", "eagle.model.multi_modal_projector"}
PROJECTION = {"eagle.projection.weight", "eagle.projection.bias"}


def parts(names):
    return {name for name in names if name.startswith("eagle")}


def test_the_first_stage_trains_the_tower_alone(make, batch):
    assert parts(learned(make(Stage.TOWER), batch)) == TOWER


def test_the_second_stage_trains_everything(make, batch):
    assert parts(learned(make(Stage.LANGUAGE), batch)) == TOWER | LANGUAGE | PROJECTION


def test_a_tower_at_rest_stays_what_it_is(make, batch):
    learner = make(Stage.LANGUAGE, tunes_tower=False)
    names = learned(learner, batch)
    assert parts(names) == LANGUAGE | PROJECTION
    assert not [name for name in names if name.startswith("tower_heads")]
    assert not [name for name in learner.losses(learner(batch), batch) if "tower" in name]


def test_no_weight_that_learns_is_left_out(make, batch):
    for stage in Stage:
        learner = make(stage)
        sum(learner.losses(learner(batch), batch).values()).backward()
        idle = [n for n, w in learner.named_parameters() if w.requires_grad and w.grad is None]
        assert idle == []


def test_answers_differ_with_the_instruction(make, batch):
    learner = make(Stage.LANGUAGE)
    told = learner(batch)
    reading = told.answers["thing"]["position"]
    assert reading.shape == (5, 2, 5, 3)
    row = next(i for i, texts in enumerate(batch.texts) if texts[0] != texts[1])
    assert not torch.allclose(reading[row, 0], reading[row, 1])


def test_attention_is_guided_in_the_second_stage(make, batch):
    learner = make(Stage.LANGUAGE)
    told = learner(batch)
    rows = told.attention.sum(-1)
    torch.testing.assert_close(rows, torch.ones_like(rows))
    parts = learner.losses(told, batch)
    assert float(parts["guide"].detach()) > 0.5
    assert {"thing/name", "goal/name", "image"} <= set(parts)
