"""Start postures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dust_sim import fr3
from dust_sim.kinematics import Kinematics
from dust_sim.posture import HOME, start_posture

SEEDS = st.integers(0, 2**31 - 1)


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_a_moved_start_is_above_the_table_and_within_the_limits(seed):
    posture = np.array(start_posture(seed, 1.0))
    assert np.all(posture > fr3.RECTANGULAR_LOW)
    assert np.all(posture < fr3.RECTANGULAR_HIGH)
    position, rotation = Kinematics().forward(posture)
    assert 0.28 <= position[0] <= 0.48
    assert abs(position[1]) <= 0.18
    assert 0.34 <= position[2] <= 0.58
    assert rotation[2, 2] < -0.99  # the hand points down


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_the_same_seed_gives_the_same_posture(seed):
    assert start_posture(seed, 0.5) == start_posture(seed, 0.5)
    assert start_posture(seed, 0.0) == HOME


def test_the_spread_says_how_often():
    moved = sum(start_posture([seed, 1], 0.3) != HOME for seed in range(200))
    assert 40 < moved < 80


@pytest.mark.parametrize("spread", [-0.1, 1.5, float("nan")])
def test_a_spread_out_of_range_is_refused(spread):
    with pytest.raises(ValueError, match=r"start_spread is .*; allowed: 0 to 1"):
        start_posture(0, spread)
