"""Whether the robot would reach into something, without stepping any physics."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from dust_sim.scene import BODIES

_DEEPEST = -0.004


class Collisions:
    """Looks for contacts of the robot in states that nobody simulates.

    Args:
        model: The cell's compiled model.
    """

    def __init__(self, model: mujoco.MjModel) -> None:
        self._model = model
        self._data = mujoco.MjData(model)
        self._roots = [model.body(model.body_rootid[b]).name for b in model.geom_bodyid]

    def found(self, snapshot: NDArray[np.float64], held: str = "") -> bool:
        """Say whether the robot, or what it holds, reaches more than 4 mm into something.

        Args:
            snapshot: All generalised positions of the model, as `Cell.snapshot` answers them.
            held: The object between the fingers; empty: none.
        """
        self._data.qpos[:] = snapshot
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_comPos(self._model, self._data)
        mujoco.mj_collision(self._model, self._data)
        contacts = self._data.contact
        for first, second, depth in zip(contacts.geom1, contacts.geom2, contacts.dist, strict=True):
            a, b = self._of_robot(first, held), self._of_robot(second, held)
            if a != b and depth < _DEEPEST:
                return True
        return False

    def _of_robot(self, geom: int, held: str) -> bool:
        root = self._roots[geom]
        return root == held or (root not in BODIES and int(self._model.geom_bodyid[geom]) != 0)
