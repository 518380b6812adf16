import numpy as np
import pytest

from dust_executor.limits import named
from dust_executor.plan import Plan
from dust_executor.planner import Planner
from dust_executor.standing import is_near, rest_grip, rest_position, start_defect
from dust_executor.watchdog import JointState
from dust_executor.workspace import Workspace, WorkspaceSettings

NAMES = tuple(f"fr3_joint{index}" for index in range(1, 8))
HOME = np.array([0, -np.pi / 4, 0, -3 * np.pi / 4, 0, np.pi / 2, np.pi / 4])
FR3 = named("fr3_rectangular")


def arm_at(position, opening=0.5):
    return JointState(0, 0, np.asarray(position, dtype=float), np.zeros(7), opening)


def plan_at(position, grip=0.0):
    return Plan.at_rest(np.asarray(position, dtype=float), since=0, grip=grip)


def test_a_motion_may_begin_inside():
    assert start_defect(arm_at(HOME), Planner(FR3), NAMES) == ""


@pytest.mark.parametrize(("joint", "offset"), [(0, 2.5), (3, 2.0), (5, -1.0)])
def test_a_joint_outside_is_named_with_its_range(joint, offset):
    position = HOME.copy()
    position[joint] += offset
    defect = start_defect(arm_at(position), Planner(FR3), NAMES)
    assert defect.startswith(f"fr3_joint{joint + 1} is at {position[joint]:.4f} rad, outside [")


def test_the_hand_outside_its_box_is_told_with_the_place():
    box = Workspace(WorkspaceSettings(True, (0.5, -1.0, 0.0), (1.0, 1.0, 1.0)))
    defect = start_defect(arm_at(HOME), Planner(FR3, workspace=box), NAMES)
    assert defect == "the hand would be at x = 0.307 m, outside the workspace's [0.5, 1] m"


def test_a_plan_at_rest_nearby_is_gone_on_with():
    sagged, moved = arm_at(HOME - 0.01), arm_at(HOME + 0.1)
    plan = plan_at(HOME)
    assert is_near(plan, sagged, 0.02)
    np.testing.assert_array_equal(rest_position(plan, sagged, 0.02), HOME)
    np.testing.assert_array_equal(rest_position(plan, moved, 0.02), moved.position)
    np.testing.assert_array_equal(rest_position(None, sagged, 0.02), sagged.position)


def test_the_hand_keeps_what_it_was_told_last():
    assert rest_grip(plan_at(HOME, grip=0.2), arm_at(HOME, opening=0.9)) == 0.2
    assert rest_grip(None, arm_at(HOME, opening=0.9)) == 0.9
