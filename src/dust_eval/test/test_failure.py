"""Tests of dust_eval.failure: made-up traces, and what really happens in the cell."""

from dataclasses import replace

import numpy as np
import pytest

from dust_eval.failure import Failure, diagnose, find_picks
from dust_eval.hand import WIDTH
from dust_eval.trace import Moment, Trace, join_moments
from dust_node.fr3_kinematics import hand_position
from dust_sim.cell import Cell
from dust_sim.expert import Phase
from dust_sim.placement import place
from dust_sim.pose import Pose2
from dust_sim.trial import run_trial

OBJECTS = ("cube", "cup")
CUBE, CUP, BOWL = (0.5, 0.2, 0.08), (0.6, 0.2, 0.08), (0.5, -0.2, 0.0)
UPRIGHT, LYING = (1.0, 0, 0, 0), (0.7071068, 0.7071068, 0, 0)


class Story:
    """Tells a trace row by row, 20 rows a second; the hand carries what it holds."""

    def __init__(self):
        self.rows = []
        self.hand = np.array([0.3, 0.0, 0.5])
        self.places = {
            "cube": (np.array(CUBE), UPRIGHT),
            "cup": (np.array(CUP), UPRIGHT),
            "bowl": (np.array(BOWL), UPRIGHT),
        }
        self.opening = self.command = 1.0
        self.held = None
        self.tell()

    def tell(self):
        poses = {name: (*place, *turn) for name, (place, turn) in self.places.items()}
        self.rows.append(
            Moment(len(self.rows) / 20, tuple(self.hand), self.opening, self.command, poses)
        )

    def go(self, x, y, z, rows=20):
        begin, end = self.hand, np.array([x, y, z])
        for share in np.linspace(0, 1, rows):
            step = begin + share * (end - begin) - self.hand
            self.hand = self.hand + step
            if self.held:
                place, turn = self.places[self.held]
                self.places[self.held] = (place + step, turn)
            self.tell()
        return self

    def grip(self, held=None, width=0.5):
        self.command = 0.0
        self.tell()
        self.opening, self.held = width if held else 0.0, held
        self.tell()
        return self

    def open(self):
        self.command = 1.0
        self.tell()
        self.opening, self.held = 1.0, None
        self.tell()
        return self

    def put(self, name, x, y, z, turn=UPRIGHT):
        self.places[name] = (np.array([x, y, z]), turn)
        self.held = None if self.held == name else self.held
        self.tell()
        return self

    def wait(self, rows=20):
        for _ in range(rows):
            self.tell()
        return self

    def ends(self, score=0.0):
        return diagnose(join_moments(self.rows, target="bowl"), "cube", OBJECTS, score=score)


@pytest.fixture
def story():
    return Story()


def lifted(story, name="cube", place=CUBE):
    return story.go(*place).grip(name).go(place[0], place[1], 0.3)


def test_success_and_half_success_are_the_oracles_word(story):
    lifted(story).go(*BOWL[:2], 0.1).open().put("cube", 0.5, -0.2, 0.02)
    assert story.ends(1.0).failure is Failure.NONE
    assert story.ends(1.0).picked == "cube"
    half = story.ends(0.5)
    assert (half.failure, half.detail) == (Failure.HALF, "0.00 m from the middle of the bowl")


def test_a_hand_that_stays_away_never_reached(story):
    seen = story.go(0.4, 0.1, 0.4).wait().ends()
    assert seen.failure is Failure.NEVER_REACHED
    assert (seen.attempted, seen.picked) == ("", "")
    assert "came within" in seen.detail


def test_a_hand_that_closes_beside_the_object_missed(story):
    seen = story.go(0.5, 0.23, 0.08).grip().go(0.5, 0.2, 0.3).ends()
    assert (seen.failure, seen.attempted) == (Failure.MISSED_GRASP, "cube")
    assert seen.detail == "the hand came within 3.0 cm and closed, but did not lift it"


def test_a_hand_that_comes_but_never_closes_missed(story):
    seen = story.go(*CUBE).wait().ends()
    assert (seen.failure, seen.attempted) == (Failure.MISSED_GRASP, "")
    assert seen.detail.endswith("but did not close")


def test_another_object_that_is_lifted_is_the_wrong_one(story):
    seen = lifted(story, "cup", CUP).ends()
    assert (seen.failure, seen.picked) == (Failure.WRONG_OBJECT, "cup")


def test_gripping_for_another_object_is_wrong_also_in_vain(story):
    seen = story.go(*CUP).grip().go(0.6, 0.2, 0.3).ends()
    assert (seen.failure, seen.attempted, seen.picked) == (Failure.WRONG_OBJECT, "cup", "")


def test_the_wrong_object_first_and_then_success_is_remembered(story):
    lifted(story, "cup", CUP).open().put("cup", *CUP)
    lifted(story).go(*BOWL[:2], 0.1).open().put("cube", 0.5, -0.2, 0.02)
    seen = story.ends(1.0)
    assert (seen.failure, seen.picked) == (Failure.NONE, "cup")


def test_an_object_that_slips_out_of_the_closed_hand_is_dropped(story):
    lifted(story).go(0.5, 0.0, 0.3).put("cube", 0.5, 0.0, 0.02)
    seen = story.wait().ends()
    assert seen.failure is Failure.DROPPED
    assert seen.detail.startswith("slipped out of the closed hand")


