"""The URDF is a tree whose kinematics are the robot's."""

from xml.etree import ElementTree

import numpy as np
import pytest

from dust_node.fr3_kinematics import hand_pose
from dust_sim.description import BASE, robot_description
from dust_sim.fr3 import ARM_JOINTS, FINGER_JOINTS, HOME, POSITION_HIGH


@pytest.fixture(scope="module")
def robot():
    return ElementTree.fromstring(robot_description())


def turned(rpy, axis, angle):
    """Rotation by roll, pitch, yaw, then about an axis."""
    roll, pitch, yaw = rpy
    rotation = about("z", yaw) @ about("y", pitch) @ about("x", roll)
    return rotation @ about("z", angle) if axis is not None else rotation


def about(name, angle):
    c, s = np.cos(angle), np.sin(angle)
    return {
        "x": np.array([[1, 0, 0], [0, c, -s], [0, s, c]]),
        "y": np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]),
        "z": np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]),
    }[name]


def pose(robot, link, positions):
    """Pose of a link in the base frame, by nothing but the URDF."""
    joints = {joint.find("child").get("link"): joint for joint in robot.findall("joint")}
    rotation, position = np.eye(3), np.zeros(3)
    chain = []
    while link != BASE:
        chain.append(joints[link])
        link = joints[link].find("parent").get("link")
    for joint in reversed(chain):
        origin = joint.find("origin")
        xyz, rpy = (np.array(origin.get(key).split(), float) for key in ("xyz", "rpy"))
        position = position + rotation @ xyz
        angle = positions.get(joint.get("name"), 0.0)
        axis = joint.find("axis") if joint.get("type") == "revolute" else None
        rotation = rotation @ turned(rpy, axis, angle)
    return position, rotation


def test_every_link_hangs_on_one_joint(robot) -> None:
    links = [link.get("name") for link in robot.findall("link")]
    children = [joint.find("child").get("link") for joint in robot.findall("joint")]
    assert sorted([BASE, *children]) == sorted(set(links))
    assert len(links) == len(set(links))
    moving = [j.get("name") for j in robot.findall("joint") if j.get("type") != "fixed"]
    assert moving == [*ARM_JOINTS, *FINGER_JOINTS]
    limits = [joint.find("limit").get("upper") for joint in robot.findall("joint")[:7]]
    np.testing.assert_allclose(np.array(limits, float), POSITION_HIGH)


@pytest.mark.parametrize("seed", range(3))
def test_the_hand_is_where_the_kinematics_have_it(robot, seed) -> None:
    joints = HOME + np.random.default_rng(seed).normal(scale=0.4, size=7)
    position, rotation = pose(robot, "fr3_hand_tcp", dict(zip(ARM_JOINTS, joints, strict=True)))
    expected = hand_pose(joints)
    np.testing.assert_allclose(position, expected.position, atol=1e-7)
    np.testing.assert_allclose(rotation, expected.rotation, atol=1e-7)


def test_cylinders_reach_from_joint_to_joint(robot) -> None:
    joints = {joint.find("parent").get("link"): joint for joint in robot.findall("joint")}
    for link in robot.findall("link")[:7]:
        end = np.array(joints[link.get("name")].find("origin").get("xyz").split(), float)
        visual = link.find("visual")
        if visual is None:
            assert not end.any()
            continue
        origin = visual.find("origin")
        middle, rpy = (np.array(origin.get(key).split(), float) for key in ("xyz", "rpy"))
        length = float(visual.find("geometry/cylinder").get("length"))
        tip = middle + turned(rpy, None, 0.0) @ [0, 0, length / 2]
        np.testing.assert_allclose(tip, end, atol=1e-7)
