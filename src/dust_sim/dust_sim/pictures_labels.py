"""What is true of a picture: where each body is, in the images, in the base and in the hand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import cv2
import mujoco
import numpy as np
from numpy.typing import NDArray

from dust_sim import fr3
from dust_sim.kinematics import Kinematics, yaw_of
from dust_sim.objects import OBJECTS
from dust_sim.pictures_camera import (
    CLASSES,
    LABELLED,
    PICTURE_HEIGHT,
    PICTURE_WIDTH,
    VIEWS,
    Picture,
    PictureRenderer,
    Projection,
)
from dust_sim.pose import BodyPose
from dust_sim.shapes import HIDDEN

Array = NDArray[np.float64]

GRID = (36, 64)
"""Rows and columns of a stored class map: each cell is the pixel in its middle."""

_CELL = PICTURE_HEIGHT // GRID[0]
_NEAREST_DEPTH = 0.02


@dataclass(frozen=True, slots=True)
class Labels:
    """The truth about both views. B bodies in the order of `LABELLED`, V views of `VIEWS`.

    Attributes:
        classes: class maps, uint8 [V, 36, 64].
        place: of each body's origin in the views, from 0 at the left or upper border to 1 at the
            other, [B, V, 2]; outside of that where the body is out of the picture. NaN for a body
            that is absent or behind the camera.
        depth: of the body's origin, [B, V], m; NaN likewise.
        seen: share of the body's outline that the view shows, [B, V], 0 to 1; the outline is
            the convex hull's, so that nothing else in front of it gives nearly 1.
        position: in the base frame, [B, 3], m; NaN where absent.
        in_hand: in the frame of the hand, its origin between the finger tips, [B, 3], m.
        grasp: direction in which the hand would turn to take the object, in the base frame, [B],
            rad; turning it by the object's period is the same grasp. NaN for containers.
        hand: position of the hand's origin in the base frame, [3], m.
        hand_yaw: of the hand, [], rad.
    """

    classes: NDArray[np.uint8]
    place: Array
    depth: Array
    seen: Array
    position: Array
    in_hand: Array
    grasp: Array
    hand: Array
    hand_yaw: float


class Labeller:
    """Reads the labels of what a renderer has drawn last."""

    def __init__(self, renderer: PictureRenderer) -> None:
        """Prepare the outlines of all bodies."""
        self._renderer = renderer
        model = renderer.model
        self._bodies = [model.body(name).id for name in LABELLED]
        self._outlines = [outline(model, body) for body in self._bodies]
        self._arm = np.array([model.joint(name).qposadr[0] for name in fr3.ARM_JOINTS])
        self._kinematics = Kinematics()

    def read(self, pictures: Sequence[Picture], present: Collection[str]) -> Labels:
        """Label the pictures of all views that were drawn of one snapshot.

        Args:
            pictures: in the order of `VIEWS`.
            present: names of the bodies in the scene.
        """
        there = np.array([name in present for name in LABELLED])
        data = self._renderer.data
        position = np.where(there[:, None], data.xpos[self._bodies], np.nan)
        hand, rotation = self._kinematics.forward(data.qpos[self._arm])
        views = [self._view(name, there) for name in VIEWS]
        shown = np.stack([_shown(picture) for picture in pictures], axis=1)
        areas = np.stack([view[1] for view in views], axis=1)
        return Labels(
            classes=np.stack([coarse(picture.classes) for picture in pictures]),
            place=np.stack([view[0][:, :2] for view in views], axis=1),
            depth=np.stack([view[0][:, 2] for view in views], axis=1),
            seen=np.clip(shown / np.maximum(areas, 1.0), 0.0, 1.0),
            position=position,
            in_hand=(position - hand) @ rotation,
            grasp=np.array([self._grasp(i) for i in range(len(LABELLED))]) + 0 * position[:, 0],
            hand=hand,
            hand_yaw=yaw_of(rotation),
        )

    def _view(self, camera: str, there: NDArray[np.bool_]) -> tuple[Array, Array]:
        """Return place and depth [B, 3] and the outlines' areas in pixels [B]."""
        projection = self._renderer.projection(camera)
        points = projection(self._renderer.data.xpos[self._bodies])
        points[:, 0] = (points[:, 0] + 0.5) / PICTURE_WIDTH
        points[:, 1] = (points[:, 1] + 0.5) / PICTURE_HEIGHT
        points[~there | (points[:, 2] < _NEAREST_DEPTH)] = np.nan
        areas = [self._area(i, projection) if there[i] else 0.0 for i in range(len(LABELLED))]
        return points, np.array(areas)

    def _area(self, index: int, projection: Projection) -> float:
        data, body = self._renderer.data, self._bodies[index]
        rotation = data.xmat[body].reshape(3, 3)
        spots = projection(self._outlines[index] @ rotation.T + data.xpos[body])
        if spots[:, 2].min() < _NEAREST_DEPTH:
            return float(PICTURE_WIDTH * PICTURE_HEIGHT)
        return float(cv2.contourArea(cv2.convexHull(spots[:, :2].astype(np.float32))))

    def _grasp(self, index: int) -> float:
        name = LABELLED[index]
        if name not in OBJECTS:
            return np.nan
        data, body = self._renderer.data, self._bodies[index]
        pose = BodyPose(data.xpos[body], data.xquat[body])
        return pose.yaw + OBJECTS[name].grasp_yaw


def coarse(classes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Thin a class map [180, 320] out to [36, 64]: the pixel in the middle of each cell."""
    return np.ascontiguousarray(classes[_CELL // 2 :: _CELL, _CELL // 2 :: _CELL])


def _shown(picture: Picture) -> NDArray[np.int64]:
    counts = np.bincount(picture.classes.ravel(), minlength=len(CLASSES))
    return counts[len(CLASSES) - len(LABELLED) :]


def outline(model: mujoco.MjModel, body: int) -> Array:
    """Return points [n, 3] in a body's frame, m, whose convex hull holds all that is visible."""
    drawn = (model.geom_bodyid == body) & (model.geom_group != HIDDEN)
    geoms = np.flatnonzero(drawn).tolist()
    return np.concatenate([_points(model, geom) for geom in geoms])


def _points(model: mujoco.MjModel, geom: int) -> Array:
    kind, size = model.geom_type[geom], model.geom_size[geom]
    if kind == mujoco.mjtGeom.mjGEOM_MESH:
        mesh = model.geom_dataid[geom]
        begin = model.mesh_vertadr[mesh]
        points = model.mesh_vert[begin : begin + model.mesh_vertnum[mesh]].astype(np.float64)
    elif kind == mujoco.mjtGeom.mjGEOM_BOX:
        points = _CORNERS * size
    else:
        points = _SPHERE * size
    rotation = np.zeros(9)
    mujoco.mju_quat2Mat(rotation, model.geom_quat[geom])
    return points @ rotation.reshape(3, 3).T + model.geom_pos[geom]


def _directions() -> Array:
    axis = np.array([-1.0, 0.0, 1.0])
    grid = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(-1, 3)
    grid = grid[np.abs(grid).sum(axis=1) > 0]
    return grid / np.linalg.norm(grid, axis=1, keepdims=True)


_CORNERS = np.array([[x, y, z] for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)])
_SPHERE = _directions()
