"""Tests of dust_node.fr3_kinematics, here where there is an arm: against MuJoCo and differences."""

import mujoco
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dust_node.fr3_kinematics import TCP_OFFSET, hand_motion, hand_pose, hand_position
from dust_sim import fr3
from dust_sim.cell import Cell
from dust_sim.kinematics import Kinematics

HOME = np.array([0, -np.pi / 4, 0, -3 * np.pi / 4, 0, np.pi / 2, np.pi / 4])
shares = st.lists(st.floats(0, 1), min_size=7, max_size=7)


def posture(parts) -> np.ndarray:
    return fr3.POSITION_LOW + np.array(parts) * (fr3.POSITION_HIGH - fr3.POSITION_LOW)


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
        position = data.xpos[hand] + rotation[:, 2] * TCP_OFFSET
        linear, angular = np.zeros((3, model.nv)), np.zeros((3, model.nv))
        mujoco.mj_jac(model, data, linear, angular, position, hand)
        return position, rotation, np.vstack([linear, angular])[:, columns]

    base = pose(np.zeros(7))[0] - hand_pose(np.zeros(7)).position
    return lambda joints: (pose(joints)[0] - base, *pose(joints)[1:])


@pytest.mark.parametrize("seed", range(10))
def test_position_rotation_and_jacobian_are_mujocos(arm, seed):
    joints = np.random.default_rng(seed).uniform(fr3.RECTANGULAR_LOW, fr3.RECTANGULAR_HIGH)
    position, rotation, jacobian = arm(joints)
    ours = hand_pose(joints)
    np.testing.assert_allclose(ours.position, position, atol=1e-6)
    np.testing.assert_allclose(ours.rotation, rotation, atol=1e-6)
    np.testing.assert_allclose(ours.jacobian, jacobian, atol=1e-6)


@given(shares)
def test_the_hand_is_where_the_cell_says(parts):
    joints = posture(parts)
    position, rotation = Kinematics().forward(joints)
    pose = hand_pose(joints)
    np.testing.assert_allclose(pose.position, position, atol=1e-12)
    np.testing.assert_allclose(pose.rotation, rotation, atol=1e-12)
    np.testing.assert_allclose(pose.jacobian, Kinematics().jacobian(joints), atol=1e-12)
    np.testing.assert_allclose(hand_position(joints), position, atol=1e-12)


@given(shares, st.lists(st.floats(-2, 2), min_size=7, max_size=7))
def test_the_hands_velocity_is_the_jacobian_times_the_joints(parts, speeds):
    joints, speeds = posture(parts), np.array(speeds)
    position, velocity = hand_motion(joints, speeds)
    np.testing.assert_allclose(velocity, hand_pose(joints).jacobian[:3] @ speeds, atol=1e-12)
    before, after = hand_position(joints - 1e-6 * speeds), hand_position(joints + 1e-6 * speeds)
    np.testing.assert_allclose(velocity, (after - before) / 2e-6, atol=1e-6)
    np.testing.assert_array_equal(position, hand_position(joints))


def test_many_postures_at_once_are_the_same_as_one_by_one():
    joints = HOME + np.random.default_rng(0).uniform(-0.3, 0.3, (2, 5, 7))
    pose = hand_pose(joints)
    assert pose.position.shape == (2, 5, 3)
    assert pose.jacobian.shape == (2, 5, 6, 7)
    for row in range(2):
        for column in range(5):
            alone = hand_pose(joints[row, column])
            np.testing.assert_allclose(pose.position[row, column], alone.position, atol=1e-15)
            np.testing.assert_allclose(pose.rotation[row, column], alone.rotation, atol=1e-15)
            np.testing.assert_allclose(pose.jacobian[row, column], alone.jacobian, atol=1e-15)
    np.testing.assert_allclose(hand_position(joints), pose.position, atol=1e-14)


def test_home_is_franka_s_ready_pose():
    np.testing.assert_allclose(hand_position(HOME), [0.3069, 0.0, 0.4869], atol=1e-4)
