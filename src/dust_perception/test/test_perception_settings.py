"""Parameters that have to fit each other and the checkpoint."""

from typing import Any

import pytest

from dust_perception.parameters import PARAMETERS
from dust_perception.settings import Settings

VIEWS = ("wrist", "side")


def settings(**changes: Any) -> Settings:
    """Make settings from the defaults, a checkpoint and changes."""
    values = {row.name: row.default for row in PARAMETERS} | {"checkpoint": "here"} | changes
    return Settings.from_values(values)


def test_defaults_fit_the_two_cameras() -> None:
    topics = settings().topic_by_view(VIEWS)
    assert list(topics) == ["wrist", "side"]
    assert topics["side"] == "zed_side/zed_node/rgb/color/rect/image"


def test_order_is_the_checkpoint_s() -> None:
    changed = settings(views=["side", "wrist"], topics=["s", "w"])
    assert list(changed.topic_by_view(VIEWS).items()) == [("wrist", "w"), ("side", "s")]


def test_compressed_topics_get_their_suffix() -> None:
    changed = settings(topics=["w", "s"], transport="compressed")
    assert changed.topic_by_view(VIEWS)["wrist"] == "w/compressed"


def test_frames_belong_to_views() -> None:
    changed = settings(views=["side", "wrist"], frame_ids=["s", ""])
    assert changed.frame_by_view() == {"wrist": "", "side": "s"}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"checkpoint": ""}, "'checkpoint' is empty.*dust-init"),
        ({"topics": ["w"]}, "'topics' has 1 entries, but 'views' has 2"),
        ({"views": ["wrist", "wrist"]}, "names a view twice"),
        ({"topics": ["w", ""]}, "empty entry"),
        ({"frame_ids": ["w"]}, "'frame_ids' has 1 entries, but 'views' has 2"),
    ],
)
def test_values_that_do_not_fit_are_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        settings(**changes)


def test_a_wrong_camera_name_is_told_with_the_right_ones() -> None:
    with pytest.raises(ValueError, match="'wirst' is not among the checkpoint's views wrist, side"):
        settings(views=["wirst", "side"]).topic_by_view(VIEWS)


def test_a_view_that_lacks_a_topic_is_named() -> None:
    with pytest.raises(ValueError, match="needs view 'side', but the parameter 'views' has only"):
        settings(views=["wrist"], topics=["w"], frame_ids=[""]).topic_by_view(VIEWS)
