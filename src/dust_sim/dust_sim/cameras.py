"""Pictures of the cell as a ZED camera delivers them: bgra8, rectified, with pinhole intrinsics.

A ``Renderer`` draws from a snapshot of the joint positions with data and a graphics context of its
own, so that drawing never waits for physics or holds it up. It belongs to the thread that made it.
Off-screen rendering uses EGL unless the environment variable ``MUJOCO_GL`` says ``osmesa`` or
``glfw``; the display of a viewer's window has no part in it.
"""

from __future__ import annotations

import copy
import importlib
import math
import os
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from dust_sim.scene import CAMERAS
from dust_sim.variation import TEXTURES, Variation, apply

WIDTH = 640
HEIGHT = 360

_REMEDY = (
    "install the software renderer: apt-get install libegl1 libgl1-mesa-dri "
    "(or libosmesa6 and MUJOCO_GL=osmesa)"
)


@dataclass(frozen=True, slots=True)
class Intrinsics:
    """Pinhole model without distortion, in pixels; (0, 0) is the middle of the upper left one."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The camera matrix K [3, 3]."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1.0]])


def intrinsics(
    model: mujoco.MjModel,
    camera: str,
    *,
    width: int = WIDTH,
    height: int = HEIGHT,
    variation: Variation | None = None,
) -> Intrinsics:
    """Answer a camera's intrinsics.

    Args:
        model: the designed cell, or one that a look was applied to already.
        camera: ``wrist`` or ``side``.
        width: of the pictures, pixels.
        height: of the pictures, pixels.
        variation: look to reckon with that was not applied to the model.

    Raises:
        ValueError: there is no such camera.
    """
    angle = float(model.cam_fovy[_camera_id(model, camera)])
    if variation is not None:
        angle += variation.cameras[camera].field_of_view
    focal = height / 2 / math.tan(math.radians(angle) / 2)
    return Intrinsics(width, height, focal, focal, (width - 1) / 2, (height - 1) / 2)


def _camera_id(model: mujoco.MjModel, camera: str) -> int:
    if camera not in CAMERAS:
        raise ValueError(f"no camera {camera!r}; there are: {', '.join(CAMERAS)}")
    return int(model.camera(camera).id)


class Renderer:
    """Draws the cell from a snapshot. Make, use and close it in one thread; a context manager."""

    def __init__(
        self,
        model: mujoco.MjModel,
        *,
        width: int = WIDTH,
        height: int = HEIGHT,
        shadows: bool = False,
    ) -> None:
        """Open the graphics context.

        Args:
            model: the cell's compiled model, possibly that of the ``Cell`` which steps it: the
                renderer draws from a copy.
            width: of the pictures, pixels.
            height: of the pictures, pixels.
            shadows: draw shadows; about three times as slow without a GPU.

        Raises:
            ValueError: off-screen rendering does not work here; the message says what to install.
        """
        self.width, self.height = width, height
        self._designed, self._worn = model, Variation()
        self.model = model = copy.copy(model)
        """The renderer's own copy, as it looks now."""
        self._data = mujoco.MjData(model)
        model.vis.global_.offwidth = max(width, model.vis.global_.offwidth)
        model.vis.global_.offheight = max(height, model.vis.global_.offheight)
        self._gl: Any = _graphics(width, height)
        self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self._sample_cheaply()
        self._scene = mujoco.MjvScene(model, maxgeom=model.ngeom + 50)
        self._scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = shadows
        self._scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = False
        self._option = mujoco.MjvOption()
        self._option.sitegroup[:] = 0
        self._camera = mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._rectangle = mujoco.MjrRect(0, 0, width, height)
        self._rgb = np.empty((height, width, 3), np.uint8)

    def wear(self, variation: Variation) -> None:
        """Draw the cell with another look from now on; costs nothing when it is worn already."""
        if variation == self._worn:
            return
        apply(self.model, variation, designed=self._designed)
        for name in TEXTURES:
            mujoco.mjr_uploadTexture(self.model, self._context, self.model.tex(name).id)
        self._sample_cheaply()
        self._worn = variation

    def render(self, snapshot: NDArray[np.float64], camera: str) -> NDArray[np.uint8]:
        """Draw one picture.

        Args:
            snapshot: what ``Cell.snapshot`` answered.
            camera: ``wrist`` or ``side``.

        Returns:
            A new contiguous array [height, width, 4], bgra8, alpha 255.

        Raises:
            ValueError: there is no such camera.
        """
        self._camera.fixedcamid = _camera_id(self.model, camera)
        self._pose(snapshot)
        mujoco.mjv_updateScene(
            self.model,
            self._data,
            self._option,
            None,
            self._camera,
            mujoco.mjtCatBit.mjCAT_ALL,
            self._scene,
        )
        mujoco.mjr_render(self._rectangle, self._scene, self._context)
        mujoco.mjr_readPixels(self._rgb, None, self._rectangle, self._context)
        return self._to_bgra()

    def _sample_cheaply(self) -> None:
        """Take one texel per pixel instead of blending eight: a third of the time without a GPU.

        The textures have two close colours and a slow gradient, so nobody sees the difference.
        """
        gl = importlib.import_module("OpenGL.GL")
        kinds = {int(mujoco.mjtTexture.mjTEXTURE_2D): gl.GL_TEXTURE_2D}
        for kind, texture in zip(self._context.textureType, self._context.texture, strict=True):
            if texture == 0:
                continue
            target = kinds.get(int(kind), gl.GL_TEXTURE_CUBE_MAP)
            gl.glBindTexture(target, int(texture))
            for choice in (gl.GL_TEXTURE_MIN_FILTER, gl.GL_TEXTURE_MAG_FILTER):
                gl.glTexParameteri(target, choice, gl.GL_NEAREST)
            gl.glBindTexture(target, 0)

    def _pose(self, snapshot: NDArray[np.float64]) -> None:
        self._data.qpos[:] = snapshot
        mujoco.mj_kinematics(self.model, self._data)
        mujoco.mj_camlight(self.model, self._data)

    def _to_bgra(self) -> NDArray[np.uint8]:
        picture = np.empty((self.height, self.width, 4), np.uint8)
        # OpenGL's first row is the lowest.
        upright = self._rgb[::-1]
        for channel in range(3):
            picture[..., channel] = upright[..., 2 - channel]
        picture[..., 3] = 255
        return picture

    def project(
        self, snapshot: NDArray[np.float64], camera: str, point: NDArray[np.float64]
    ) -> tuple[float, float, float]:
        """Answer where a point of the base frame [3] (m) appears: column, row, depth (m)."""
        number = _camera_id(self.model, camera)
        self._pose(snapshot)
        right, up, back = self._data.cam_xmat[number].reshape(3, 3).T @ (
            point - self._data.cam_xpos[number]
        )
        lens = intrinsics(self.model, camera, width=self.width, height=self.height)
        return lens.cx + lens.fx * right / -back, lens.cy - lens.fy * up / -back, float(-back)

    def close(self) -> None:
        """Free the graphics memory; in the thread that made the renderer."""
        if self._gl is not None:
            self._context.free()
            self._gl.free()
            self._gl = None

    def __enter__(self) -> Renderer:
        """Answer the renderer itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the renderer."""
        self.close()


def _graphics(width: int, height: int) -> Any:
    """Open and select an off-screen context of the kind that ``MUJOCO_GL`` names, else EGL."""
    kind = os.environ.get("MUJOCO_GL", "").lower()
    kind = kind if kind in ("glfw", "osmesa") else "egl"
    try:
        context = importlib.import_module(f"mujoco.{kind}").GLContext(width, height)
        context.make_current()
    except Exception as error:
        raise ValueError(f"cameras: {kind} rendering does not work ({error}); {_REMEDY}") from error
    return context
