"""Kinematics against MuJoCo, and the inverse's promises."""

from __future__ import annotations

import math

import mujoco
import numpy as np
import pytest

from dust_sim import fr3
from dust_sim.kinematics import Kinematics, UnreachableError, downward, rotation_error
from dust_sim.placement import REACH
from dust_sim.scene import build_model


@pytest.fixture(scope="module")
def model():
    return build_model()


@pytest.fixture
def random():
    return np.random.default_rng(0)


def reachable(random):
    radius, azimuth = random.uniform(*REACH), random.uniform(-0.75, 0.75)
    position = np.array(
        [radius * math.cos(azimuth), radius * math.sin(azimuth), random.uniform(0.015, 0.30)]
    )
    return position, downward(azimuth + random.uniform(-math.pi / 2, math.pi / 2))


def test_forward_agrees_with_mujoco(model, random):
    data = mujoco.MjData(model)
    for _ in range(50):
        joints = random.uniform(fr3.POSITION_LOW, fr3.POSITION_HIGH)
        data.qpos[:7] = joints
        mujoco.mj_kinematics(model, data)
        position, rotation = Kinematics().forward(joints)
        np.testing.assert_allclose(position, data.site("TCP").xpos, atol=1e-9)
        np.testing.assert_allclose(rotation.ravel(), data.site("TCP").xmat, atol=1e-9)


def test_jacobian_agrees_with_mujoco(model, random):
    data = mujoco.MjData(model)
    linear, angular = np.zeros((3, model.nv)), np.zeros((3, model.nv))
    for _ in range(20):
        joints = random.uniform(fr3.POSITION_LOW, fr3.POSITION_HIGH)
        data.qpos[:7] = joints
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_jacSite(model, data, linear, angular, model.site("TCP").id)
        both = np.vstack([linear, angular])[:, :7]
        np.testing.assert_allclose(Kinematics().jacobian(joints), both, atol=1e-9)


def test_inverse_reaches_the_workspace_within_the_rectangular_limits(random):
    kinematics = Kinematics()
    for _ in range(100):
        position, rotation = reachable(random)
        joints = kinematics.inverse(position, rotation)
        reached, turned = kinematics.forward(joints)
        np.testing.assert_allclose(reached, position, atol=1e-6)
        np.testing.assert_allclose(turned, rotation, atol=1e-6)
        assert np.all(joints >= fr3.RECTANGULAR_LOW)
        assert np.all(joints <= fr3.RECTANGULAR_HIGH)


def test_inverse_does_not_depend_on_the_seed(random):
    kinematics = Kinematics()
    for _ in range(30):
        position, rotation = reachable(random)
        seed = fr3.HOME + random.uniform(-0.3, 0.3, 7)
        plain, seeded = (
            kinematics.inverse(position, rotation),
            kinematics.inverse(position, rotation, seed=seed),
        )
        np.testing.assert_allclose(plain, seeded, atol=1e-5)


def test_home_is_its_own_inverse():
    kinematics = Kinematics()
    joints = kinematics.inverse(*kinematics.forward(fr3.HOME))
    np.testing.assert_allclose(joints, fr3.HOME, atol=1e-6)


@pytest.mark.parametrize("position", [(0.95, 0.0, 0.1), (0.2, 0.0, 0.1), (0.5, 0.0, -0.5)])
def test_out_of_reach_is_said(position):
    with pytest.raises(UnreachableError, match="cannot reach"):
        Kinematics().inverse(np.array(position), downward(0.0))


def test_rotation_error_is_the_rotation_vector():
    turn = 0.01
    np.testing.assert_allclose(
        rotation_error(downward(0.0), downward(turn)), [0, 0, turn], atol=1e-6
    )
