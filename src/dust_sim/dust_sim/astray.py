"""Trials that begin where a hand would be that missed the object.

A demonstration is right all the way, so a policy never sees what to do once it was wrong: with the
fingers beside the object, low, perhaps closed upon nothing. Such a start shows the way back and
nothing of the way there, which nobody shall learn::

        hand                        up, across, down
         |                          .---.
         v       object      -->    |   v
        | |       (#)              | | (#)

A closed hand is closed upon nothing: all the way. One that is half closed holds something, and
whoever saw it open then would let go of what it has just gripped.
"""

from __future__ import annotations

import math
from dataclasses import replace

import mujoco
import numpy as np
from numpy.typing import NDArray

from dust_sim.collisions import Collisions
from dust_sim.fr3 import MAX_WIDTH
from dust_sim.kinematics import Kinematics, UnreachableError, downward
from dust_sim.layout import Layout
from dust_sim.objects import object_spec
from dust_sim.placement import Placement
from dust_sim.streams import Stream, trial_seed

Array = NDArray[np.float64]

# Where the hand is from the grasp, and how it is turned against it.
_BESIDE = (0.008, 0.07)  # m, towards anywhere
_ABOVE = (-0.005, 0.14)  # m
_YAW = 1.5  # rad, either way
_ELBOW = 0.1
_CLOSED = 0.4  # share of the trials in which the hand is closed
_TRIES = 40


class Astray:
    """Leads the arm astray at the start of a trial.

    Args:
        model: The cell's compiled model.
    """

    def __init__(self, model: mujoco.MjModel) -> None:
        self._layout = Layout(model)
        self._collisions = Collisions(model)
        self._kinematics = Kinematics()

    def lead(self, placement: Placement, share: float) -> Placement:
        """Answer the start configuration with the hand beside the object, or as it is.

        Args:
            placement: Where everything stands; the same one always gives the same.
            share: How often the hand is astray. Range: 0 to 1.

        Raises:
            ValueError: The share is out of range.
        """
        if not 0.0 <= share <= 1.0:
            raise ValueError(f"start_astray is {share:g}; allowed: 0 to 1")
        key = placement.task.name, placement.object_name, placement.seed
        random = np.random.default_rng(trial_seed(*key, Stream.ASTRAY))
        if random.random() >= share:
            return placement
        for _ in range(_TRIES):
            moved = self._moved(placement, random)
            if moved is not None and not self._collisions.found(self._layout.snapshot(moved)):
                return moved
        return placement

    def _moved(self, placement: Placement, random: np.random.Generator) -> Placement | None:
        spec, pose = object_spec(placement.object_name), placement.poses[placement.object_name]
        distance, angle = random.uniform(*_BESIDE), random.uniform(-math.pi, math.pi)
        position = np.array(
            [
                pose.x + distance * math.cos(angle),
                pose.y + distance * math.sin(angle),
                pose.z + spec.grasp_height + random.uniform(*_ABOVE),
            ]
        )
        yaw = spec.hand_yaw(pose.x, pose.y, pose.yaw) + random.uniform(-_YAW, _YAW)
        elbow = random.uniform(-_ELBOW, _ELBOW)
        width = 0.0 if random.random() < _CLOSED else MAX_WIDTH
        try:
            joints = self._kinematics.inverse(position, downward(yaw), elbow=elbow)
        except UnreachableError:
            return None
        return replace(placement, posture=tuple(float(q) for q in joints), width=width)
