"""Where what stands in the cell's generalised positions."""

from __future__ import annotations

import math

import mujoco
import numpy as np
from numpy.typing import NDArray

from dust_sim import fr3
from dust_sim.placement import Placement
from dust_sim.pose import Pose2
from dust_sim.scene import BODIES

Array = NDArray[np.float64]

# Bodies that are not in the scene wait there, too far to be drawn and out of reach of each other.
_FAR_AWAY = -1000.0


class Layout:
    """Addresses in `qpos`, and how bodies are written there.

    Args:
        model: The cell's compiled model.

    Attributes:
        arm: Addresses of the arm's joints [7].
        fingers: Addresses of the fingers [2].
        free: Body -> address of its position [3] and attitude [4].
    """

    def __init__(self, model: mujoco.MjModel) -> None:
        self._rest = np.array(model.qpos0)
        self.arm = np.array([model.joint(name).qposadr[0] for name in fr3.ARM_JOINTS])
        self.fingers = np.array([model.joint(name).qposadr[0] for name in fr3.FINGER_JOINTS])
        self.free = {name: int(model.joint(f"{name}_free").qposadr[0]) for name in BODIES}

    def snapshot(self, placement: Placement) -> Array:
        """Return all generalised positions [nq] of a start configuration."""
        snapshot = self._rest.copy()
        snapshot[self.arm] = placement.posture
        snapshot[self.fingers] = placement.width / 2
        for name in BODIES:
            self.put(snapshot, name, placement.poses.get(name))
        return snapshot

    def put(self, snapshot: Array, name: str, pose: Pose2 | None) -> None:
        """Put a body somewhere, in place; None: far away, where it disturbs nobody."""
        address = self.free[name]
        if pose is None:
            away = _FAR_AWAY - list(self.free).index(name), 0.0, _FAR_AWAY
            snapshot[address : address + 7] = *away, 1.0, 0.0, 0.0, 0.0
        else:
            c, s = math.cos(pose.yaw / 2), math.sin(pose.yaw / 2)
            snapshot[address : address + 7] = pose.x, pose.y, pose.z, c, 0.0, 0.0, s