def test_a_hand_that_opens_far_from_the_target_drops(story):
    lifted(story).go(0.5, 0.1, 0.3).open().put("cube", 0.5, 0.1, 0.02)
    seen = story.wait().ends()
    assert (seen.failure, seen.detail[:15]) == (Failure.DROPPED, "the hand opened")


def test_a_hand_that_opens_beside_the_target_placed_outside(story):
    lifted(story).go(0.5, -0.07, 0.1).open().put("cube", 0.5, -0.07, 0.02)
    seen = story.wait().ends()
    assert seen.failure is Failure.PLACED_OUTSIDE
    assert seen.detail == "0.13 m from the middle of the bowl"


def test_an_object_in_the_hand_at_the_end_is_out_of_time(story):
    seen = lifted(story).ends()
    assert (seen.failure, seen.detail) == (Failure.OUT_OF_TIME, "still held at the end")


def test_an_object_that_falls_over_before_the_grasp_is_knocked_over(story):
    story.go(0.45, 0.2, 0.08).put("cube", 0.52, 0.2, 0.08, LYING)
    assert story.wait().ends().failure is Failure.KNOCKED_OVER


def test_an_object_that_is_pushed_away_is_knocked_over(story):
    story.go(0.42, 0.2, 0.08).put("cube", 0.58, 0.26, 0.08)
    seen = story.wait().ends()
    assert (seen.failure, seen.detail) == (Failure.KNOCKED_OVER, "pushed 0.10 m away")


def test_each_time_that_an_object_is_held_counts(story):
    lifted(story).go(0.5, 0.2, 0.08).open()
    lifted(story)
    picks = find_picks(join_moments(story.rows, target="bowl"), OBJECTS)
    assert [pick.name for pick in picks] == ["cube", "cube"]
    assert picks[0].end < picks[1].begin


def test_a_robot_whose_command_is_unknown_still_picks(story):
    trace = join_moments(lifted(story).rows, target="bowl")
    blind = replace(trace, command=np.full(len(trace), np.nan))
    seen = diagnose(blind, "cube", OBJECTS, score=0.0)
    assert (seen.attempted, seen.picked) == ("", "cube")


# -- in the cell


@pytest.fixture(scope="module")
def cell():
    return Cell()


@pytest.fixture(scope="module")
def play(cell):
    """Return a function that lets the expert work and something happen; gives the diagnosis."""

    def played(happen=lambda cell, expert: None, *, asked="blue_cube", does=None, limit=40.0):
        placement = place("box_to_bowl", asked, 1, distractors=("sponge",))
        moments = []

        def watch(cell, expert):
            happen(cell, expert)
            poses = {n: (*p.position, *p.quaternion) for n, p in cell.poses().items()}
            command = float(expert.actions(np.array([cell.time]))[0, 7])
            hand = tuple(hand_position(cell.joint_positions))
            moments.append(Moment(cell.time, hand, cell.width / WIDTH, command, poses))

        plan = replace(placement, object_name=does or asked)
        trial = run_trial(cell, plan, time_limit=limit, watch=watch)
        trace: Trace = join_moments(moments, target="golden_bowl")
        score = trial.verdict.outcome.score if does is None else 0.0
        return diagnose(trace, asked, ("blue_cube", "sponge"), score=score)

    return played


def test_in_the_cell_the_expert_succeeds_with_the_right_object(play):
    seen = play()
    assert (seen.failure, seen.attempted, seen.picked) == (Failure.NONE, "blue_cube", "blue_cube")


def test_in_the_cell_the_wrong_object_is_seen(play):
    seen = play(does="sponge")
    assert (seen.failure, seen.attempted, seen.picked) == (
        Failure.WRONG_OBJECT,
        "sponge",
        "sponge",
    )


def test_in_the_cell_an_object_that_is_not_there_any_more_is_missed(play):
    def snatch(cell, expert):
        if expert.phase is Phase.CLOSE:
            pose = cell.poses()["blue_cube"].position
            cell.put("blue_cube", Pose2(pose[0] + 0.035, pose[1], pose[2], 0.3))

    seen = play(snatch, limit=9.0)
    assert (seen.failure, seen.picked) == (Failure.MISSED_GRASP, "")


def test_in_the_cell_a_lost_object_is_dropped(play):
    def lose(cell, expert):
        position = cell.poses()["blue_cube"].position
        if expert.phase is Phase.CARRY and position[2] > 0.2:
            cell.put("blue_cube", Pose2(0.45, 0.0, 0.021, 0.0))

    seen = play(lose, limit=12.0)
    assert (seen.failure, seen.picked) == (Failure.DROPPED, "blue_cube")


def test_in_the_cell_too_little_time_shows_the_object_in_the_hand(play):
    def carrying(cell, expert):
        return None

    seen = play(carrying, limit=7.5)
    assert (seen.failure, seen.picked) == (Failure.OUT_OF_TIME, "blue_cube")


def test_in_the_cell_an_arm_that_waits_never_reaches(play):
    assert play(limit=1.0).failure is Failure.NEVER_REACHED
