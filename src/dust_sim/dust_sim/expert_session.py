"""One task of the scripted expert from goal to verdict, without ROS.

Its phases::

    waiting --scene and joint states--> starting --executor agrees--> running
    `------------------- the first verdict, whatever it is ------------> over
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dust_node.verdict import Code, Verdict
from dust_sim.detours import Detours
from dust_sim.expert import Expert, Observation
from dust_sim.pose import BodyPose
from dust_sim.streams import Stream, trial_seed
from dust_sim.tasks import task_named
from dust_sim.trajectory import Array


class Phase(StrEnum):
    """Where a session stands."""

    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Scene:
    """The cell's truth as it last came in.

    Attributes:
        arrival_ns: When it came in. Unit: ns.
        task: Name of the task.
        object_name: Object of the task.
        instruction: In words.
        seed: Seed of the placement.
        poses: Poses of the bodies by name.
    """

    arrival_ns: int
    task: str
    object_name: str
    instruction: str
    seed: int
    poses: Mapping[str, BodyPose]

    @property
    def identity(self) -> tuple[str, str, int]:
        """What tells one scene from another."""
        return self.task, self.object_name, self.seed


@dataclass(frozen=True, slots=True)
class Robot:
    """Joint states as they last came in.

    Attributes:
        arrival_ns: When they came in. Unit: ns.
        joints: Arm joints, [7]. Unit: rad.
        width: Opening of the hand. Unit: m.
    """

    arrival_ns: int
    joints: Array
    width: float


@dataclass(frozen=True, slots=True)
class ExecutorView:
    """What the executor last said about itself.

    Attributes:
        arrival_ns: When it came in. Unit: ns.
        is_stopped: Whether it stopped for cause.
        reason: Why it is in its mode.
        task_id: Task that it works on; empty: none.
        buffer: Time left in its plan. Unit: s.
    """

    arrival_ns: int
    is_stopped: bool
    reason: str
    task_id: str
    buffer: float


@dataclass(slots=True)
class World:
    """What the expert knows; kept up to date by the node."""

    scene: Scene | None = None
    robot: Robot | None = None
    executor: ExecutorView | None = None


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long what may stay away. Unit: ns.

    Attributes:
        start_ns: Until scene and joint states are there.
        state_ns: Between two scenes or joint states, and between two executor states (twice that).
    """

    start_ns: int
    state_ns: int


_SETTLE_NS = 500_000_000  # in which the executor may still report the time before the task


