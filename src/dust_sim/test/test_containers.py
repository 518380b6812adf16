"""Footprints of containers."""

from __future__ import annotations

import pytest

from dust_sim.containers import CONTAINERS
from dust_sim.pose import Pose2


@pytest.mark.parametrize(
    ("name", "point", "inside"),
    [
        ("golden_bowl", (0.06, 0.06), True),
        ("golden_bowl", (0.07, 0.07), False),
        ("white_basket", (0.13, 0.11), True),
        ("white_basket", (0.13, 0.13), False),
        ("white_basket", (0.15, 0.0), False),
    ],
)
def test_covers(name, point, inside):
    assert CONTAINERS[name].covers(*point) is inside


def test_the_margin_grows_the_footprint():
    assert CONTAINERS["white_plate"].covers(0.12, 0.0, 0.011)
    assert not CONTAINERS["white_plate"].covers(0.12, 0.0, 0.009)


def test_the_radius_reaches_the_corner():
    assert CONTAINERS["brown_box"].radius == pytest.approx((0.13**2 + 0.11**2) ** 0.5)
    assert CONTAINERS["black_bowl"].radius == 0.09


def test_local_and_base_coordinates_are_inverse():
    pose = Pose2(0.5, -0.2, 0.0, 0.7)
    assert pose.to_local(*pose.to_base(0.03, -0.04)) == pytest.approx((0.03, -0.04))
