"""Geometry that containers and objects are made of, as additions to a ``mujoco.MjSpec`` body."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

VISIBLE = 2
"""Geometry group that cameras draw."""

HIDDEN = 3
"""Geometry group of shapes that only collide."""

FOOT = 0.004
"""Height of the foot below a lathed body, m."""

Colour = tuple[float, float, float, float]
Profile = Sequence[tuple[float, float]]


def add_box(
    body: Any,
    position: Sequence[float],
    half_size: Sequence[float],
    colour: Colour,
    *,
    mass: float = 0.0,
    collides: bool = True,
    quaternion: Sequence[float] = (1.0, 0.0, 0.0, 0.0),
) -> Any:
    """Add a box (half sizes in m) to a body and return its geometry."""
    geom = body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_BOX, pos=position, size=half_size, rgba=colour, quat=quaternion
    )
    geom.mass = mass
    geom.group = VISIBLE
    if not collides:
        geom.contype = geom.conaffinity = 0
    return geom


def add_ellipsoid(
    body: Any,
    position: Sequence[float],
    radii: Sequence[float],
    colour: Colour,
    *,
    mass: float = 0.0,
    collides: bool = True,
) -> Any:
    """Add an ellipsoid (radii in m) to a body and return its geometry."""
    geom = body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_ELLIPSOID, pos=position, size=radii, rgba=colour
    )
    geom.mass = mass
    geom.group = VISIBLE
    if not collides:
        geom.contype = geom.conaffinity = 0
    return geom


def add_lathe(
    spec: Any,
    body: Any,
    name: str,
    profile: Profile,
    colour: Colour,
    *,
    thickness: float,
    mass: float,
    segments: int = 16,
) -> None:
    """Add an open body of revolution about z: one visible mesh, boxes and discs that collide.

    Args:
        spec: model that gets the mesh, named ``<name>_shell``.
        body: body that gets the geometry.
        name: prefix of the mesh's name.
        profile: outer outline as (radius, height) in m, from the axis outwards and up. A level
            stretch becomes a disc on a foot, so that the walls' boxes never touch what the body
            stands on.
        colour: red, green, blue, alpha in [0, 1].
        thickness: of the wall, m.
        mass: of the whole, kg: 40 % in the discs, the rest in the walls.
        segments: boxes around the axis per stretch of the profile.
    """
    vertices, faces = lathe_mesh(profile, thickness)
    mesh = spec.add_mesh(name=f"{name}_shell")
    mesh.uservert = vertices.ravel()
    mesh.userface = faces.ravel()
    mesh.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL
    shell = body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_MESH,
        meshname=f"{name}_shell",
        rgba=colour,
        contype=0,
        conaffinity=0,
    )
    shell.group = VISIBLE
    shell.mass = 0
    stretches = list(pairwise(profile))
    walls = sum(1 for (_, z0), (_, z1) in stretches if z0 != z1)
    for start, end in stretches:
        if start[1] == end[1]:
            _add_disc(body, max(start[0], end[0]), start[1], thickness, mass * 0.4)
        else:
            _add_wall(body, start, end, thickness, mass * 0.6 / walls, segments)


def _add_disc(body: Any, radius: float, height: float, thickness: float, mass: float) -> None:
    disc = body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_CYLINDER,
        pos=[0, 0, height + (thickness - FOOT) / 2],
        size=[radius, (thickness + FOOT) / 2, 0],
    )
    disc.group = HIDDEN
    disc.mass = mass


def _add_wall(
    body: Any,
    start: tuple[float, float],
    end: tuple[float, float],
    thickness: float,
    mass: float,
    segments: int,
) -> None:
    (r0, z0), (r1, z1) = start, end
    length = math.hypot(r1 - r0, z1 - z0)
    half_width = math.tan(math.pi / segments) * max(r0, r1)
    tilt = _axis_rotation([0, 1, 0], math.atan2(r1 - r0, z1 - z0))
    for k in range(segments):
        angle = 2 * math.pi * k / segments
        quaternion = np.zeros(4)
        mujoco.mju_mulQuat(quaternion, _axis_rotation([0, 0, 1], angle), tilt)
        radius = (r0 + r1) / 2
        box = body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_BOX,
            pos=[radius * math.cos(angle), radius * math.sin(angle), (z0 + z1) / 2],
            quat=quaternion,
            size=[thickness / 2, half_width, length / 2],
        )
        box.group = HIDDEN
        box.mass = mass / segments


def _axis_rotation(axis: Sequence[float], angle: float) -> NDArray[np.float64]:
    quaternion = np.zeros(4)
    mujoco.mju_axisAngle2Quat(quaternion, np.array(axis, dtype=float), angle)
    return quaternion


def lathe_mesh(
    profile: Profile, thickness: float, sides: int = 40
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Turn a profile about z into a closed mesh: vertices [2 * sides * points, 3], faces [n, 3]."""
    outer = np.array(profile, dtype=float)
    along = np.diff(outer, axis=0)
    along = np.vstack([along, along[-1]])
    normal = np.stack([along[:, 1], -along[:, 0]], axis=1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    loop = np.vstack([outer, (outer - normal * thickness)[::-1]])
    loop[:, 0] = np.maximum(loop[:, 0], 0.0)
    angles = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    ring = np.stack(
        [
            np.outer(np.cos(angles), loop[:, 0]),
            np.outer(np.sin(angles), loop[:, 0]),
            np.tile(loop[:, 1], (sides, 1)),
        ],
        axis=-1,
    )
    return ring.reshape(-1, 3), _lathe_faces(sides, len(loop))


def _lathe_faces(sides: int, points: int) -> NDArray[np.int64]:
    i, k = np.meshgrid(np.arange(sides), np.arange(points), indexing="ij")
    j, m = (i + 1) % sides, (k + 1) % points
    a, b, c, d = i * points + k, j * points + k, j * points + m, i * points + m
    first = np.stack([a, b, c], axis=-1).reshape(-1, 3)
    second = np.stack([a, c, d], axis=-1).reshape(-1, 3)
    return np.concatenate([first, second])
