"""Tests of dust_eval.hand against the cell's kinematics."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dust_eval.hand import WIDTH, hand_position
from dust_sim import fr3
from dust_sim.kinematics import Kinematics


@given(st.lists(st.floats(0, 1), min_size=7, max_size=7))
def test_the_hand_is_where_the_cell_says(shares):
    joints = fr3.POSITION_LOW + np.array(shares) * (fr3.POSITION_HIGH - fr3.POSITION_LOW)
    expected, _ = Kinematics().forward(joints)
    np.testing.assert_allclose(hand_position(joints), expected, atol=1e-9)


def test_the_open_hand_is_as_wide_as_the_cells():
    assert WIDTH == fr3.MAX_WIDTH
