"""Start configurations."""

from __future__ import annotations

import itertools
import math

import pytest

from dust_sim.containers import CONTAINERS
from dust_sim.objects import OBJECTS
from dust_sim.placement import REACH, place
from dust_sim.posture import HOME
from dust_sim.tasks import EVALUATION_SEEDS, TASKS

FIXED = (0.460434349173, -0.167590791730, 0.587061848870)
PAIRS = list(itertools.product(TASKS, OBJECTS))


@pytest.mark.parametrize(("task", "object_name"), PAIRS)
def test_evaluation_configurations_lie_in_reach_and_apart(task, object_name):
    for seed in EVALUATION_SEEDS:
        placement = place(task, object_name, seed)
        source, target, item = (
            placement.poses[n] for n in (placement.task.source, placement.task.target, object_name)
        )
        for pose in (target, item):
            assert REACH[0] <= math.hypot(pose.x, pose.y) <= REACH[1]
        radii = sum(CONTAINERS[n].radius for n in (placement.task.source, placement.task.target))
        apart = math.hypot(source.x - target.x, source.y - target.y)
        assert apart > min(radii, 0.30)
        assert CONTAINERS[placement.task.source].covers(*source.to_local(item.x, item.y), -0.03)


def test_the_same_seed_is_the_same_place_and_another_is_another():
    assert place("box_to_bowl", "sponge", 3) == place("box_to_bowl", "sponge", 3)
    places = {place("box_to_bowl", "sponge", seed).poses["sponge"] for seed in EVALUATION_SEEDS}
    assert len(places) == 6


def test_predetermined_configurations_never_change():
    pose = place("plate_to_basket", "blue_cup", 5).poses["blue_cup"]
    assert (pose.x, pose.y, pose.yaw) == pytest.approx(FIXED, abs=1e-9)


def test_distractors_change_nothing_else_and_keep_apart():
    for (task, name), seed in itertools.product(PAIRS, range(6)):
        others = tuple(other for other in OBJECTS if other != name)
        plain, full = place(task, name, seed), place(task, name, seed, distractors=others)
        assert {n: full.poses[n] for n in plain.poses} == dict(plain.poses)
        for a, b in itertools.combinations(OBJECTS, 2):
            p, q = full.poses[a], full.poses[b]
            assert math.hypot(p.x - q.x, p.y - q.y) > OBJECTS[a].radius + OBJECTS[b].radius


def test_some_distractors_share_the_source():
    shared = 0
    for seed in range(30):
        placement = place("basket_to_bowl", "blue_cube", seed, distractors=("sponge",))
        basket, sponge = placement.poses["white_basket"], placement.poses["sponge"]
        shared += CONTAINERS["white_basket"].covers(*basket.to_local(sponge.x, sponge.y))
    assert 5 < shared < 30


def test_yaw_covers_all_directions():
    yaws = [place("box_to_bowl", "sponge", seed).poses["sponge"].yaw for seed in range(60)]
    assert min(yaws) < -2.5
    assert max(yaws) > 2.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("box_to_moon", "sponge", 0, ()), "no task 'box_to_moon'"),
        (("box_to_bowl", "brick", 0, ()), "no object 'brick'"),
        (("box_to_bowl", "sponge", -1, ()), "seed -1 is negative"),
        (("box_to_bowl", "sponge", 0, ("sponge",)), "is the task's own object"),
        (("box_to_bowl", "sponge", 0, ("blue_cup", "blue_cup")), "name an object twice"),
        (("box_to_bowl", "sponge", 0, ("brick",)), "no object 'brick'"),
    ],
)
def test_mistakes_are_named(arguments, message):
    task, name, seed, distractors = arguments
    with pytest.raises(ValueError, match=message):
        place(task, name, seed, distractors=distractors)


def test_a_start_posture_moves_nothing_else():
    usual = place("box_to_bowl", "sponge", 1000, distractors=("blue_cup",))
    moved = place("box_to_bowl", "sponge", 1000, distractors=("blue_cup",), start_spread=1.0)
    assert moved.poses == usual.poses
    assert moved.posture != usual.posture == HOME
