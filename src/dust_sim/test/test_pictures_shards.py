"""Folders of pictures: what is written can be read, and is not mixed with others."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dust_sim.pictures_camera import CLASSES, LABELLED
from dust_sim.pictures_shards import FACTS, claim, facts, shard_path, valid_instructions
from dust_sim.tasks import TASKS, parse_instruction


def test_facts_name_everything():
    values = facts(seed=3)
    assert values["classes"] == list(CLASSES)
    assert [body["name"] for body in values["bodies"]] == list(LABELLED)
    inside = {body["name"] for body in values["bodies"] if body["inside"]}
    assert inside == {"golden_bowl", "black_bowl", "white_basket"}
    turns = {body["name"]: body["grasp_period"] for body in values["bodies"]}
    assert turns["blue_cube"] == pytest.approx(np.pi / 2)
    assert turns["brown_box"] == 0.0
    json.dumps(values)


def test_instructions_of_a_scene_are_the_tasks_with_what_is_there():
    for task in TASKS.values():
        texts = valid_instructions(task, ("sponge", task.target, "teddy_bear"))
        assert [parse_instruction(text) for text in texts] == [
            (task, "teddy_bear"),
            (task, "sponge"),
        ]


def test_a_folder_keeps_to_one_kind_of_pictures(tmp_path):
    claim(tmp_path / "out", facts(seed=1))
    written = (tmp_path / "out" / FACTS).read_bytes()
    claim(tmp_path / "out", facts(seed=1))
    assert (tmp_path / "out" / FACTS).read_bytes() == written
    with pytest.raises(ValueError, match="another seed: choose another folder"):
        claim(tmp_path / "out", facts(seed=2))
    with pytest.raises(ValueError, match="another per_shard"):
        claim(tmp_path / "out", facts(seed=1, per_shard=4))


def test_shards_are_named_in_order(tmp_path):
    names = [shard_path(tmp_path, index).name for index in (0, 9, 10, 123456)]
    assert names == sorted(names)
