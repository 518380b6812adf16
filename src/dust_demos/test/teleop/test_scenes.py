"""Lists of scenes, and what is wrong with them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_demos.teleop.scenes import Scene, parse_scenes


def test_a_list_of_scenes_is_read():
    text = """box_to_bowl blue_cube 1000..1002,
              plate_to_basket sponge 7 with teddy_bear blue_cup"""
    scenes = parse_scenes(text)
    assert [scene.seed for scene in scenes] == [1000, 1001, 1002, 7]
    assert scenes[3] == Scene("plate_to_basket", "sponge", 7, ("teddy_bear", "blue_cup"))
    assert scenes[0].name == "box_to_bowl-blue_cube-1000"
    assert parse_scenes("") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("box_to_bowl", "not of the form 'task object seed'"),
        ("box_to_bowl blue_cube many", "not of the form"),
        ("box_to_bowl blue_cube 9 with", "not of the form"),
        ("box_to_bowl blue_cube 20..10", "has 0 seeds"),
        ("box_to_bowl blue_cube 6..99999999", "allowed: 1 to 10000"),
        ("box_to_bowl blue_cube 5", "0 to 5 are kept for trials"),
        ("box_to_bowl blue_cube 3..9", "0 to 5 are kept for trials"),
    ],
)
def test_a_wrong_entry_is_told(text, said):
    with pytest.raises(ValueError, match="scene '") as caught:
        parse_scenes(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.text(alphabet="ab_ 0123456789.,with", max_size=40))
def test_whatever_the_text_it_is_read_or_refused(text):
    try:
        scenes = parse_scenes(text)
    except ValueError:
        return
    assert all(scene.seed > 5 and scene.task for scene in scenes)
