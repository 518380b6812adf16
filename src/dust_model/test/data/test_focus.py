import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_model.data.focus import before_changes, share

commands = st.lists(st.floats(0, 1), min_size=1, max_size=60).map(np.asarray)


def test_the_moments_before_each_change_of_the_hand():
    gripper = np.array([1.0] * 10 + [0.2] * 10 + [0.9] * 2)
    assert before_changes(gripper, 3) == ((7, 11), (17, 21))


def test_stretches_that_meet_become_one_and_none_begins_before_the_episode():
    gripper = np.array([1.0, 1.0, 0.0, 0.0, 1.0, 1.0])
    assert before_changes(gripper, 5) == ((0, 5),)


@given(gripper=commands, frames=st.integers(1, 70))
def test_a_moment_is_inside_if_a_change_follows_soon(gripper, frames):
    stretches = before_changes(gripper, frames)
    inside = {moment for start, stop in stretches for moment in range(start, stop)}
    soon = {
        moment
        for moment in range(len(gripper))
        for change in range(max(1, moment), min(len(gripper), moment + frames + 1))
        if (gripper[change] >= 0.5) != (gripper[change - 1] >= 0.5)
    }
    assert inside == soon
    assert sum(stop - start for start, stop in stretches) == len(inside)


def test_the_share_of_an_epoch():
    focus = (((0, 10),), ((5, 15),))
    assert share((50, 50), focus, 1) == pytest.approx(0.2)
    assert share((50, 50), focus, 4) == pytest.approx(0.5)
    assert share((50, 50), (), 4) == 0
