"""Moments of the cell to draw: the scripted expert's, and what lies beside its way.

The expert's own states are few and all alike: the hand always comes from above, the object is
always where it is going. So most pictures are of changed moments. Nothing is simulated for them;
bodies are put somewhere else and the arm gets the posture that belongs there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import mujoco
import numpy as np
from numpy.typing import NDArray

from dust_sim import fr3
from dust_sim.cell import Cell
from dust_sim.collisions import Collisions
from dust_sim.containers import container_spec
from dust_sim.expert import Expert, Phase
from dust_sim.kinematics import Kinematics, UnreachableError
from dust_sim.layout import Layout
from dust_sim.objects import OBJECTS, object_spec
from dust_sim.oracle import ROBOT
from dust_sim.placement import Placement, place
from dust_sim.pose import BodyPose, Pose2
from dust_sim.scene import BODIES
from dust_sim.trial import run_trial

Array = NDArray[np.float64]

NEAR = 0.15
"""Moments are near when the object is at most this far from the finger tips, m."""

FIRST_SEED = 100_000
"""Of placements: evaluation and demonstrations have the seeds below."""

_LAST_SEED = 2**31
_HELD = np.array([0.05, 0.05, 0.06])
_HELD_WIDTH = 0.077
_TAKE_AWAY = 0.15
_SPREADS = (0.01, 0.03, 0.08)
_TURNED = 0.5
_WORKSPACE = np.array([[0.28, 0.75], [-0.45, 0.45], [0.012, 0.60]])
_TRIES = 6
_BESIDE = 0.06


@dataclass(frozen=True, slots=True)
class Moment:
    """One state of the cell.

    Attributes:
        placement: how its trial began; names what is in the scene.
        snapshot: all generalised positions of the model, as ``Cell.snapshot`` answers them.
        held: the object between the fingers; empty when there is none.
        near: whether the hand is about to take the trial's object, or takes it.
        waits: whether the trial's object still rests where it was put.
    """

    placement: Placement
    snapshot: Array
    held: str
    near: bool
    waits: bool


def draw_placement(task: str, object_name: str, random: np.random.Generator) -> Placement:
    """Draw a start configuration that no evaluation and no demonstration has.

    Two in three have distractors, up to three.
    """
    others = [name for name in OBJECTS if name != object_name]
    while True:
        count = int(random.choice(4, p=(0.33, 0.22, 0.25, 0.20)))
        chosen = tuple(str(name) for name in random.permutation(others)[:count])
        seed = int(random.integers(FIRST_SEED, _LAST_SEED))
        try:
            return place(task, object_name, seed, distractors=chosen)
        except ValueError:  # no room for so many
            continue


def watch_trial(cell: Cell, placement: Placement, random: np.random.Generator) -> list[Moment]:
    """Let the expert do a trial and answer its moments, five a second.

    Now and then the object is taken away from before the hand, so that it has to look again.
    """
    moments: list[Moment] = []
    steals = [random.random() < _TAKE_AWAY]
    after = random.uniform(1.5, 4.0)
    home = placement.poses[placement.object_name]

    def watch(cell: Cell, expert: Expert) -> None:
        moments.append(_look(cell, expert, placement))
        if steals[0] and cell.time > after and expert.phase is Phase.APPROACH:
            steals[0] = False
            dx, dy = random.uniform(-0.03, 0.03, size=2)
            turn = home.yaw + random.uniform(-0.5, 0.5)
            cell.put(placement.object_name, Pose2(home.x + dx, home.y + dy, home.z, turn))

    run_trial(cell, placement, watch=watch)
    return moments


def _look(cell: Cell, expert: Expert, placement: Placement) -> Moment:
    position, rotation = expert.kinematics.forward(cell.joint_positions)
    poses = cell.poses()
    away = float(np.linalg.norm(poses[placement.object_name].position - position))
    early = expert.phase in (Phase.APPROACH, Phase.CLOSE)
    held = ""
    if cell.width < _HELD_WIDTH:
        touching = cell.evidence().touching
        for name in OBJECTS:
            if name in poses and frozenset((name, ROBOT)) in touching:
                offset = np.abs(rotation.T @ (poses[name].position - position))
                held = name if np.all(offset < _HELD) else held
    waits = expert.phase is Phase.APPROACH and cell.width > _HELD_WIDTH
    return Moment(placement, cell.snapshot(), held, early and away < NEAR, waits)


class Changer:
    """Makes moments that the expert did not come across."""

    def __init__(self, model: mujoco.MjModel) -> None:
        """Prepare for the cell's model."""
        self._collisions = Collisions(model)
        self._kinematics = Kinematics()
        self._layout = Layout(model)

    def nudge(self, moment: Moment, random: np.random.Generator) -> Moment:
        """Move the hand, with what it holds, off its place; now and then its fingers too.

        An empty hand is often turned by any angle: whoever saw it near an object turned rightly
        alone would not have to look how the object lies. The moment itself comes back when all
        tries bump into something.
        """
        spread = float(random.choice(_SPREADS))
        for _ in range(_TRIES):
            shift = random.normal(0.0, spread, size=3)
            shift[2] = abs(shift[2]) if random.random() < 0.7 else shift[2]
            turn = random.normal(0.0, min(0.35, 8 * spread))
            if not moment.held and random.random() < _TURNED:
                turn = random.uniform(-math.pi / 2, math.pi / 2)
            lean = random.normal(0.0, 0.04, size=2)
            changed = self._with_hand(moment, shift, turn, lean, random)
            if changed is not None:
                return changed
        return moment

    def move(self, moment: Moment, random: np.random.Generator) -> Moment:
        """Put everything into another start configuration of the same task; the hand follows.

        A hand that was near the object, or what the object is in, is as near afterwards; what it
        holds stays in it. A moment that cannot be moved is nudged instead.
        """
        old = moment.placement
        new = draw_placement(old.task.name, old.object_name, random)
        snapshot = moment.snapshot.copy()
        for name in BODIES:
            if name != moment.held:
                self._layout.put(snapshot, name, new.poses.get(name))
        moved = replace(moment, placement=new, snapshot=snapshot)
        shift, turn = np.zeros(3), 0.0
        if moment.waits:
            shift, turn = self._follow(moment, old, new)
        elif anchor := self._anchor(moment):
            shift, turn = self._take_along(moment, moved, anchor)
        elif not moment.held:
            return self.nudge(moment, random)
        changed = self._with_hand(moved, shift, turn, np.zeros(2), random)
        return self.nudge(moment if changed is None else changed, random)

    def _anchor(self, moment: Moment) -> str:
        """Name the container that the object is in or, when it is held, that the hand is above."""
        task = moment.placement.task
        position, _ = self._kinematics.forward(moment.snapshot[self._layout.arm])
        thing = self._body_place(moment.snapshot, moment.placement.object_name)
        place_, margin = (position, _BESIDE) if moment.held else (thing, 0.0)
        for name in (task.target, task.source):
            x, y = self._pose(moment.snapshot, name).to_local(*place_[:2])
            if container_spec(name).covers(x, y, margin):
                return name
        return ""

    def _take_along(self, moment: Moment, moved: Moment, anchor: str) -> tuple[Array, float]:
        """Move the object with its container; answer how the hand moves [3] (m) and turns (rad)."""
        before, after = self._pose(moment.snapshot, anchor), moved.placement.poses[anchor]
        turn = after.yaw - before.yaw
        position, _ = self._kinematics.forward(moment.snapshot[self._layout.arm])
        if not moment.held:
            address = self._layout.free[moment.placement.object_name]
            rest = moment.snapshot[address : address + 7]
            moved.snapshot[address : address + 2] = after.to_base(*before.to_local(*rest[:2]))
            moved.snapshot[address + 2 : address + 7] = rest[2:]
            _turn_about_vertical(moved.snapshot[address + 3 : address + 7], turn)
            if math.hypot(*(position[:2] - rest[:2])) > 2 * NEAR:
                return np.zeros(3), 0.0
        x, y = after.to_base(*before.to_local(*position[:2]))
        return np.array([x - position[0], y - position[1], 0.0]), turn

    def _follow(self, moment: Moment, old: Placement, new: Placement) -> tuple[Array, float]:
        """Answer how the hand moves [3] (m) and turns (rad) to stay beside the object."""
        name = old.object_name
        before, after = self._body_place(moment.snapshot, name), new.poses[name]
        position, _ = self._kinematics.forward(moment.snapshot[self._layout.arm])
        offset = position - before
        if math.hypot(*offset[:2]) > 2 * NEAR:
            return np.zeros(3), 0.0
        spec = object_spec(name)
        pose = old.poses[name]
        turn = spec.hand_yaw(after.x, after.y, after.yaw) - spec.hand_yaw(pose.x, pose.y, pose.yaw)
        turn = (turn + math.pi) % (2 * math.pi) - math.pi
        c, s = math.cos(turn), math.sin(turn)
        turned = np.array([c * offset[0] - s * offset[1], s * offset[0] + c * offset[1], offset[2]])
        return np.array([after.x, after.y, after.z]) + turned - position, turn

    def _pose(self, snapshot: Array, name: str) -> Pose2:
        address = self._layout.free[name]
        pose = BodyPose(snapshot[address : address + 3], snapshot[address + 3 : address + 7])
        x, y, z = (float(value) for value in pose.position)
        return Pose2(x, y, z, pose.yaw)

    def _body_place(self, snapshot: Array, name: str) -> Array:
        return snapshot[self._layout.free[name] : self._layout.free[name] + 3].copy()

    def _with_hand(
        self, moment: Moment, shift: Array, turn: float, lean: Array, random: np.random.Generator
    ) -> Moment | None:
        """Answer the moment with the hand moved; None if it cannot be there."""
        joints = moment.snapshot[self._layout.arm]
        position, rotation = self._kinematics.forward(joints)
        goal = np.clip(position + shift, *_WORKSPACE.T)
        attitude = _turned(turn, lean) @ rotation
        try:
            reached = self._kinematics.inverse(
                goal, attitude, seed=joints, elbow=float(random.normal(joints[2], 0.05))
            )
        except UnreachableError:
            return None
        snapshot = moment.snapshot.copy()
        snapshot[self._layout.arm] = reached
        if moment.held:
            self._carry(snapshot, moment.held, (position, rotation), (goal, attitude))
        elif random.random() < 0.2:
            snapshot[self._layout.fingers] = random.uniform(0.0, fr3.FINGER_RANGE)
        if self._collisions.found(snapshot, moment.held):
            return None
        return replace(moment, snapshot=snapshot)

    def _carry(
        self,
        snapshot: Array,
        name: str,
        before: tuple[Array, Array],
        after: tuple[Array, Array],
    ) -> None:
        address = self._layout.free[name]
        turn = after[1] @ before[1].T
        place_ = snapshot[address : address + 3]
        snapshot[address : address + 3] = after[0] + turn @ (place_ - before[0])
        by, turned = np.zeros(4), np.zeros(4)
        mujoco.mju_mat2Quat(by, turn.ravel())
        mujoco.mju_mulQuat(turned, by, snapshot[address + 3 : address + 7])
        snapshot[address + 3 : address + 7] = turned


def _turn_about_vertical(quaternion: Array, turn: float) -> None:
    """Turn an attitude [4] about the base's vertical, in place."""
    before = quaternion.copy()
    by = np.array([math.cos(turn / 2), 0.0, 0.0, math.sin(turn / 2)])
    mujoco.mju_mulQuat(quaternion, by, before)


def _turned(turn: float, lean: Array) -> Array:
    """Answer a rotation [3, 3] about the vertical, then by small angles [2] about x and y."""
    c, s = math.cos(turn), math.sin(turn)
    about_z = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    quaternion, matrix = np.array([1.0, 0.0, 0.0, 0.0]), np.zeros(9)
    mujoco.mju_quatIntegrate(quaternion, np.array([*lean, 0.0]), 1.0)
    mujoco.mju_quat2Mat(matrix, quaternion)
    return np.asarray(about_z @ matrix.reshape(3, 3))
