"""Tests of dust_eval.offline.moments: what is looked at."""

import numpy as np
import pytest

from dust_eval.offline.moments import choose_moments


def chosen(world, **settings):
    return choose_moments(world, world, horizon=8, **{"count": 20, "shift": 3} | settings)


def test_every_chunk_is_demonstrated_to_its_end(world):
    moments = chosen(world)
    every = [*moments.spread, *moments.later, *moments.starts, *moments.grips]
    assert all(moment.actions.shape == (8, 8) for moment in every)
    assert len(moments.spread) == 20
    assert len({moment.episode for moment in moments.spread}) == 12


def test_the_later_moment_is_of_the_same_episode(world):
    moments = chosen(world)
    for first, later in zip(moments.spread, moments.later, strict=True):
        assert (first.episode, first.index + 3) == (later.episode, later.index)
        np.testing.assert_allclose(first.actions[3:], later.actions[:-3])


def test_starts_are_where_the_arm_begins_to_move(new_world):
    moments = chosen(new_world(pause=7))
    assert len(moments.starts) == 12
    assert set(moments.idle) == {7}
    for moment in moments.starts:
        assert np.abs(moment.state[:7]).max() == 0
        assert np.abs(moment.actions[0, :7]).max() > 0.005


def test_grips_have_the_change_in_their_middle(world):
    moments = chosen(world)
    assert len(moments.grips) >= 12
    for moment in moments.grips:
        gripper = moment.actions[:, 7]
        assert gripper[3] != gripper[4]


def test_the_same_seed_chooses_the_same(world):
    first, again, other = chosen(world), chosen(world), chosen(world, seed=1)
    places = [[(m.episode, m.index) for m in c.spread] for c in (first, again, other)]
    assert places[0] == places[1] != places[2]


def test_a_dataset_of_short_episodes_is_refused(new_world):
    world = new_world(2)
    world.episodes = [(views, text, rows[:10]) for views, text, rows in world.episodes]
    with pytest.raises(ValueError, match="no episode has the 11 frames"):
        chosen(world)
