"""Kinematics from Denavit-Hartenberg parameters, against MuJoCo's model of the arm."""

import mujoco
import numpy as np
import pytest

from dust_demos.teleop import fr3
from dust_demos.teleop.kinematics import hand_pose
from dust_demos.teleop.rotation import to_vector
from dust_sim import fr3 as simulated
from dust_sim.cell import Cell


@pytest.fixture(scope="module")
def arm():
    """MuJoCo's arm: a function from joints to hand position, rotation and Jacobian."""
    model = Cell().model
    data = mujoco.MjData(model)
    addresses = [int(model.joint(name).qposadr[0]) for name in fr3.ARM_JOINTS]
    columns = [int(model.joint(name).dofadr[0]) for name in fr3.ARM_JOINTS]
    hand = next(
        index for index in range(model.nbody) if model.body(index).name.endswith("fr3_hand")
    )

    def pose(joints):
        data.qpos[addresses] = joints
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        rotation = data.xmat[hand].reshape(3, 3).copy()
        position = data.xpos[hand] + rotation[:, 2] * fr3.TCP_OFFSET
        linear, angular = np.zeros((3, model.nv)), np.zeros((3, model.nv))
        mujoco.mj_jac(model, data, linear, angular, position, hand)
        return position, rotation, np.vstack([linear, angular])[:, columns]

    base = pose(np.zeros(7))[0] - hand_pose(np.zeros(7)).position
    return lambda joints: (pose(joints)[0] - base, *pose(joints)[1:])


@pytest.mark.parametrize("seed", range(10))
def test_position_rotation_and_jacobian_are_mujocos(arm, seed):
    joints = np.random.default_rng(seed).uniform(fr3.LOWER, fr3.UPPER)
    position, rotation, jacobian = arm(joints)
    ours = hand_pose(joints)
    np.testing.assert_allclose(ours.position, position, atol=1e-6)
    np.testing.assert_allclose(ours.rotation, rotation, atol=1e-6)
    np.testing.assert_allclose(ours.jacobian, jacobian, atol=1e-6)


def test_the_jacobian_is_the_poses_derivative():
    joints, step = np.random.default_rng(3).uniform(fr3.LOWER, fr3.UPPER), 1e-6
    pose = hand_pose(joints)
    for joint in range(7):
        moved = hand_pose(joints + step * np.eye(7)[joint])
        linear = (moved.position - pose.position) / step
        angular = to_vector(moved.rotation @ pose.rotation.T) / step
        np.testing.assert_allclose(pose.jacobian[:3, joint], linear, atol=1e-5)
        np.testing.assert_allclose(pose.jacobian[3:, joint], angular, atol=1e-5)


def test_the_numbers_are_the_simulated_arms():
    assert fr3.ARM_JOINTS == simulated.ARM_JOINTS
    for ours, theirs in (
        (fr3.HOME, simulated.HOME),
        (fr3.LOWER, simulated.RECTANGULAR_LOW),
        (fr3.UPPER, simulated.RECTANGULAR_HIGH),
        (fr3.SPEED, simulated.RECTANGULAR_VELOCITY),
    ):
        np.testing.assert_array_equal(ours, theirs)
