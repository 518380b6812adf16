from dataclasses import replace

import numpy as np
import pytest

from dust_demos.inspection.finding import Kind, Level
from dust_demos.inspection.motion import check_motion, idle_share


def findings(data, kind):
    return [row for row in check_motion(data) if row.kind is kind]


def test_ordinary_motion_passes(make_episode, collect):
    assert list(check_motion(collect(*(make_episode(str(i)) for i in range(4))))) == []


@pytest.mark.parametrize("side", ["state", "action"])
def test_one_row_far_off_is_named_with_joint_and_moment(make_episode, collect, side):
    bad = make_episode("1")
    getattr(bad, side)[30, 3] += 3.0
    data = collect(make_episode("0"), bad)
    (fast,) = findings(data, Kind.SPEED)
    assert fast.level is Level.WARNING
    assert fast.episode == "1"
    word = {"state": "measured", "action": "commanded"}[side]
    assert fast.text.startswith(f"{word} fr3_joint4 moves at ")
    assert " s after the start, its limit is 1.25; 2 rows are too fast" in fast.text
    (far,) = findings(data, Kind.OUTLIER)
    assert far.text.startswith(f"{side} fr3_joint4 is ")
    assert "2.0 s after the start" in far.text
    (off,) = findings(data, Kind.FOLLOWING)
    assert off.text.startswith(("fr3_joint4 is 2.99 rad", "fr3_joint4 is 3.01 rad"))


def test_speed_is_judged_for_known_arms_only(make_episode, collect):
    bad = make_episode()
    bad.state[30, 3] += 0.4
    data = collect(bad)
    assert findings(data, Kind.SPEED)
    other = replace(data, columns=(*(f"axis_{i}" for i in range(7)), "gripper"))
    assert not findings(other, Kind.SPEED)


def test_numbers_that_are_none_are_told_and_stop_nothing(make_episode, collect):
    bad = make_episode("1")
    bad.state[7:9, 0], bad.action[3, 2] = np.nan, np.inf
    told = [row.text for row in findings(collect(make_episode(), bad), Kind.VALUES)]
    assert told == [
        "state is no finite number in 2 rows, first 0.5 s after the start",
        "action is no finite number in 1 rows, first 0.2 s after the start",
    ]


def test_rows_that_are_not_even(make_episode, collect):
    late = make_episode()
    late.times[20:] += 0.5
    (found,) = findings(collect(late), Kind.TIMES)
    assert found.text == "two rows are 0.567 s apart instead of 0.067, 1.3 s after the start"


def test_openings_in_another_unit(make_episode, collect):
    metres = make_episode()
    metres.state[:, 7] *= 255
    (found,) = findings(collect(metres), Kind.VALUES)
    assert found.text == "gripper of the state goes from 0.00 to 255.00, not from 0 to 1"


def test_actions_that_are_copies_of_states(make_episode, collect):
    copies = [replace(e, action=e.state) for e in (make_episode("0"), make_episode("1"))]
    (found,) = findings(collect(*copies), Kind.VALUES)
    assert found.episode == ""
    assert "actions equal states" in found.text
    assert not findings(collect(make_episode(), *copies), Kind.VALUES)


def paused(episode, begin, end):
    """The episode with its row `begin` held until `end`."""
    rows = np.arange(len(episode))
    rows[begin:end] = begin
    return replace(episode, state=episode.state[rows], action=episode.action[rows])


def test_a_pause_in_the_middle(make_episode, collect):
    long = make_episode(length=120)
    assert not findings(collect(paused(long, 50, 75)), Kind.IDLE)
    (found,) = findings(collect(paused(long, 50, 90)), Kind.IDLE)
    assert found.text == "nothing moves for 2.6 s, 3.3 s after the start"


def test_standing_still_at_the_ends_matters_in_datasets(make_episode, collect):
    held = paused(make_episode(length=120), 0, 40)
    held.action[:40], held.state[:40] = held.action[40], held.state[40]
    (found,) = findings(collect(held), Kind.IDLE)
    assert found.text == "it begins with 2.7 s of standing still"
    assert not findings(collect(held, converted=False), Kind.IDLE)


def test_nothing_moves_at_all(make_episode, collect):
    dead = paused(make_episode(), 0, 60)
    data = collect(dead)
    assert idle_share(dead, data) == 1.0
    (found,) = findings(data, Kind.IDLE)
    assert found.text == "nothing moves"


def test_a_gripper_that_is_never_told_to_move_is_a_note(make_episode, collect):
    idle = make_episode()
    idle.action[:, 7] = idle.state[:, 7] = 1.0
    (found,) = findings(collect(idle), Kind.IDLE)
    assert (found.level, found.text) == (Level.NOTE, "the gripper is never told to move")


def test_idle_share_counts_rows(make_episode, collect):
    episode = paused(make_episode(length=101), 20, 71)
    data = collect(episode)
    assert idle_share(episode, data) >= 0.5
    assert idle_share(make_episode(length=101), data) < 0.2
