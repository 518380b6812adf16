"""What may be collected, and how mistakes are told."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dust_demos.collection.settings import OBJECTS, SEEDS, TASKS, CollectionSettings
from dust_eval.protocol import RESERVED
from dust_sim import objects, tasks
from dust_sim.tasks import EVALUATION_SEEDS

CONFIG = Path(__file__).parents[4] / "config" / "collect_demos.yaml"


def load(tmp_path, text, **overrides):
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    return CollectionSettings.load(path, overrides)


def test_the_file_lists_every_setting_with_its_default():
    assert CollectionSettings.load(CONFIG, {}) == CollectionSettings()
    listed = set(yaml.safe_load(CONFIG.read_text()))
    assert listed == set(CollectionSettings.__dataclass_fields__)


def test_names_are_the_cells():
    assert tuple(tasks.TASKS) == TASKS
    assert tuple(objects.OBJECTS) == OBJECTS


def test_seeds_of_the_evaluation_are_not_touched():
    assert not set(SEEDS) & set(EVALUATION_SEEDS)
    assert not set(SEEDS) & set(RESERVED)


def test_the_command_line_goes_before_the_file(tmp_path):
    settings = load(tmp_path, "per_task: 7\nvariation: 0.25", per_task=8, variation=None)
    assert (settings.per_task, settings.variation) == (8, 0.25)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"seed_from": 0}, "seeds 0 to 59 are not all demonstrations'"),
        ({"seed_from": 5}, "1000 to 99999"),
        ({"seed_from": 99_990}, "99990 to 100049"),
        ({"per_task": 0}, "per_task is 0; allowed: at least 1"),
        ({"per_task": 2.5}, "per_task must be a whole number, is 2.5"),
        ({"variation": 1.5}, "variation is 1.5; allowed: 0 to 1"),
        ({"perturbation": float("nan")}, "perturbation is nan; allowed: 0 to 1"),
        ({"distractors": True}, "distractors must be a number, is True"),
        ({"real_time_factor": 0.0}, "real_time_factor is 0; allowed: 0.05 to 50"),
        ({"tasks": ["box_to_moon"]}, "tasks: no 'box_to_moon'; there are: box_to_bowl"),
        ({"objects": ["sponge", "sponge"]}, "names one twice"),
        ({"objects": []}, "objects must be a list of names"),
        ({"speed": 2}, "no setting 'speed'; there are: tasks, objects"),
    ],
)
def test_mistakes_are_told_in_one_line(overrides, words):
    with pytest.raises(ValueError, match=r"\w") as caught:
        CollectionSettings.load(None, overrides)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [("per_task: [", "is not YAML"), ("- 1", "must map names"), ("per_task: 0", "at least 1")],
)
def test_mistakes_in_the_file_name_it(tmp_path, text, words):
    with pytest.raises(ValueError, match=r"settings\.yaml") as caught:
        load(tmp_path, text)
    assert words in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"none\.yaml can't be read: No such file"):
        CollectionSettings.load(tmp_path / "none.yaml", {})


@given(st.integers(1000, 99_000), st.integers(1, 900))
def test_seeds_of_demonstrations_are_allowed(first, count):
    settings = CollectionSettings(seed_from=first, per_task=count)
    assert settings.seed_from == first
