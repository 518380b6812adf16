"""The paper's tasks and instructions."""

from __future__ import annotations

import pytest

from dust_sim.containers import CONTAINERS
from dust_sim.objects import OBJECTS
from dust_sim.tasks import TASKS, parse_instruction, task_named


@pytest.mark.parametrize(
    ("task", "source", "target", "text"),
    [
        (
            "box_to_bowl",
            "brown_box",
            "golden_bowl",
            "Pick up the teddy bear on the brown box and place it in the golden bowl.",
        ),
        (
            "box_to_plate",
            "brown_box",
            "white_plate",
            "Pick up the teddy bear on the brown box and place it on the white plate.",
        ),
        (
            "basket_to_bowl",
            "white_basket",
            "black_bowl",
            "Pick up the teddy bear in the white basket and place it in the black bowl.",
        ),
        (
            "plate_to_basket",
            "white_plate",
            "white_basket",
            "Pick up the teddy bear on the white plate and place it in the white basket.",
        ),
    ],
)
def test_tasks_are_the_papers(task, source, target, text):
    assert (TASKS[task].source, TASKS[task].target) == (source, target)
    assert TASKS[task].instruction("teddy_bear") == text


def test_objects_and_words():
    words = [spec.words for spec in OBJECTS.values()]
    assert words == ["teddy bear", "blue cube", "blue cup", "sponge"]


def test_every_instruction_names_its_containers_and_is_unique():
    texts = set()
    for task in TASKS.values():
        for name in OBJECTS:
            text = task.instruction(name)
            assert CONTAINERS[task.source].words in text
            assert CONTAINERS[task.target].words in text
            assert parse_instruction(f"  {text.upper()} ") == (task, name)
            texts.add(text)
    assert len(texts) == 16


def test_wrong_names_are_answered_with_the_right_ones():
    with pytest.raises(ValueError, match=r"no task 'box'; there are: box_to_bowl, "):
        task_named("box")
    with pytest.raises(ValueError, match=r"no object 'cube'; there are: teddy_bear, "):
        TASKS["box_to_bowl"].instruction("cube")
    with pytest.raises(ValueError, match=r"unknown instruction 'Dance\.'"):
        parse_instruction("Dance.")
