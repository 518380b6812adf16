"""The model: limits, gains, cameras, weights."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from dust_sim import fr3
from dust_sim.containers import CONTAINERS
from dust_sim.objects import OBJECTS
from dust_sim.scene import BODIES, CAMERAS, TIMESTEP, build_model, looking_along


@pytest.fixture(scope="module")
def model():
    return build_model()


def test_the_arm_is_an_fr3(model):
    for i, name in enumerate(fr3.ARM_JOINTS):
        joint, actuator = model.joint(name), model.actuator(name)
        np.testing.assert_allclose(joint.range, [fr3.POSITION_LOW[i], fr3.POSITION_HIGH[i]])
        np.testing.assert_allclose(actuator.forcerange, [-fr3.TORQUE[i], fr3.TORQUE[i]])
        assert actuator.gainprm[0] == fr3.STIFFNESS[i]
        np.testing.assert_allclose(actuator.biasprm[:3], [0.0, -fr3.STIFFNESS[i], -fr3.DAMPING[i]])
    assert model.opt.timestep == TIMESTEP


def test_the_hand_opens_eight_centimetres(model):
    for name in fr3.FINGER_JOINTS:
        np.testing.assert_allclose(model.joint(name).range, [0.0, 0.04])


def test_all_bodies_and_cameras_exist(model):
    assert set(BODIES) == set(CONTAINERS) | set(OBJECTS)
    for name in BODIES:
        assert model.joint(f"{name}_free").type == mujoco.mjtJoint.mjJNT_FREE
    for name in CAMERAS:
        assert model.camera(name).id >= 0


def test_containers_are_heavy_against_objects(model):
    containers = [float(model.body(name).mass[0]) for name in CONTAINERS]
    objects = [float(model.body(name).mass[0]) for name in OBJECTS]
    assert min(containers) > 8 * max(objects)
    assert min(objects) > 0.015


def test_everything_the_robot_carries_is_gravity_compensated(model):
    for i in range(1, model.nbody):
        name = model.body(i).name
        if name.startswith("fr3_"):
            assert model.body_gravcomp[i] == 1.0 or model.body_mass[i] == 0.0


def test_a_camera_looks_where_it_is_told():
    matrix = np.zeros(9)
    mujoco.mju_quat2Mat(matrix, looking_along((1.0, 0.0, -1.0), up=(0.0, 0.0, 1.0)))
    right, up, back = matrix.reshape(3, 3).T
    np.testing.assert_allclose(back, np.array([-1, 0, 1]) / np.sqrt(2), atol=1e-9)
    np.testing.assert_allclose(right, [0, -1, 0], atol=1e-9)
    assert up[2] > 0