@dataclass(slots=True)
class ExpertSession:
    """One goal being worked on.

    Attributes:
        task_id: Name that the executor knows the task by.
        instruction: What to do, in words.
        time_limit: Unit: s.
        begun_ns: When the goal came. Unit: ns.
        horizon: Actions per chunk.
        period: Time between two actions. Unit: s.
        limits: How long what may stay away.
        perturbation: How much the trial's demonstration leaves the straight way. Range: 0 to 1.
        phase: Where it stands.
        verdict: How it ends; None while it goes on.
        chunks: Chunks made so far.
        engaged: Whether the executor works for it, or may do so.
    """

    task_id: str
    instruction: str
    time_limit: float
    begun_ns: int
    horizon: int
    period: float
    limits: SessionLimits
    perturbation: float = 0.0
    phase: Phase = Phase.WAITING
    verdict: Verdict | None = None
    chunks: int = 0
    engaged: bool = False
    _expert: Expert | None = field(default=None, repr=False)
    _scene: tuple[str, str, int] | None = None
    _running_since_ns: int = 0

    def elapsed(self, now_ns: int) -> float:
        """Return the time since the goal came. Unit: s."""
        return max(0, now_ns - self.begun_ns) * 1e-9

    def end(self, code: Code, text: str = "") -> None:
        """End it; the first cause counts."""
        if self.verdict is None:
            self.verdict = Verdict(code, text)
            self.phase = Phase.OVER

    def start(self) -> None:
        """Note that the executor is being asked."""
        assert self.phase == Phase.WAITING
        self.phase = Phase.STARTING
        self.engaged = True

    def run(self, now_ns: int) -> None:
        """Note that the executor agreed; what was ended meanwhile stays ended."""
        if self.phase == Phase.STARTING:
            self.phase = Phase.RUNNING
            self._running_since_ns = now_ns

    def is_ready(self, world: World) -> bool:
        """Return whether all is there to ask the executor."""
        return self.phase == Phase.WAITING and None not in (world.scene, world.robot)

    def watch(self, world: World, now_ns: int) -> None:
        """End the session if something is wrong."""
        if self.elapsed(now_ns) >= self.time_limit:
            self.end(Code.TIMEOUT, f"the time limit of {self.time_limit:g} s passed")
        if world.scene is not None:
            self._watch_scene(world.scene)
        if self.phase == Phase.WAITING and now_ns - self.begun_ns > self.limits.start_ns:
            self._say_what_is_missing(world)
        if self.phase == Phase.RUNNING:
            self._watch_states(world, now_ns)
            self._watch_executor(world.executor, now_ns)

    def actions(self, world: World, now_ns: int) -> Array | None:
        """Plan the actions from now on, and end the session when the expert is through.

        Returns:
            [horizon, 8]: joint positions (rad) and gripper opening (0 to 1); None: all is done.
        """
        assert world.scene is not None
        assert world.robot is not None
        if self._expert is None:
            self._expert = Expert(
                task_named(world.scene.task),
                world.scene.object_name,
                detours=Detours.draw(
                    trial_seed(*world.scene.identity, Stream.DETOURS), self.perturbation
                ),
                horizon=self.horizon,
                period=self.period,
            )
        actions = self._expert.plan(
            Observation(
                (now_ns - self.begun_ns) * 1e-9,
                world.robot.joints,
                world.robot.width,
                world.scene.poses,
            )
        )
        if self._expert.done:
            self.end(Code.NONE)
        elif self._expert.failed:
            self.end(Code.UNKNOWN, f"the expert gave up: {self._expert.failure}")
        if self.verdict is not None:
            return None
        self.chunks += 1
        return actions

    def _watch_scene(self, scene: Scene) -> None:
        if self._scene is None and scene.instruction != self.instruction:
            self.end(
                Code.INVALID_GOAL,
                f"the scene is set for '{scene.instruction}', not for '{self.instruction}': "
                "reset the cell to the task first",
            )
        elif self._scene is not None and scene.identity != self._scene:
            self.end(Code.INVALID_GOAL, "the cell was reset while the task ran")
        self._scene = self._scene or scene.identity

    def _say_what_is_missing(self, world: World) -> None:
        seconds = f"within {self.limits.start_ns * 1e-9:g} s"
        if world.scene is None:
            self.end(Code.NO_FEATURES, f"no cell_state {seconds}: does the simulated cell run?")
        elif world.robot is None:
            self.end(
                Code.NO_JOINT_STATES, f"no joint states {seconds}: is their publisher running?"
            )

    def _watch_states(self, world: World, now_ns: int) -> None:
        seconds = f"for {self.limits.state_ns * 1e-9:g} s"
        if world.scene is None or now_ns - world.scene.arrival_ns > self.limits.state_ns:
            self.end(Code.NO_FEATURES, f"no cell_state {seconds}: does the simulated cell run?")
        if world.robot is None or now_ns - world.robot.arrival_ns > self.limits.state_ns:
            self.end(Code.NO_JOINT_STATES, f"no joint states {seconds}")

    def _watch_executor(self, executor: ExecutorView | None, now_ns: int) -> None:
        since_ns = self._running_since_ns
        last_ns = max(executor.arrival_ns, since_ns) if executor else since_ns
        if now_ns - last_ns > 2 * self.limits.state_ns:
            self.end(Code.EXECUTOR_UNAVAILABLE, "the executor fell silent")
        if executor is None or executor.arrival_ns <= since_ns:
            return
        reason = executor.reason or "no reason given"
        if executor.is_stopped:
            self.end(
                Code.EXECUTOR_STOPPED,
                f"the executor stopped: {reason}; mend the cause, then call dust_executor/rearm",
            )
        elif executor.task_id != self.task_id and executor.arrival_ns - since_ns > _SETTLE_NS:
            self.end(Code.EXECUTOR_STOPPED, f"the executor left the task: {reason}")


def check_goal(instruction: str, time_limit: float) -> str:
    """Return what is wrong with a goal, an empty text if nothing is. Unit of the limit: s."""
    if not 1 <= len(instruction.strip()) <= 500:
        return f"the instruction has {len(instruction)} characters; allowed: 1 to 500"
    if not (math.isfinite(time_limit) and 0 < time_limit <= 3600):
        return f"time_limit is {time_limit:g} s; allowed: above 0 to 3600 s"
    return ""
