"""The simulated cell as one MuJoCo model: table, robot, cameras, all containers and objects.

There is a single model for all tasks: bodies that a scene does not use wait out of sight (see
``cell.py``). So nothing is compiled again between trials, and a renderer can keep its graphics
memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from dust_sim import fr3
from dust_sim.assets import MODEL_FILE, robot_files
from dust_sim.containers import CONTAINERS, add_container
from dust_sim.objects import OBJECTS, add_object
from dust_sim.shapes import add_box

TIMESTEP = 0.001
"""Physics step and sampling period of commands, s."""

HAND_ACTUATOR = "fr3_hand_actuator"
TCP_SITE = "TCP"
CAMERAS = ("wrist", "side")
TABLE = "wood"
"""Texture of the table."""
SKY = "sky"
"""Texture of everything around the table."""
BODIES = (*CONTAINERS, *OBJECTS)
"""Names of all free bodies."""

TABLE_CENTRE = (0.45, 0.0)
TABLE_HALF = (0.60, 0.65)

_ARMATURE = (0.2, 0.2, 0.2, 0.2, 0.1, 0.1, 0.1)
_HAND_STIFFNESS = 6000.0
_HAND_DAMPING = 150.0
GRASP_FORCE = 30.0
"""Largest force of one finger, N."""


def build_model() -> mujoco.MjModel:
    """Build and compile the cell's model.

    Returns:
        Model with a 1 ms step. Actuators 0 to 6 are the arm joints and take ``q_ref + d / p *
        qd_ref`` in rad, so that the torque is ``p (q_ref - q) + d (qd_ref - qd)`` within the torque
        limits; actuator 7 is the hand and takes its width in m.

    Raises:
        ValueError: the robot's model files cannot be prepared; the message says what to install.
    """
    return build_spec(robot_files()).compile()


def build_spec(files: Path) -> Any:
    """Build the editable model (``mujoco.MjSpec``) from the folder of ``robot_files``."""
    spec = mujoco.MjSpec.from_file(str(files / MODEL_FILE))
    spec.modelname = "dust_cell"
    spec.meshdir = str(files)
    _set_options(spec)
    _set_arm(spec)
    _set_hand(spec)
    _add_surroundings(spec)
    for name in CONTAINERS:
        add_container(spec, name)
    for name in OBJECTS:
        add_object(spec, name)
    return spec


def _set_options(spec: Any) -> None:
    spec.option.timestep = TIMESTEP
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    spec.option.impratio = 10
    # Bodies at rest sleep until something touches them: half of the cost of a step.
    spec.option.enableflags |= mujoco.mjtEnableBit.mjENBL_SLEEP
    spec.visual.headlight.ambient = [0.35, 0.35, 0.35]
    spec.visual.headlight.diffuse = [0.40, 0.40, 0.40]
    spec.visual.headlight.specular = [0.1, 0.1, 0.1]
    spec.visual.quality.shadowsize = 1024
    spec.visual.quality.offsamples = 0
    spec.visual.map.znear = 0.01


def _set_arm(spec: Any) -> None:
    for i, name in enumerate(fr3.ARM_JOINTS):
        joint = spec.joint(name)
        joint.range = [fr3.POSITION_LOW[i], fr3.POSITION_HIGH[i]]
        joint.armature = _ARMATURE[i]
        actuator = spec.add_actuator(
            name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT, forcelimited=True
        )
        actuator.forcerange = [-fr3.TORQUE[i], fr3.TORQUE[i]]
        actuator.biastype = mujoco.mjtBias.mjBIAS_AFFINE
        actuator.gainprm[0] = fr3.STIFFNESS[i]
        actuator.biasprm[1] = -fr3.STIFFNESS[i]
        actuator.biasprm[2] = -fr3.DAMPING[i]


def _set_hand(spec: Any) -> None:
    body = spec.body("fr3_hand")
    _set_hand_collision(spec, body)
    _add_wrist_camera(body)
    actuator = spec.actuator(HAND_ACTUATOR)
    # The tendon measures the mean finger position, which is half the width, and halves its force
    # between the fingers.
    actuator.ctrlrange = [0, fr3.MAX_WIDTH]
    actuator.gainprm[0] = _HAND_STIFFNESS / 2
    actuator.biasprm[1] = -_HAND_STIFFNESS
    actuator.biasprm[2] = -_HAND_DAMPING
    actuator.forcerange = [-2 * GRASP_FORCE, 2 * GRASP_FORCE]


def _set_hand_collision(spec: Any, body: Any) -> None:
    mesh = spec.geom("hand")
    mesh.contype = mesh.conaffinity = 0
    block = body.add_geom(
        name="hand_collision",
        type=mujoco.mjtGeom.mjGEOM_BOX,
        pos=[0, 0, 0.03],
        size=[0.03, 0.10, 0.03],
    )
    block.group = 3
    block.mass = 0
    for side in ("left", "right"):
        pad = spec.geom(f"fr3_{side}finger_collision")
        pad.pos = [0, 0.0095, 0.032]
        pad.size = [0.010, 0.0095, 0.022]
        pad.friction = [1.5, 0.01, 0.001]
        pad.solref = [0.004, 1]
        pad.solimp = [0.95, 0.99, 0.001, 0.5, 2]
        pad.priority = 1
        pad.condim = 4


def _add_wrist_camera(hand: Any) -> None:
    """Mount the wrist camera before the hand, the finger tips at its picture's lower edge."""
    camera = hand.add_camera(name="wrist", pos=(0.075, 0.0, -0.005), fovy=72)
    camera.quat = looking_along((-0.10, 0.0, 1.0), up=(1.0, 0.0, 0.0))
    add_box(hand, (0.078, 0, -0.03), (0.013, 0.06, 0.014), (0.1, 0.1, 0.1, 1), collides=False)


