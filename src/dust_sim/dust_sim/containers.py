"""The five containers of the paper's real-robot tasks (appendix A.4).

Their shape, mass, footprint, and where things lie in them.

All of them stand free on the table and are heavy against the objects: a clumsy arm pushes them
away, a good one does not move them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dust_sim.shapes import FOOT, Colour, add_box, add_lathe

_CARDBOARD: Colour = (0.58, 0.40, 0.22, 1.0)
_TAPE: Colour = (0.72, 0.56, 0.36, 1.0)
_WICKER: Colour = (0.95, 0.95, 0.92, 1.0)
_LINING: Colour = (0.80, 0.82, 0.84, 1.0)
_GOLD: Colour = (0.86, 0.64, 0.10, 1.0)
_BLACK: Colour = (0.05, 0.05, 0.06, 1.0)
_PORCELAIN: Colour = (0.96, 0.96, 0.97, 1.0)

_BOWL = ((0.0, FOOT), (0.045, FOOT), (0.075, 0.022), (0.090, 0.054))
_PLATE = ((0.0, FOOT), (0.080, FOOT), (0.110, 0.016))


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """What placement, grasping and the oracle have to know about a container. Lengths in m.

    The body's origin is the middle of the container's underside.
    """

    name: str
    """Body's name, such as ``brown_box``."""
    words: str
    """How instructions call it."""
    floor: float
    """Height of the surface that carries objects."""
    rim: float
    """Height of the highest point."""
    half_x: float
    """Half length of the footprint; its radius when it is round."""
    half_y: float
    """Half width of the footprint; equal to ``half_x`` when it is round."""
    round: bool
    """Round footprint, else rectangular."""
    spread_x: float
    """How far from the middle an object may start, along x."""
    spread_y: float
    """How far from the middle an object may start, along y."""
    release: float
    """Height of an object's underside when the hand lets go of it."""

    @property
    def radius(self) -> float:
        """Circle about the origin that covers the container, m."""
        return self.half_x if self.round else math.hypot(self.half_x, self.half_y)

    def covers(self, x: float, y: float, margin: float = 0.0) -> bool:
        """Say whether a point of the container's frame lies within the footprint, grown by m."""
        if self.round:
            return math.hypot(x, y) <= self.half_x + margin
        return abs(x) <= self.half_x + margin and abs(y) <= self.half_y + margin


def _brown_box(spec: Any, body: Any) -> None:
    add_box(body, (0, 0, 0.03), (0.13, 0.11, 0.03), _CARDBOARD, mass=1.0)
    add_box(body, (0, 0, 0.03), (0.1303, 0.018, 0.0302), _TAPE, collides=False)


def _white_basket(spec: Any, body: Any) -> None:
    x, y, height, wall = 0.14, 0.12, 0.05, 0.003
    add_box(body, (0, 0, wall), (x, y, wall), _LINING, mass=0.6)
    for side in (-1, 1):
        for level in (0.011, 0.0275, 0.044):
            add_box(body, (side * x, 0, level), (wall, y + wall, 0.006), _WICKER, mass=0.02)
            add_box(body, (0, side * y, level), (x + wall, wall, 0.006), _WICKER, mass=0.02)
        for place in (-1.0, -0.33, 0.33, 1.0):
            post = (wall * 1.3, 0.005, height / 2)
            beam = (0.005, wall * 1.3, height / 2)
            add_box(body, (side * x, place * y, height / 2), post, _WICKER, collides=False)
            add_box(body, (place * x, side * y, height / 2), beam, _WICKER, collides=False)


def _golden_bowl(spec: Any, body: Any) -> None:
    add_lathe(spec, body, "golden_bowl", _BOWL, _GOLD, thickness=0.005, mass=0.8)


def _black_bowl(spec: Any, body: Any) -> None:
    add_lathe(spec, body, "black_bowl", _BOWL, _BLACK, thickness=0.005, mass=0.8)


def _white_plate(spec: Any, body: Any) -> None:
    add_lathe(spec, body, "white_plate", _PLATE, _PORCELAIN, thickness=0.005, mass=0.8)


def _bowl_spec(name: str, words: str) -> ContainerSpec:
    return ContainerSpec(
        name=name,
        words=words,
        floor=0.009,
        rim=0.054,
        half_x=0.090,
        half_y=0.090,
        round=True,
        spread_x=0.0,
        spread_y=0.0,
        release=0.045,
    )


CONTAINERS: dict[str, ContainerSpec] = {
    spec.name: spec
    for spec in (
        ContainerSpec(
            name="brown_box",
            words="brown box",
            floor=0.06,
            rim=0.06,
            half_x=0.13,
            half_y=0.11,
            round=False,
            spread_x=0.05,
            spread_y=0.04,
            release=0.07,
        ),
        _bowl_spec("golden_bowl", "golden bowl"),
        ContainerSpec(
            name="white_plate",
            words="white plate",
            floor=0.009,
            rim=0.016,
            half_x=0.110,
            half_y=0.110,
            round=True,
            spread_x=0.025,
            spread_y=0.025,
            release=0.020,
        ),
        ContainerSpec(
            name="white_basket",
            words="white basket",
            floor=0.006,
            rim=0.05,
            half_x=0.14,
            half_y=0.12,
            round=False,
            spread_x=0.04,
            spread_y=0.03,
            release=0.03,
        ),
        _bowl_spec("black_bowl", "black bowl"),
    )
}
"""All containers by name."""

_BUILDERS: dict[str, Callable[[Any, Any], None]] = {
    "brown_box": _brown_box,
    "golden_bowl": _golden_bowl,
    "white_plate": _white_plate,
    "white_basket": _white_basket,
    "black_bowl": _black_bowl,
}


def container_spec(name: str) -> ContainerSpec:
    """Look a container up.

    Raises:
        ValueError: there is no such container; the message lists those there are.
    """
    try:
        return CONTAINERS[name]
    except KeyError:
        raise ValueError(f"no container {name!r}; there are: {', '.join(CONTAINERS)}") from None


def add_container(spec: Any, name: str) -> Any:
    """Add a container to the world of a ``mujoco.MjSpec``; its free joint is ``<name>_free``."""
    body = spec.worldbody.add_body(name=name)
    body.add_freejoint(name=f"{name}_free")
    _BUILDERS[name](spec, body)
    return body
