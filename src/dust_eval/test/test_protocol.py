"""Tests of dust_eval.protocol: the protocol file, and which objects share a scene."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_eval.protocol import RESERVED, choose_distractors, load_protocol
from dust_sim import fr3
from dust_sim.placement import place
from dust_sim.tasks import EVALUATION_SEEDS

SHIPPED = Path(__file__).parents[3] / "config" / "protocol.yaml"
SMALL = """
tasks: {a: "put the {object} down", b: "pick the {object} up"}
objects: [red_cube, cup]
configurations: [{seed: 3, distractors: 1}, 7]
time_limit: 30
"""


@pytest.fixture(scope="module")
def shipped():
    return load_protocol(SHIPPED)


@pytest.fixture
def write(tmp_path):
    def written(text):
        path = tmp_path / "protocol.yaml"
        path.write_text(text)
        return path

    return written


def test_the_shipped_protocol_is_the_papers(shipped):
    assert len(shipped.specs) == 96
    assert len({spec.name for spec in shipped.specs}) == 96
    assert Counter(spec.task for spec in shipped.specs) == {
        "box_to_bowl": 24,
        "box_to_plate": 24,
        "basket_to_bowl": 24,
        "plate_to_basket": 24,
    }
    assert sorted({spec.seed for spec in shipped.specs}) == list(EVALUATION_SEEDS)
    assert shipped.trained_on == []


def test_the_shipped_scenes_can_be_set_up_and_are_told_as_the_cell_tells_them(shipped):
    for spec in shipped.specs:
        placement = place(spec.task, spec.object_name, spec.seed, distractors=spec.distractors)
        assert placement.instruction == shipped.instruction(spec)
    assert shipped.start_pose == pytest.approx(tuple(fr3.HOME), abs=1e-6)


def test_half_of_the_shipped_scenes_have_distractors_in_turn(shipped):
    crowded = [spec for spec in shipped.specs if spec.distractors]
    assert len(crowded) == 48
    pairs = Counter((spec.object_name, name) for spec in crowded for name in spec.distractors)
    assert len(pairs) == 12
    assert max(pairs.values()) - min(pairs.values()) <= 1


@given(st.integers(0, 10_000), st.integers(0, 3), st.integers(0, 9))
def test_distractors_are_other_objects_each_once(seed, count, shift):
    objects = ["a", "b", "c", "d"]
    chosen = choose_distractors(objects, "b", seed, count, shift=shift)
    assert len(set(chosen)) == count
    assert set(chosen) <= {"a", "c", "d"}
    assert chosen == choose_distractors(objects, "b", seed, count, shift=shift)


def test_a_protocol_is_the_product_of_its_lists(write):
    protocol = load_protocol(write(SMALL))
    assert [spec.name for spec in protocol.specs][:3] == ["a-red_cube-3", "a-red_cube-7", "a-cup-3"]
    assert protocol.specs[0].distractors == ("cup",)
    assert protocol.specs[0].objects == ("red_cube", "cup")
    assert protocol.specs[1].distractors == ()
    assert protocol.instruction(protocol.specs[0]) == "put the red cube down"
    assert protocol.time_limit_sec == 30


def test_a_part_of_a_protocol(write):
    protocol = load_protocol(write(SMALL))
    part = protocol.only(tasks=["b"], seeds=[7])
    assert [spec.name for spec in part.specs] == ["b-red_cube-7", "b-cup-7"]


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"objects": ["cup", "sponge"]}, "no object sponge; it has red_cube, cup"),
        ({"tasks": ["c"]}, "no task c; it has a, b"),
        ({"seeds": [-1]}, "no seed -1; it has 3, 7"),
        ({"seeds": [7, 3, 7]}, "seed 7 is named twice, but each trial is carried out once"),
    ],
)
def test_what_a_protocol_does_not_have_can_not_be_chosen(write, chosen, message):
    with pytest.raises(ValueError, match=message):
        load_protocol(write(SMALL)).only(**chosen)


def test_seeds_that_training_uses_are_named(write):
    protocol = load_protocol(write(SMALL.replace("seed: 3", f"seed: {RESERVED.stop}")))
    assert protocol.trained_on == [1000]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must have the entries tasks, objects"),
        ("tasks: [", "is not YAML"),
        (SMALL.replace("objects:", "things:"), "unknown entry 'things'"),
        ("tasks: {a: '{object}'}", "entry 'objects' is missing"),
        (SMALL.replace("put the {object} down", "go"), r"of a must contain \{object\}"),
        (SMALL.replace("put the {object}", "{verb} the {object}"), r"nothing in braces but"),
        (SMALL.replace("put the {object}", "put } the {object}"), r"nothing in braces but"),
        (SMALL.replace("{seed: 3, distractors: 1}", "{seed: x}"), "is not of the form"),
        (SMALL.replace("distractors: 1", "distractors: 2"), "only 1 other objects"),
        (SMALL.replace(", 7]", ", 3]"), "trial a-red_cube-3 appears twice"),
        (SMALL.replace("30", "soon"), "time_limit must be above 0 and at most 3600 s, got 'soon'"),
        (SMALL.replace("30", ".inf"), "time_limit must be above 0 and at most 3600 s, got inf"),
        (f"{SMALL}\nstart_pose: 3", "start_pose must be a list of 7 angles in rad, got 3"),
        (f"{SMALL}\nstart_pose: [0, x, 0, 0, 0, 0, 0]", "start_pose must be a list of 7"),
        (SMALL.replace("[red_cube, cup]", "cup"), "objects must be a list"),
    ],
)
def test_a_broken_protocol_ends_in_one_line(write, text, message):
    path = write(text)
    with pytest.raises(ValueError, match=message) as caught:
        load_protocol(path)
    assert str(caught.value).startswith(f"protocol {path}")
    assert "\n" not in str(caught.value)
