"""Cameras on each other's topics."""

import pytest

from dust_perception.identity import wrong_camera


@pytest.mark.parametrize(
    ("frame_id", "expected"), [("a", "a"), ("a", ""), ("", "a"), ("", "")], ids=repr
)
def test_the_right_camera_and_one_that_does_not_say_are_taken(frame_id: str, expected: str) -> None:
    assert wrong_camera("wrist", frame_id, expected) == ""


def test_another_camera_is_named() -> None:
    text = wrong_camera("wrist", "side_frame", "wrist_frame")
    assert text == (
        "view wrist: images come from frame 'side_frame' instead of 'wrist_frame': are cameras "
        "swapped? (parameter frame_ids)"
    )
