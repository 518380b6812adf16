"""The success oracle on hand-made evidence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dust_sim.oracle import Evidence, Outcome, judge
from dust_sim.pose import Pose2


def touching(*pairs):
    return frozenset(frozenset(pair) for pair in pairs)


PLACED = Evidence(
    object_name="sponge",
    target="white_basket",
    centre=(0.55, 0.20, 0.03),
    speed=0.0,
    target_pose=Pose2(0.5, 0.2, 0.0, 0.2),
    touching=touching(("sponge", "white_basket"), ("white_basket", "table")),
)


def test_full():
    verdict = judge(PLACED)
    assert verdict.outcome is Outcome.FULL
    assert verdict.reason == "the sponge rests in or on the white basket"


def test_half_when_the_centre_of_gravity_is_outside():
    verdict = judge(replace(PLACED, centre=(0.66, 0.20, 0.04)))
    assert verdict.outcome is Outcome.HALF
    assert "outside" in verdict.reason


def test_the_footprint_turns_with_the_target():
    corner = (0.5 + 0.135, 0.2 + 0.115, 0.04)
    assert judge(replace(PLACED, centre=corner)).outcome is Outcome.HALF
    straight = replace(PLACED, centre=corner, target_pose=Pose2(0.5, 0.2, 0.0, 0.0))
    assert judge(straight).outcome is Outcome.FULL


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"touching": PLACED.touching | touching(("sponge", "robot"))}, "robot touches"),
        ({"speed": 0.2}, "still moves"),
        ({"speed": 80.0, "centre": (0.55, 0.90, -300.0)}, "fell off the table"),
        ({"touching": touching(("sponge", "table"))}, "it touches the table"),
        ({"touching": touching()}, "it touches nothing"),
    ],
)
def test_none(change, reason):
    verdict = judge(replace(PLACED, **change))
    assert verdict.outcome is Outcome.NONE
    assert reason in verdict.reason


def test_resting_on_another_object_in_the_target_counts():
    pile = touching(("sponge", "blue_cube"), ("blue_cube", "white_basket"))
    assert judge(replace(PLACED, touching=pile)).outcome is Outcome.FULL


def test_table_and_containers_do_not_pass_contacts_on():
    beside = touching(("sponge", "table"), ("table", "white_basket"))
    assert judge(replace(PLACED, touching=beside)).outcome is Outcome.NONE


def test_scores_are_the_papers():
    assert [outcome.score for outcome in Outcome] == [0.0, 0.5, 1.0]
