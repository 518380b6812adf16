"""The arm's numbers against the simulated arm's."""

import numpy as np

from dust_demos.teleop import fr3
from dust_sim import fr3 as simulated


def test_the_numbers_are_the_simulated_arms():
    assert fr3.ARM_JOINTS == simulated.ARM_JOINTS
    for ours, theirs in (
        (fr3.HOME, simulated.HOME),
        (fr3.LOWER, simulated.RECTANGULAR_LOW),
        (fr3.UPPER, simulated.RECTANGULAR_HIGH),
        (fr3.SPEED, simulated.RECTANGULAR_VELOCITY),
    ):
        np.testing.assert_array_equal(ours, theirs)