def _add_surroundings(spec: Any) -> None:
    world = spec.worldbody
    world.add_light(
        pos=[0.4, 0.3, 2.2], dir=[0, -0.1, -1], castshadow=True, diffuse=[0.55, 0.55, 0.55]
    )
    _add_textures(spec)
    table = world.add_geom(
        name="table",
        type=mujoco.mjtGeom.mjGEOM_BOX,
        pos=[*TABLE_CENTRE, -0.02],
        size=[*TABLE_HALF, 0.02],
        material=TABLE,
    )
    table.group = 2
    side = world.add_camera(name="side", pos=[1.16, 0.50, 0.60], fovy=53)
    side.quat = looking_along(np.array([0.40, 0.03, 0.17]) - side.pos, up=(0.0, 0.0, 1.0))


def _add_textures(spec: Any) -> None:
    spec.add_texture(
        name=TABLE,
        type=mujoco.mjtTexture.mjTEXTURE_2D,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_CHECKER,
        rgb1=[0.50, 0.56, 0.58],
        rgb2=[0.48, 0.54, 0.56],
        width=256,
        height=256,
    )
    material = spec.add_material(name=TABLE)
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = TABLE
    material.texrepeat = [8, 8]
    material.reflectance = 0
    spec.add_texture(
        name=SKY,
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        rgb1=[0.75, 0.80, 0.85],
        rgb2=[0.5, 0.5, 0.5],
        width=128,
        height=768,
    )


def looking_along(
    direction: Sequence[float] | NDArray[np.float64], *, up: Sequence[float]
) -> NDArray[np.float64]:
    """Answer the quaternion (w, x, y, z) of a camera that looks along a direction."""
    back = -np.asarray(direction, dtype=float)
    back /= np.linalg.norm(back)
    right = np.cross(np.asarray(up, dtype=float), back)
    right /= np.linalg.norm(right)
    matrix = np.stack([right, np.cross(back, right), back], axis=1)
    quaternion = np.zeros(4)
    mujoco.mju_mat2Quat(quaternion, matrix.ravel())
    return quaternion
