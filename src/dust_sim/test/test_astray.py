"""Starts beside the object: drawn by seed, free of collisions, and led back by the expert."""

from __future__ import annotations

import numpy as np
import pytest

from dust_sim.astray import Astray
from dust_sim.cell import Cell
from dust_sim.collisions import Collisions
from dust_sim.expert import Phase
from dust_sim.fr3 import MAX_WIDTH
from dust_sim.kinematics import Kinematics
from dust_sim.layout import Layout
from dust_sim.objects import OBJECTS, object_spec
from dust_sim.oracle import Outcome
from dust_sim.placement import place
from dust_sim.tasks import TASKS
from dust_sim.trial import run_trial


@pytest.fixture(scope="module")
def cell():
    return Cell()


@pytest.fixture(scope="module")
def astray(cell):
    return Astray(cell.model)


def test_the_hand_begins_beside_the_object_and_touches_nothing(cell, astray):
    kinematics, layout, collisions = Kinematics(), Layout(cell.model), Collisions(cell.model)
    open_ones = 0
    for index, (task, name) in enumerate((t, o) for t in TASKS for o in OBJECTS):
        placement = place(task, name, 1000 + index, distractors=())
        led = astray.lead(placement, 1.0)
        assert led == astray.lead(placement, 1.0)
        assert led.poses == placement.poses
        hand, rotation = kinematics.forward(np.array(led.posture))
        thing = placement.poses[name]
        away = np.hypot(hand[0] - thing.x, hand[1] - thing.y)
        assert 0.008 - 1e-4 <= away <= 0.07 + 1e-4
        assert -0.006 <= hand[2] - thing.z - object_spec(name).grasp_height <= 0.141
        assert rotation[2, 2] == pytest.approx(-1.0, abs=1e-4)
        assert led.width in (0.0, MAX_WIDTH)
        open_ones += led.width == MAX_WIDTH
        assert not collisions.found(layout.snapshot(led))
    assert 6 <= open_ones <= 15


def test_share(astray):
    scenes = [place("box_to_bowl", "sponge", seed) for seed in range(1000, 1040)]
    assert [astray.lead(scene, 0.0) for scene in scenes] == scenes
    led = sum(astray.lead(scene, 0.5) != scene for scene in scenes)
    assert 10 <= led <= 30
    with pytest.raises(ValueError, match=r"start_astray is .*; allowed: 0 to 1"):
        astray.lead(scenes[0], 1.5)


def test_fingers_in_the_box_are_found(cell):
    placement = place("box_to_bowl", "blue_cube", 1000)
    layout, collisions = Layout(cell.model), Collisions(cell.model)
    snapshot = layout.snapshot(placement)
    assert not collisions.found(snapshot)
    kinematics = Kinematics()
    _, rotation = kinematics.forward(np.array(placement.posture))
    thing = placement.poses["blue_cube"]
    down = np.array([thing.x, thing.y, thing.z - 0.04])
    snapshot[layout.arm] = kinematics.inverse(down, rotation)
    assert collisions.found(snapshot)


@pytest.mark.parametrize(
    "task",
    [
        pytest.param(task, marks=[pytest.mark.slow] if number else [])
        for number, task in enumerate(TASKS)
    ],
)
def test_the_expert_leads_back(cell, astray, task):
    for index, name in enumerate(OBJECTS):
        led = astray.lead(place(task, name, 1000 + index), 1.0)
        heights = []

        def watch(cell, expert, heights=heights):
            if expert.phase is Phase.APPROACH:
                heights.append(expert.kinematics.forward(cell.joint_positions)[0][2])

        trial = run_trial(cell, led, watch=watch)
        assert trial.failure == ""
        assert trial.verdict.outcome is Outcome.FULL, trial.verdict.reason
        assert trial.retries == 0
        # It steps over instead of going all the way up first.
        assert max(heights) < 0.23
