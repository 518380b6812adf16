"""Tests of dust_eval.hand against the cell."""

from dust_eval.hand import FINGERS, JOINTS, WIDTH
from dust_sim import fr3


def test_names_and_opening_are_the_cells():
    assert JOINTS == fr3.ARM_JOINTS
    assert FINGERS == fr3.FINGER_JOINTS
    assert WIDTH == fr3.MAX_WIDTH
