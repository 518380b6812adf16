"""The expert: its decisions on made-up observations, and its skill in the cell."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from dust_sim import fr3
from dust_sim.cell import Cell
from dust_sim.expert import HORIZON, PERIOD, Expert, Observation, Phase
from dust_sim.kinematics import downward, yaw_of
from dust_sim.objects import OBJECTS
from dust_sim.oracle import Outcome
from dust_sim.placement import place
from dust_sim.pose import BodyPose, Pose2
from dust_sim.tasks import EVALUATION_SEEDS, TASKS
from dust_sim.trial import run_trial

UPRIGHT = np.array([1.0, 0.0, 0.0, 0.0])
POSES = {
    "brown_box": BodyPose(np.array([0.5, 0.18, 0.0]), UPRIGHT),
    "golden_bowl": BodyPose(np.array([0.5, -0.18, 0.0]), UPRIGHT),
    "blue_cube": BodyPose(np.array([0.5, 0.2, 0.08]), UPRIGHT),
}


@pytest.fixture(scope="module")
def cell():
    return Cell()


@pytest.fixture
def expert():
    return Expert(TASKS["box_to_bowl"], "blue_cube")


def seen(time, *, width=0.08, joints=fr3.HOME, poses=POSES):
    return Observation(time, joints, width, poses)


def run(expert, until, *, start=0.0, width=lambda t: 0.08, period=0.2, poses=POSES):
    """Call the expert at a fixed rate with an arm that follows perfectly; answer the time."""
    time = start
    while time < until and not (expert.done or expert.failed):
        joints = expert.actions(np.array([time]))[0, :7] if expert._path else fr3.HOME
        expert.plan(seen(time, width=width(time), joints=joints, poses=poses))
        time += period
    return time


def test_the_first_plan_starts_at_the_posture_with_an_open_hand(expert):
    plan = expert.plan(seen(100.0))
    assert plan.shape == (HORIZON, 8)
    np.testing.assert_allclose(plan[0, :7], fr3.HOME, atol=1e-6)
    assert np.all(plan[:, 7] == 1.0)
    assert expert.phase is Phase.APPROACH


def test_overlapping_plans_agree(expert):
    first = expert.plan(seen(0.0))
    second = expert.plan(seen(3 * PERIOD))
    np.testing.assert_allclose(second[:-3], first[3:], atol=1e-6)


def test_irregular_calls_give_the_same_motion():
    plans = []
    for times in ([0.0, 0.2, 0.4, 2.0], [0.0, 1.37, 1.9, 2.0]):
        expert = Expert(TASKS["box_to_bowl"], "blue_cube")
        plans.append([expert.plan(seen(time)) for time in times][-1])
    np.testing.assert_allclose(*plans, atol=1e-6)


def test_it_turns_the_hand_only_above_the_object():
    turned = np.array([np.cos(-0.5), 0.0, 0.0, np.sin(-0.5)])  # by -1 rad
    poses = {**POSES, "blue_cup": BodyPose(np.array([0.5, 0.2, 0.095]), turned)}
    expert = Expert(TASKS["box_to_bowl"], "blue_cup")
    expert.plan(seen(0.0, poses=poses))
    closes = next(t for t in np.arange(0, 20, 0.05) if expert.actions(np.array([t]))[0, 7] == 0)
    rows = expert.actions(np.arange(0.0, closes, 0.02))
    hand = [expert.kinematics.forward(row[:7]) for row in rows]
    yaws = np.array([yaw_of(rotation) for _, rotation in hand])
    away = np.array(
        [np.hypot(*(position - poses["blue_cup"].position)[:2]) for position, _ in hand]
    )
    height = np.array([position[2] for position, _ in hand]) - 0.095
    bearings = np.array([np.arctan2(position[1], position[0]) for position, _ in hand])
    crossing = away > 0.02
    assert crossing.sum() > 50
    assert np.abs(yaws - bearings)[crossing].max() < 0.2
    # The hand is down only when it has turned to where the cup lies.
    assert np.abs(yaws - (-1.0))[height < 0.09].max() < 0.1
    assert np.abs(yaws[-1] - (-1.0)) < 1e-3


@pytest.mark.parametrize("turn", [-1.4, -0.6, 0.6, 1.4])
def test_a_hand_beside_the_object_takes_the_nearest_grasp(expert, turn):
    poses = {**POSES, "blue_cube": BodyPose(np.array([0.5, 0.0, 0.08]), UPRIGHT)}
    usual = OBJECTS["blue_cube"].hand_yaw(0.5, 0.0, 0.0)
    beside = np.array([0.53, 0.02, 0.12])
    joints = expert.kinematics.inverse(beside, downward(usual + turn), elbow=0.0)
    expert.plan(seen(0.0, joints=joints, poses=poses))
    closes = next(t for t in np.arange(0, 20, 0.05) if expert.actions(np.array([t]))[0, 7] == 0)
    _, rotation = expert.kinematics.forward(expert.actions(np.array([closes]))[0, :7])
    # Every quarter turn is a grasp of the cube: half of one is the most that it takes.
    assert abs(yaw_of(rotation) - usual - turn) <= np.pi / 4 + 1e-3
    off = (yaw_of(rotation) - usual + np.pi / 4) % (np.pi / 2) - np.pi / 4
    assert abs(off) < 1e-3


def test_it_waits_for_the_hand_and_gives_up_when_it_never_closes(expert):
    time = run(expert, 30.0)
    assert expert.failed
    assert expert.failure == "the hand did not close in time"
    assert time < 15.0


def test_it_tries_three_times_when_the_fingers_miss(expert):
    def width(time):
        wanted = expert.actions(np.array([time]))[0, 7] if expert._path else 1.0
        return 0.08 if wanted > 0.5 else 0.001

    run(expert, 60.0, width=width)
    assert expert.failed
    assert expert.failure == "the fingers missed the blue cube; gave up after 3 tries"


def test_it_gives_up_on_what_it_cannot_reach(expert):
    far = {**POSES, "blue_cube": BodyPose(np.array([1.5, 0.2, 0.08]), UPRIGHT)}
    plan = expert.plan(seen(0.0, poses=far))
    assert "cannot reach" in expert.failure
    np.testing.assert_allclose(plan[-1, :7], fr3.HOME, atol=1e-6)


def succeeds(cell, task, name, seed, distractors=()):
    trial = run_trial(cell, place(task, name, seed, distractors=distractors))
    assert trial.failure == ""
    assert trial.verdict.outcome is Outcome.FULL, trial.verdict.reason
    return trial


@pytest.mark.parametrize(
    ("task", "name"), zip(TASKS, ("sponge", "teddy_bear", "blue_cup", "blue_cube"), strict=True)
)
def test_it_does_every_task(cell, task, name):
    others = tuple(other for other in OBJECTS if other != name)
    trial = succeeds(cell, task, name, 0, others[:2])
    assert trial.retries == 0
    assert trial.duration < 22.0
    assert np.all(trial.peak_velocity <= 0.5 * fr3.RECTANGULAR_VELOCITY)
    assert trial.peak_acceleration.max() < 3.0
    assert np.all(trial.low >= fr3.RECTANGULAR_LOW)
    assert np.all(trial.high <= fr3.RECTANGULAR_HIGH)
    assert trial.tcp_error < 0.008


@pytest.mark.parametrize("phase", [Phase.CLOSE, Phase.CARRY])
def test_it_picks_up_again_what_was_taken_away(cell, phase):
    placement = place("box_to_bowl", "blue_cube", 0)
    home = placement.poses["blue_cube"]
    taken = []

    def take_away(cell, expert):
        if expert.phase is phase and not taken and (phase is Phase.CLOSE or cell.time > 8.0):
            cell.put("blue_cube", Pose2(home.x + 0.035, home.y + 0.035, home.z, home.yaw + 0.4))
            taken.append(cell.time)

    trial = run_trial(cell, placement, watch=take_away)
    assert taken
    assert trial.retries == 1
    assert trial.verdict.outcome is Outcome.FULL, trial.verdict.reason


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("distractors", [0, 2])
@pytest.mark.parametrize("task", TASKS)
def test_it_does_all_evaluation_configurations(cell, task, distractors):
    failed = []
    for name, seed in itertools.product(OBJECTS, EVALUATION_SEEDS):
        others = [other for other in OBJECTS if other != name]
        chosen = tuple(others[(seed + i) % 3] for i in range(distractors))
        trial = run_trial(cell, place(task, name, seed, distractors=chosen))
        if trial.verdict.outcome is not Outcome.FULL:
            failed.append((name, seed, trial.verdict.reason, trial.failure))
    assert failed == []
