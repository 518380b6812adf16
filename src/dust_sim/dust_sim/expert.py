"""A scripted expert for pick and place, with the truth to see and a policy's actions to give.

``plan`` may be called at any times. The path is one function of absolute time, so that overlapping
plans agree; only what lies at least ``LEAD`` ahead can still change::

    approach --> close --> carry --> open --> retreat --> done
       ^           |         |                   |
       +-----------+---------+-------------------+   nothing between the fingers, object lost, or
       not placed: up to two more tries

It knows how the object lies from the start, but turns the hand only on the way down to it. Who
imitates it has eyes in the hand, which tell that from near alone; a hand that had to be turned on
the way across would come down turned by a guess, into a place that no demonstration shows.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from dust_sim.containers import container_spec
from dust_sim.detours import HOVER, Detours
from dust_sim.fr3 import MAX_WIDTH
from dust_sim.kinematics import Kinematics, UnreachableError
from dust_sim.objects import object_spec
from dust_sim.path import HandPath
from dust_sim.pose import BodyPose
from dust_sim.tasks import Task

Array = NDArray[np.float64]

HORIZON = 16
"""Actions per plan."""

PERIOD = 1 / 15
"""Between two actions of a plan, s."""

LEAD = 0.15
"""New motion starts this long after the observation that caused it, s."""

MAX_RETRIES = 2

_TRANSIT = 0.24
_FREE = (0.35, 1.0)
_CAREFUL = (0.25, 0.8)
_OVERLAP = 0.35
_SETTLE = 0.2
_STILL = 0.3
_STILL_WIDTH = 0.0005
_GRIPPER_TIMEOUT = 4.0
_OPENED = 0.012
_CLOSED = 0.005
_SLIP = 0.03
_BESIDE = 0.10
# From the direction away from the base, rad; the wrist's limits are a little further.
_MOST_TURN = 1.9


class Phase(StrEnum):
    """What the expert is about."""

    APPROACH = "approach"
    CLOSE = "close"
    CARRY = "carry"
    OPEN = "open"
    RETREAT = "retreat"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Observation:
    """What the expert is told: the truth at one moment."""

    time: float
    """s, on the clock of the plan's times; never goes back."""
    joints: Array
    """Arm joints [7], rad."""
    width: float
    """Measured opening of the hand, m."""
    poses: Mapping[str, BodyPose]
    """At least the task's object, source and target."""


