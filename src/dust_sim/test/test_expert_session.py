"""The expert's session: from goal to verdict, with a scene that the test writes."""

import dataclasses

import numpy as np
import pytest

from dust_node.verdict import Code
from dust_sim.detours import Detours
from dust_sim.expert import Expert, Observation
from dust_sim.expert_session import (
    ExecutorView,
    ExpertSession,
    Phase,
    Robot,
    Scene,
    SessionLimits,
    World,
    check_goal,
)
from dust_sim.fr3 import HOME
from dust_sim.placement import place
from dust_sim.pose import BodyPose
from dust_sim.streams import Stream, trial_seed

SECOND = 1_000_000_000
NOW = 1_800_000_000 * SECOND
PLACEMENT = place("box_to_bowl", "blue_cube", 0)


def upright(pose):
    quaternion = np.array([np.cos(pose.yaw / 2), 0.0, 0.0, np.sin(pose.yaw / 2)])
    return BodyPose(np.array([pose.x, pose.y, pose.z]), quaternion)


def world_at(now_ns, task_id="t"):
    scene = Scene(
        now_ns,
        PLACEMENT.task.name,
        PLACEMENT.object_name,
        PLACEMENT.instruction,
        PLACEMENT.seed,
        {name: upright(pose) for name, pose in PLACEMENT.poses.items()},
    )
    executor = ExecutorView(now_ns, False, "", task_id, 1.0)
    return World(scene, Robot(now_ns, HOME.copy(), 0.08), executor)


def new_session(instruction=PLACEMENT.instruction, time_limit=30.0):
    limits = SessionLimits(5 * SECOND, SECOND // 2)
    return ExpertSession("t", instruction, time_limit, NOW, 16, 1 / 15, limits)


def running():
    session = new_session()
    session.watch(world_at(NOW), NOW)
    session.start()
    session.run(NOW)
    return session


def test_it_is_ready_when_scene_and_joint_states_are_there():
    session = new_session()
    assert not session.is_ready(World())
    assert session.is_ready(world_at(NOW))
    session.start()
    assert not session.is_ready(world_at(NOW))


def test_another_instruction_is_refused_with_both_texts():
    session = new_session(instruction="Pick up the sponge.")
    session.watch(world_at(NOW), NOW)
    assert session.verdict.code == Code.INVALID_GOAL
    assert "Pick up the sponge." in session.verdict.text
    assert PLACEMENT.instruction in session.verdict.text


def test_chunks_continue_each_other():
    session = running()
    first = session.actions(world_at(NOW), NOW)
    later = NOW + 200_000_000
    second = session.actions(world_at(later), later)
    assert first.shape == second.shape == (16, 8)
    # Three periods later: the same path, read at the same times.
    np.testing.assert_allclose(first[3:, :7], second[:-3, :7], atol=1e-6)
    np.testing.assert_allclose(first[0, :7], HOME, atol=1e-6)
    assert (first[:, 7] == 1.0).all()
    assert session.chunks == 2


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        (lambda w, now: setattr(w, "scene", None), Code.NO_FEATURES, "cell_state"),
        (lambda w, now: setattr(w, "robot", None), Code.NO_JOINT_STATES, "joint states"),
        (
            lambda w, now: setattr(w, "robot", dataclasses.replace(w.robot, arrival_ns=NOW)),
            Code.NO_JOINT_STATES,
            "joint states",
        ),
        (lambda w, now: setattr(w, "executor", None), Code.EXECUTOR_UNAVAILABLE, "silent"),
        (
            lambda w, now: setattr(w, "executor", ExecutorView(now, True, "reflex", "t", 0.0)),
            Code.EXECUTOR_STOPPED,
            "rearm",
        ),
        (
            lambda w, now: setattr(w, "executor", ExecutorView(now, False, "", "", 0.0)),
            Code.EXECUTOR_STOPPED,
            "left the task",
        ),
        (
            lambda w, now: setattr(w, "scene", dataclasses.replace(w.scene, seed=5)),
            Code.INVALID_GOAL,
            "reset",
        ),
    ],
)
def test_what_goes_wrong_while_running_ends_it(change, code, text):
    session = running()
    now = NOW + 2 * SECOND
    world = world_at(now)
    session.watch(world, now)
    assert session.verdict is None
    change(world, now)
    session.watch(world, now)
    assert session.verdict.code == code
    assert text in session.verdict.text


def test_perturbation_draws_the_trials_detours():
    plans = []
    for perturbation in (0.0, 1.0, 1.0):
        session = running()
        session.perturbation = perturbation
        session.actions(world_at(NOW), NOW)
        later = NOW + 2 * SECOND
        plans.append(session.actions(world_at(later), later))
    assert np.array_equal(plans[1], plans[2])
    assert np.abs(plans[0] - plans[1])[:, :7].max() > 0.01
    drawn = Detours.draw(trial_seed("box_to_bowl", "blue_cube", 0, Stream.DETOURS), 1.0)
    straight = Expert(PLACEMENT.task, "blue_cube")
    detoured = Expert(PLACEMENT.task, "blue_cube", detours=drawn)
    for expert, plan in ((straight, plans[0]), (detoured, plans[1])):
        for time in (0.0, 2.0):
            poses = world_at(NOW).scene.poses
            wanted = expert.plan(Observation(time, HOME, 0.08, poses))
        np.testing.assert_allclose(plan, wanted, atol=1e-9)


def test_the_time_limit_ends_it():
    session = running()
    now = NOW + 31 * SECOND
    session.watch(world_at(now), now)
    assert session.verdict.code == Code.TIMEOUT
    assert session.phase == Phase.OVER


@pytest.mark.parametrize(
    ("world", "code"),
    [
        (World(), Code.NO_FEATURES),
        (World(scene=world_at(NOW).scene), Code.NO_JOINT_STATES),
    ],
)
def test_what_never_comes_is_named(world, code):
    session = new_session()
    session.watch(world, NOW + SECOND)
    assert session.verdict is None
    session.watch(world, NOW + 6 * SECOND)
    assert session.verdict.code == code


def test_the_first_cause_counts():
    session = running()
    session.end(Code.CANCELED, "first")
    session.end(Code.TIMEOUT, "second")
    assert session.verdict.text == "first"


@pytest.mark.parametrize(
    ("instruction", "time_limit", "text"),
    [
        ("", 1.0, "1 to 500"),
        ("x" * 501, 1.0, "1 to 500"),
        ("go", 0.0, "above 0"),
        ("go", float("nan"), "above 0"),
        ("go", 4000.0, "3600"),
    ],
)
def test_goals_out_of_range(instruction, time_limit, text):
    assert text in check_goal(instruction, time_limit)
    assert check_goal("go", 10.0) == ""
