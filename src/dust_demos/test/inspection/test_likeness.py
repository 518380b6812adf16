from dataclasses import replace

import numpy as np
import pytest

from dust_demos.inspection import likeness
from dust_demos.inspection.finding import Kind, Level
from dust_demos.inspection.likeness import check_likeness, same_trajectories, starts
from dust_demos.teleop import fr3
from dust_node.fr3_kinematics import hand_pose


def test_different_episodes_are_different(make_episode, collect):
    assert list(check_likeness(collect(*(make_episode(str(i)) for i in range(6))))) == []


@pytest.mark.parametrize("block", [1, 2, 512])
def test_each_copy_is_told_once_with_its_original(make_episode, collect, monkeypatch, block):
    monkeypatch.setattr(likeness, "_BLOCK", block)
    noise = np.random.default_rng(0).normal(0, 1e-3, (60, 8))
    original = make_episode("3")
    copy = replace(original, name="copy", state=original.state + noise)
    data = collect(make_episode("0"), original, make_episode("1"), copy, make_episode("2"))
    ((first, second, apart),) = same_trajectories(data)
    assert (first.name, second.name) == ("3", "copy")
    assert 0 < apart < 2e-3
    (found,) = check_likeness(data)
    assert (found.kind, found.episode) == (Kind.DUPLICATE, "copy")
    assert "that of 3" in found.text


def test_the_same_way_at_another_pace_is_another_episode(make_episode, collect):
    data = collect(make_episode("3", length=60), replace(make_episode("3", length=80), name="b"))
    assert same_trajectories(data) == []


def test_pictures_must_be_the_same_in_all_views(make_episode, collect):
    prints = {"wrist": "a", "side": "b"}
    data = collect(
        make_episode("0", prints=prints),
        make_episode("1", prints={"wrist": "c", "side": "b"}),
        make_episode("2", prints=prints),
        make_episode("3", prints={"wrist": "", "side": ""}),
        make_episode("4", prints={"wrist": "", "side": ""}),
    )
    (found,) = check_likeness(data)
    assert found.episode == "2"
    assert "byte for byte those of 0" in found.text


def test_starts_are_where_the_hand_is(make_episode, collect):
    data = collect(make_episode("0"), make_episode("1"))
    np.testing.assert_allclose(starts(data), [hand_pose(fr3.HOME).position] * 2)
    other = replace(data, columns=(*(f"axis_{i}" for i in range(7)), "gripper"))
    assert starts(other) is None


def test_a_start_far_from_the_others_and_starts_that_are_one(make_episode, collect):
    episodes = [make_episode(str(i)) for i in range(12)]
    (found,) = check_likeness(collect(*episodes))
    assert (found.level, found.kind, found.episode) == (Level.NOTE, Kind.START, "")
    assert found.text.startswith("all 12 episodes begin within 0.0 mm")
    episodes[4].state[0, 0] += 0.8
    (found,) = check_likeness(collect(*episodes))
    assert (found.level, found.kind, found.episode) == (Level.WARNING, Kind.START, "4")
    assert found.text.startswith("the hand begins 24 cm")
