"""The four objects of the paper's real-robot tasks (appendix A.4), and how a gripper takes them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dust_sim.shapes import FOOT, Colour, add_box, add_ellipsoid, add_lathe

_BLUE: Colour = (0.10, 0.25, 0.90, 1.0)
_CUP_BLUE: Colour = (0.25, 0.55, 0.95, 1.0)
_YELLOW: Colour = (0.95, 0.85, 0.20, 1.0)
_GREEN: Colour = (0.20, 0.55, 0.25, 1.0)
_FUR: Colour = (0.42, 0.22, 0.10, 1.0)
_MUZZLE: Colour = (0.85, 0.70, 0.50, 1.0)
_DARK: Colour = (0.10, 0.07, 0.05, 1.0)


@dataclass(frozen=True, slots=True)
class ObjectSpec:
    """What placement and grasping have to know about an object. Lengths in m, angles in rad."""

    name: str
    """Body's name, such as ``blue_cube``."""
    words: str
    """How instructions call it."""
    rest_height: float
    """Of the body's origin above the surface that it lies on."""
    top: float
    """Of the highest point above the body's origin."""
    radius: float
    """Circle about the origin that covers the object, seen from above."""
    grasp_width: float
    """Between the fingers when they hold it."""
    grasp_height: float
    """Of the fingers' centre above the body's origin."""
    grasp_yaw: float
    """Of the fingers' closing direction against the body's y axis."""
    grasp_period: float
    """Turning the hand by this angle is the same grasp."""

    def hand_yaw(self, x: float, y: float, yaw: float) -> float:
        """Answer how a hand that points down turns to take the object, rad.

        Of all equal grasps it is the one that turns the wrist least.

        Args:
            x: of the object in the base frame, m.
            y: of the object in the base frame, m.
            yaw: of the object in the base frame, rad.
        """
        return self.nearest_yaw(yaw, math.atan2(y, x))

    def nearest_yaw(self, yaw: float, hand: float) -> float:
        """Answer how a hand that points down turns to take the object, by the nearest grasp, rad.

        Args:
            yaw: of the object in the base frame, rad.
            hand: how the hand is turned, rad.
        """
        angle = yaw + self.grasp_yaw
        return angle + self.grasp_period * round((hand - angle) / self.grasp_period)


def _cube(spec: Any, body: Any) -> None:
    geom = add_box(body, (0, 0, 0), (0.02, 0.02, 0.02), _BLUE, mass=0.05)
    geom.friction = [1.0, 0.01, 0.001]


def _sponge(spec: Any, body: Any) -> None:
    geom = add_box(body, (0, 0, 0), (0.04, 0.025, 0.015), _YELLOW, mass=0.02)
    geom.friction = [1.0, 0.01, 0.001]
    geom.solref = [0.02, 1]
    add_box(body, (0, 0, 0.012), (0.0401, 0.0251, 0.0035), _GREEN, collides=False)


def _cup(spec: Any, body: Any) -> None:
    profile = [(0.0, FOOT - 0.035), (0.024, FOOT - 0.035), (0.030, 0.040)]
    add_lathe(spec, body, "blue_cup", profile, _CUP_BLUE, thickness=0.004, mass=0.06)
    handle = (
        ((0.042, 0.0, 0.020), (0.009, 0.004, 0.004)),
        ((0.042, 0.0, -0.015), (0.012, 0.004, 0.004)),
        ((0.050, 0.0, 0.0025), (0.004, 0.004, 0.021)),
    )
    for position, half_size in handle:
        add_box(body, position, half_size, _CUP_BLUE, mass=0.004)


def _bear(spec: Any, body: Any) -> None:
    """Build a bear on its back: head towards +x, belly up, arms along y."""

    def part(position: Any, radii: Any, colour: Colour, mass: float) -> None:
        geom = add_ellipsoid(body, position, radii, colour, mass=mass, collides=mass > 0)
        geom.friction = [1.2, 0.02, 0.002]
        geom.condim = 4

    part((0, 0, 0), (0.034, 0.024, 0.022), _FUR, 0.030)
    part((0.047, 0, 0.002), (0.023, 0.024, 0.022), _FUR, 0.015)
    part((0.050, 0, 0.022), (0.010, 0.010, 0.008), _MUZZLE, 0)
    part((0.055, 0, 0.030), (0.003, 0.004, 0.003), _DARK, 0)
    part((0, 0, 0.008), (0.022, 0.017, 0.016), _MUZZLE, 0)
    for side in (-1, 1):
        part((0.066, side * 0.017, 0.0), (0.009, 0.009, 0.006), _FUR, 0.001)
        part((0.010, side * 0.021, -0.002), (0.019, 0.010, 0.010), _FUR, 0.002)
        part((-0.030, side * 0.016, -0.004), (0.019, 0.011, 0.012), _FUR, 0.004)
        part((0.055, side * 0.009, 0.022), (0.0025, 0.0025, 0.0025), _DARK, 0)


OBJECTS: dict[str, ObjectSpec] = {
    spec.name: spec
    for spec in (
        ObjectSpec(
            name="teddy_bear",
            words="teddy bear",
            rest_height=0.0225,
            top=0.033,
            radius=0.075,
            grasp_width=0.062,
            grasp_height=-0.004,
            grasp_yaw=0.0,
            grasp_period=math.pi,
        ),
        ObjectSpec(
            name="blue_cube",
            words="blue cube",
            rest_height=0.020,
            top=0.020,
            radius=0.029,
            grasp_width=0.040,
            grasp_height=0.0,
            grasp_yaw=0.0,
            grasp_period=math.pi / 2,
        ),
        ObjectSpec(
            name="blue_cup",
            words="blue cup",
            rest_height=0.035,
            top=0.040,
            radius=0.055,
            grasp_width=0.056,
            grasp_height=0.010,
            grasp_yaw=0.0,
            grasp_period=math.pi,
        ),
        ObjectSpec(
            name="sponge",
            words="sponge",
            rest_height=0.015,
            top=0.0155,
            radius=0.048,
            grasp_width=0.050,
            grasp_height=0.004,
            grasp_yaw=0.0,
            grasp_period=math.pi,
        ),
    )
}
"""All objects by name, in the paper's order."""

_BUILDERS: dict[str, Callable[[Any, Any], None]] = {
    "teddy_bear": _bear,
    "blue_cube": _cube,
    "blue_cup": _cup,
    "sponge": _sponge,
}


def object_spec(name: str) -> ObjectSpec:
    """Look an object up.

    Raises:
        ValueError: there is no such object; the message lists those there are.
    """
    try:
        return OBJECTS[name]
    except KeyError:
        raise ValueError(f"no object {name!r}; there are: {', '.join(OBJECTS)}") from None


def add_object(spec: Any, name: str) -> Any:
    """Add an object to the world of a ``mujoco.MjSpec``; its free joint is ``<name>_free``."""
    body = spec.worldbody.add_body(name=name)
    body.add_freejoint(name=f"{name}_free")
    _BUILDERS[name](spec, body)
    return body
