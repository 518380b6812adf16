"""Frozen cameras: the same picture while the arm moves."""

import numpy as np
import pytest

from dust_perception.frozen import FrozenWatch

PICTURE = np.arange(12, dtype=np.uint8)
HOME = np.zeros(7)


@pytest.fixture
def watch() -> FrozenWatch:
    return FrozenWatch(("wrist", "side"), images=3, travel=0.1)


def show(watch: FrozenWatch, times: int, *, turn: float = 0.0, view: str = "wrist") -> None:
    """Send the same picture while joint 2 goes from home by `turn`, evenly."""
    for step in range(times):
        joints = HOME.copy()
        joints[1] = turn * step / max(times - 1, 1)
        watch.move(joints)
        watch.see(view, PICTURE.copy())


def test_the_same_picture_of_a_moving_arm_is_a_frozen_camera(watch: FrozenWatch) -> None:
    show(watch, 4, turn=-0.12)
    assert watch.problem("wrist") == (
        "view wrist: the same picture 4 times while the arm moved by 0.12 rad: the camera is frozen"
    )
    assert watch.problem("side") == ""


def test_the_same_picture_of_a_resting_arm_is_none(watch: FrozenWatch) -> None:
    show(watch, 100)
    assert watch.problem("wrist") == ""


def test_few_pictures_of_a_fast_arm_are_none(watch: FrozenWatch) -> None:
    show(watch, 2, turn=1.0)
    assert watch.problem("wrist") == ""


def test_another_picture_ends_it(watch: FrozenWatch) -> None:
    show(watch, 5, turn=1.0)
    assert watch.problem("wrist")
    watch.see("wrist", PICTURE[::-1].copy())
    assert watch.problem("wrist") == ""


def test_an_arm_that_comes_back_has_moved(watch: FrozenWatch) -> None:
    show(watch, 3, turn=0.2)
    watch.move(HOME)
    assert watch.problem("wrist")


def test_a_camera_that_was_silent_while_the_arm_went_and_came_back_is_not_frozen(
    watch: FrozenWatch,
) -> None:
    show(watch, 5)
    watch.move(HOME + 0.3)
    show(watch, 5)
    assert watch.problem("wrist") == ""


def test_nobody_moves_without_joint_states(watch: FrozenWatch) -> None:
    for _ in range(10):
        watch.see("wrist", PICTURE)
    assert watch.problem("wrist") == ""
    watch.move(HOME + 3.0)  # where it was before is not known
    assert watch.problem("wrist") == ""
    watch.move(HOME + 3.2)
    watch.see("wrist", PICTURE)
    assert watch.problem("wrist")


def test_it_can_be_switched_off() -> None:
    watch = FrozenWatch(("wrist",), images=0, travel=0.1)
    show(watch, 50, turn=2.0)
    assert watch.problem("wrist") == ""


def test_cleared_it_knows_nothing(watch: FrozenWatch) -> None:
    show(watch, 5, turn=1.0)
    watch.clear()
    assert watch.problem("wrist") == ""
    watch.see("wrist", PICTURE)
    watch.move(HOME + 1.0)
    assert watch.problem("wrist") == ""
