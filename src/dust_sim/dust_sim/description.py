"""The cell's robot as URDF: what franka_ros2's robot_state_publisher says of a real one.

Links, joints and limits are the FR3's, by their names in franka_description; the shapes are plain
cylinders, for looking at only. Meshes and inertias are not part of it.
"""

import math
from collections.abc import Iterator
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from dust_node.fr3_kinematics import DH, FLANGE, HAND_YAW, TCP_OFFSET
from dust_sim.audit import VELOCITY
from dust_sim.fr3 import (
    ARM_JOINTS,
    FINGER_JOINTS,
    FINGER_RANGE,
    FINGER_VELOCITY,
    POSITION_HIGH,
    POSITION_LOW,
    TORQUE,
)

Vector = tuple[float, float, float]

BASE = "fr3_link0"
"""Root of the tree."""

_RADIUS = 0.045  # m, of the cylinders
_FINGER_HEIGHT = 0.0584  # m, from the hand's frame to the fingers'
_FINGER_FORCE = 70.0  # N
_NOWHERE: Vector = (0.0, 0.0, 0.0)


def robot_description() -> str:
    """Return the robot as URDF."""
    robot = Element("robot", name="fr3")
    links = [BASE, *(f"fr3_link{number}" for number in range(1, 8))]
    ends = [*(_origin(number) for number in range(7)), (0.0, 0.0, FLANGE)]
    robot.extend([_link(name, end) for name, end in zip(links, ends, strict=True)])
    robot.extend([_arm_joint(number) for number in range(7)])
    robot.extend(list(_hand()))
    ElementTree.indent(robot)
    return ElementTree.tostring(robot, encoding="unicode")


def _origin(number: int) -> Vector:
    """Return where a joint (counted from 0) is in the frame of the link before it, m."""
    a, d, alpha = DH[number]
    return (a, -d * math.sin(alpha), d * math.cos(alpha))


def _arm_joint(number: int) -> Element:
    origin, roll = _origin(number), DH[number][2]
    joint = _joint(
        (ARM_JOINTS[number], "revolute"),
        (f"fr3_link{number}", f"fr3_link{number + 1}"),
        origin,
        (roll, 0.0, 0.0),
    )
    joint.append(Element("axis", xyz="0 0 1"))
    joint.append(
        Element(
            "limit",
            lower=_number(POSITION_LOW[number]),
            upper=_number(POSITION_HIGH[number]),
            velocity=_number(VELOCITY[number]),
            effort=_number(TORQUE[number]),
        )
    )
    return joint


def _hand() -> Iterator[Element]:
    """Yield flange, hand, fingers and the point between the finger tips."""
    yield Element("link", name="fr3_link8")
    yield _joint(("fr3_joint8", "fixed"), ("fr3_link7", "fr3_link8"), (0.0, 0.0, FLANGE))
    yield _link("fr3_hand", (0.0, 0.0, _FINGER_HEIGHT))
    turn = (0.0, 0.0, HAND_YAW)
    yield _joint(("fr3_hand_joint", "fixed"), ("fr3_link8", "fr3_hand"), _NOWHERE, turn)
    yield Element("link", name="fr3_hand_tcp")
    tip = (0.0, 0.0, TCP_OFFSET)
    yield _joint(("fr3_hand_tcp_joint", "fixed"), ("fr3_hand", "fr3_hand_tcp"), tip)
    for name, side, sign in zip(FINGER_JOINTS, ("left", "right"), (1, -1), strict=True):
        link = f"fr3_{side}finger"
        yield _link(link, (0.0, 0.0, TCP_OFFSET - _FINGER_HEIGHT), radius=0.008)
        yield _finger_joint(name, link, sign)


def _finger_joint(name: str, link: str, sign: int) -> Element:
    joint = _joint((name, "prismatic"), ("fr3_hand", link), (0.0, 0.0, _FINGER_HEIGHT))
    joint.append(Element("axis", xyz=f"0 {sign} 0"))
    limit = {"lower": "0", "upper": _number(FINGER_RANGE), "velocity": _number(FINGER_VELOCITY)}
    joint.append(Element("limit", limit, effort=_number(_FINGER_FORCE)))
    return joint


def _joint(
    named: tuple[str, str], between: tuple[str, str], xyz: Vector, rpy: Vector = _NOWHERE
) -> Element:
    joint = Element("joint", name=named[0], type=named[1])
    joint.append(Element("parent", link=between[0]))
    joint.append(Element("child", link=between[1]))
    joint.append(Element("origin", xyz=_numbers(xyz), rpy=_numbers(rpy)))
    return joint


def _link(name: str, end: Vector, *, radius: float = _RADIUS) -> Element:
    """Return a link with a cylinder from its frame to `end`; none where that is the same point."""
    link = Element("link", name=name)
    length = math.dist(end, _NOWHERE)
    if length > 0:
        visual = ElementTree.SubElement(link, "visual")
        middle: Vector = (end[0] / 2, end[1] / 2, end[2] / 2)
        # A cylinder lies along z: turn that towards `end`, about y and then about z.
        pitch = math.atan2(math.hypot(end[0], end[1]), end[2])
        turn = (0.0, pitch, math.atan2(end[1], end[0]))
        visual.append(Element("origin", xyz=_numbers(middle), rpy=_numbers(turn)))
        geometry = ElementTree.SubElement(visual, "geometry")
        geometry.append(Element("cylinder", radius=_number(radius), length=_number(length)))
    return link


def _numbers(values: Vector) -> str:
    return " ".join(_number(value) for value in values)


def _number(value: float) -> str:
    # Adding 0 turns -0 into 0.
    return f"{round(float(value), 9) + 0.0:.9g}"
