"""Pictures of the cell with the class of every pixel, drawn in one go."""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np
from numpy.typing import NDArray

from dust_sim.cameras import HEIGHT, WIDTH, Renderer, intrinsics
from dust_sim.containers import CONTAINERS
from dust_sim.objects import OBJECTS

try:
    import cv2
except ImportError:  # needed for pictures only, not for the cell
    cv2 = None  # type: ignore[assignment]

VIEWS = ("wrist", "side")
LABELLED = (*OBJECTS, *CONTAINERS)
"""Bodies that pictures say something about, in the order of every label's body axis."""

CLASSES = ("background", "robot", *LABELLED)
"""Classes of a class map, by their numbers."""

SHRINK = 2
PICTURE_WIDTH, PICTURE_HEIGHT = WIDTH // SHRINK, HEIGHT // SHRINK
"""Size of a picture, pixels: half of what the cameras deliver."""

Bytes = NDArray[np.uint8]
_ROBOT = CLASSES.index("robot")


class Picture(NamedTuple):
    """One view.

    Attributes:
        rgb: uint8 [180, 320, 3], averaged from a camera image of twice the size.
        classes: number in `CLASSES` of what each pixel shows, uint8 [180, 320].
    """

    rgb: Bytes
    classes: Bytes


class Projection(NamedTuple):
    """A camera at one moment: maps points of the base frame into a picture.

    Attributes:
        position: of the camera, [3], m.
        rotation: its axes right, up and back as columns, [3, 3].
        focal: focal length, pixels of a picture.
    """

    position: NDArray[np.float64]
    rotation: NDArray[np.float64]
    focal: float

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return column and row in pixels and the depth in m of points [n, 3], as [n, 3].

        (0, 0) is the middle of the upper left pixel; points behind the camera have a depth below 0
        and no place that means anything.
        """
        right, up, back = self.rotation.T @ (points - self.position).T
        depth = -back
        safe = np.where(np.abs(depth) < 1e-6, 1e-6, depth)
        columns = (PICTURE_WIDTH - 1) / 2 + self.focal * right / safe
        rows = (PICTURE_HEIGHT - 1) / 2 - self.focal * up / safe
        return np.stack([columns, rows, depth], axis=1)


class PictureRenderer(Renderer):
    """Draws pictures and class maps. Make, use and close it in one thread; a context manager."""

    def __init__(self, model: mujoco.MjModel) -> None:
        """Open the graphics context.

        Raises:
            ValueError: OpenCV is missing or off-screen rendering does not work here; the message
                says what to install.
        """
        if cv2 is None:
            raise ValueError("pictures need OpenCV: pip install opencv-python-headless")
        super().__init__(model)
        self._small = mujoco.MjrRect(0, 0, PICTURE_WIDTH, PICTURE_HEIGHT)
        self._colours = np.empty((PICTURE_HEIGHT, PICTURE_WIDTH, 3), np.uint8)
        self._kinds = np.array([_class_of(model, i) for i in range(model.ngeom)], np.uint8)

    @property
    def data(self) -> mujoco.MjData:
        """The moment that was drawn last: poses of bodies and cameras."""
        return self._data

    def draw(self, snapshot: NDArray[np.float64], camera: str) -> Picture:
        """Draw one view of a snapshot of ``Cell.snapshot``, in colour and as classes.

        Raises:
            ValueError: there is no such camera.
        """
        large = self.render(snapshot, camera)
        small = cv2.resize(large, (PICTURE_WIDTH, PICTURE_HEIGHT), interpolation=cv2.INTER_AREA)
        return Picture(np.ascontiguousarray(small[..., 2::-1]), self._classes())

    def projection(self, camera: str) -> Projection:
        """Return the projection of a camera at the moment that was drawn last."""
        number = self.model.camera(camera).id
        lens = intrinsics(self.model, camera, width=PICTURE_WIDTH, height=PICTURE_HEIGHT)
        rotation = self._data.cam_xmat[number].reshape(3, 3).copy()
        return Projection(self._data.cam_xpos[number].copy(), rotation, lens.fy)

    def _classes(self) -> Bytes:
        """Draw the scene that is set up once more, every geom in the colour of its number."""
        flags = self._scene.flags
        flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = True
        flags[mujoco.mjtRndFlag.mjRND_IDCOLOR] = True
        mujoco.mjr_render(self._small, self._scene, self._context)
        mujoco.mjr_readPixels(self._colours, None, self._small, self._context)
        flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = False
        flags[mujoco.mjtRndFlag.mjRND_IDCOLOR] = False
        numbers = self._colours.astype(np.int32) @ np.array([1, 1 << 8, 1 << 16], np.int32)
        return np.ascontiguousarray(self._kind_of_segment()[numbers[::-1]])

    def _kind_of_segment(self) -> Bytes:
        """Return the class of each segment number; 0 is what nothing covers."""
        kinds = np.zeros(self._scene.ngeom + 1, np.uint8)
        geom = int(mujoco.mjtObj.mjOBJ_GEOM)
        for part in self._scene.geoms[: self._scene.ngeom]:
            if part.objtype == geom and part.segid >= 0:
                kinds[part.segid + 1] = self._kinds[part.objid]
        return kinds


def _class_of(model: mujoco.MjModel, geom: int) -> int:
    body = int(model.geom_bodyid[geom])
    root = model.body(model.body_rootid[body]).name
    if root in LABELLED:
        return CLASSES.index(root)
    return _ROBOT if body else 0