class Expert:
    """Plans one trial of one task. Make a new one for the next trial."""

    def __init__(
        self,
        task: Task,
        object_name: str,
        *,
        detours: Detours | None = None,
        kinematics: Kinematics | None = None,
        horizon: int = HORIZON,
        period: float = PERIOD,
    ) -> None:
        """Prepare for a task.

        Args:
            task: what to do.
            object_name: with which object, such as ``blue_cube``.
            detours: by which this trial differs from the straight way; none when left out.
            kinematics: of the arm; by default within the rectangular joint limits.
            horizon: actions per plan.
            period: between two actions, s.

        Raises:
            ValueError: there is no such object.
        """
        self.task = task
        self.phase = Phase.APPROACH
        self.failure = ""
        """Why the expert gave up, in words; empty while it has not."""
        self.retries = 0
        self._detours = detours or Detours()
        self._object = object_spec(object_name)
        self._target = container_spec(task.target)
        self.kinematics = kinematics or Kinematics()
        self._ahead: Array = np.arange(horizon, dtype=np.float64) * period
        self._horizon = float(horizon * period)
        self._path: HandPath | None = None
        self._gripper_times = [-math.inf]
        self._gripper_values = [1.0]
        self._deadline = math.inf
        self._grasp = np.zeros(4)
        self._relative = np.zeros(3)
        self._held_width = 0.0
        self._lowering = False
        self._still_since = math.inf
        self._still_at = math.nan

    @property
    def done(self) -> bool:
        """The object is placed and the hand has retreated."""
        return self.phase is Phase.DONE

    @property
    def failed(self) -> bool:
        """The expert gave up; ``failure`` says why. Plans then hold the last pose."""
        return self.phase is Phase.FAILED

    def plan(self, observation: Observation) -> Array:
        """Decide what to do next and answer the coming actions.

        The first call starts the trial: from the observed posture, which is taken to be at rest.

        Returns:
            Actions [horizon, 8] at ``observation.time + i * period``: seven absolute joint
            positions (rad) and the gripper command (1 open, 0 closed).
        """
        now = observation.time
        if self._path is None:
            self._path = HandPath(self.kinematics, now, observation.joints)
            self._guard(self._approach, observation, now)
        self._watch_width(observation)
        if not (self.done or self.failed):
            self._guard(self._advance, observation)
        return self.actions(now + self._ahead)

    def actions(self, times: Array) -> Array:
        """Answer the planned actions [n, 8] at times [n] (s); only after a first ``plan``."""
        assert self._path is not None
        grip = [self._gripper_values[bisect.bisect(self._gripper_times, t) - 1] for t in times]
        return np.column_stack([self._path.joints(times), grip])

    def _guard(self, step: Callable[..., None], *arguments: object) -> None:
        try:
            step(*arguments)
        except UnreachableError as error:
            self._fail(str(error))

    def _fail(self, reason: str) -> None:
        self.phase, self.failure = Phase.FAILED, reason

    # -- phases

    def _advance(self, observation: Observation) -> None:
        {
            Phase.APPROACH: self._while_approaching,
            Phase.CLOSE: self._while_closing,
            Phase.CARRY: self._while_carrying,
            Phase.OPEN: self._while_opening,
            Phase.RETREAT: self._while_retreating,
        }[self.phase](observation)

    def _approach(self, observation: Observation, start: float) -> None:
        """Schedule the way to the object and the closing of the hand."""
        path = self._moving()
        pose = observation.poses[self._object.name]
        x, y, z = pose.position
        yaw = self._object.hand_yaw(x, y, pose.yaw)
        self._grasp = np.array([x, y, z + self._object.grasp_height, yaw])
        low = path.goal[2] < _TRANSIT - 0.02
        if low and math.dist(path.goal[:2], self._grasp[:2]) < _BESIDE:
            self._grasp[3] = self._turned_least(path.goal[3], pose.yaw, yaw)
            start = self._step_over(start)
        else:
            if low:
                start = self._overlapping(start, self._lifted(path.goal), _CAREFUL)
            start = self._above_object(start)
        self._add(self._grasp, start + self._detours.before_grasp, _CAREFUL)
        self._command_gripper(path.end + _SETTLE, 0.0)
        self.phase = Phase.APPROACH

    def _turned_least(self, hand: float, yaw: float, usual: float) -> float:
        """Answer the grasp for a hand that is there already: the nearest that the wrist allows."""
        nearest = self._object.nearest_yaw(yaw, hand)
        x, y = self._grasp[:2]
        return nearest if abs(nearest - math.atan2(y, x)) < _MOST_TURN else usual

    def _step_over(self, start: float) -> float:
        """Schedule the way from beside the object to close above it."""
        beside, above = self._moving().goal, self._grasp.copy()
        above[2] += HOVER
        if beside[2] < above[2] - 0.01:
            beside[2] = above[2]
            start = self._overlapping(start, beside, _CAREFUL)
        return self._overlapping(start, above, _CAREFUL)

    def _above_object(self, start: float) -> float:
        """Schedule the way across, and down to where the hand hovers above the object."""
        across = self._lifted(self._grasp)
        if not self.retries:
            x, y, yaw = self._detours.miss
            across[:2] += x, y
            # Unturned: only from above does one see how the object lies.
            across[3] = math.atan2(across[1], across[0]) + yaw
        start = self._overlapping(start, across, _FREE)
        above = self._grasp + np.array([0.0, 0.0, self._detours.hover, 0.0])
        return self._overlapping(start, above, _CAREFUL)

    def _while_approaching(self, observation: Observation) -> None:
        if observation.time >= self._gripper_times[-1]:
            self.phase = Phase.CLOSE
            self._deadline = observation.time + _GRIPPER_TIMEOUT

    def _while_closing(self, observation: Observation) -> None:
        if observation.width < MAX_WIDTH - _CLOSED and self._still(observation):
            if observation.width < 0.5 * self._object.grasp_width:
                self._retry(observation, f"the fingers missed the {self._object.words}")
            else:
                self._carry(observation)
        elif observation.time > self._deadline:
            self._fail("the hand did not close in time")

    def _carry(self, observation: Observation) -> None:
        """Schedule the way up and across; the way down follows when the object is still there."""
        self._relative = self._in_hand(observation)
        self._held_width = observation.width
        start = observation.time + LEAD + self._detours.before_lift
        start = self._overlapping(start, self._lifted(self._grasp), _CAREFUL)
        across = self._lifted(self._release_pose(observation))
        across[:2] += self._detours.carry
        self._overlapping(start, across, _FREE)
        self._lowering = False
        self.phase = Phase.CARRY

    def _release_pose(self, observation: Observation) -> Array:
        """Answer the hand's pose [4] when it lets go: the object above the target's middle."""
        x, y, z = observation.poses[self.task.target].position
        yaw = float(self._grasp[3] + math.atan2(y, x) - math.atan2(self._grasp[1], self._grasp[0]))
        c, s = math.cos(yaw), math.sin(yaw)
        # The hand's axes seen from above: x is (c, s), y is (s, -c).
        along, across, below = self._relative
        underside = -below - self._object.rest_height
        return np.array(
            [
                x - c * along - s * across,
                y - s * along + c * across,
                z + self._target.release - underside,
                yaw,
            ]
        )

    def _while_carrying(self, observation: Observation) -> None:
        path = self._moving()
        if np.linalg.norm(self._in_hand(observation) - self._relative) > _SLIP:
            self._retry(observation, f"the {self._object.words} was lost on the way")
        elif not self._lowering and observation.time >= path.end - self._horizon - _SETTLE:
            goal = self._release_pose(observation)
            start = max(observation.time + LEAD, path.end - _OVERLAP * 0.5)
            self._add(goal, start + self._detours.before_lowering, _CAREFUL)
            self._lowering = True
        elif self._lowering and observation.time >= path.end - LEAD:
            self._command_gripper(max(observation.time + LEAD, path.end + _SETTLE), 1.0)
            self._deadline = self._gripper_times[-1] + _GRIPPER_TIMEOUT
            self.phase = Phase.OPEN

    def _while_opening(self, observation: Observation) -> None:
        opened = observation.width > min(self._held_width + _OPENED, MAX_WIDTH - _CLOSED)
        if observation.time >= self._gripper_times[-1] and opened and self._still(observation):
            self._retreat(observation)
        elif observation.time > self._deadline:
            self._fail("the hand did not open in time")

    def _retreat(self, observation: Observation) -> None:
        path = self._moving()
        self._add(self._lifted(path.goal), observation.time + LEAD, _CAREFUL)
        self.phase = Phase.RETREAT

    def _while_retreating(self, observation: Observation) -> None:
        if observation.time < self._moving().end + _SETTLE:
            return
        if self._placed(observation):
            self.phase = Phase.DONE
        else:
            self._retry(observation, f"the {self._object.words} is not in its place")

    def _retry(self, observation: Observation, reason: str) -> None:
        if self.retries == MAX_RETRIES:
            self._fail(f"{reason}; gave up after {self.retries + 1} tries")
            return
        self.retries += 1
        start = observation.time + LEAD
        self._command_gripper(start, 1.0)
        self._approach(observation, start)

    # -- helpers

    def _moving(self) -> HandPath:
        assert self._path is not None
        return self._path

    def _add(self, goal: Array, start: float, pace: tuple[float, float]) -> float:
        """Add a move and answer when it ends."""
        return self._moving().add(
            goal,
            start=start,
            velocity=pace[0],
            acceleration=pace[1],
            pace=self._detours.pace,
        )

    def _lifted(self, pose: Array) -> Array:
        """Answer the pose [4] at the height at which the hand crosses the table."""
        lifted = pose.copy()
        lifted[2] = max(_TRANSIT + self._detours.height, float(pose[2]))
        return lifted

    def _overlapping(self, start: float, goal: Array, pace: tuple[float, float]) -> float:
        """Add a move and answer when the next one may begin, somewhat before this one's end."""
        finish = self._add(goal, start, pace)
        return finish - _OVERLAP * (finish - start)

    def _command_gripper(self, time: float, value: float) -> None:
        """Command the gripper from a time on; what was planned for later is dropped."""
        keep = bisect.bisect_left(self._gripper_times, time)
        self._gripper_times = [*self._gripper_times[:keep], time]
        self._gripper_values = [*self._gripper_values[:keep], value]

    def _watch_width(self, observation: Observation) -> None:
        if not abs(observation.width - self._still_at) <= _STILL_WIDTH:
            self._still_at, self._still_since = observation.width, observation.time

    def _still(self, observation: Observation) -> bool:
        return observation.time - self._still_since >= _STILL

    def _in_hand(self, observation: Observation) -> Array:
        """Answer the object's position [3] (m) in the hand's frame, its origin at the tips."""
        position, rotation = self.kinematics.forward(observation.joints)
        return rotation.T @ (observation.poses[self._object.name].position - position)

    def _placed(self, observation: Observation) -> bool:
        item, target = observation.poses[self._object.name], observation.poses[self.task.target]
        dx, dy = (item.position - target.position)[:2]
        c, s = math.cos(target.yaw), math.sin(target.yaw)
        return self._target.covers(c * dx + s * dy, -s * dx + c * dy)
