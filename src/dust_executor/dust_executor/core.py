"""The executor without ROS: chunks, states and time in; trajectories and gripper goals out."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dust_executor.chunk import ChunkError, ChunkRules, Expected, check_chunk
from dust_executor.gripper import Grip, Gripper, GripperSettings
from dust_executor.ledger import Ledger
from dust_executor.limits import Limits, Shares
from dust_executor.modes import Mode, Modes
from dust_executor.plan import Plan
from dust_executor.planner import PlanError, Planner, PlanSettings, Splice
from dust_executor.quintic import NS, States, Times
from dust_executor.watchdog import JointState, Watchdog, WatchdogSettings

Answer = tuple[bool, str]
"""Success, and why not."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be chosen.

    Attributes:
        limits: The arm's hard limits.
        rules: What chunks have to keep to.
        shares: Share of the limits that is planned with.
        plan: How chunks are spliced.
        watchdog: When to stop.
        gripper: When gripper commands become goals.
        overlap: How far before now a published trajectory begins, s.
        transport: Time that a trajectory needs to the controller, s; less than `plan.lead`.
        settle: Time in which the controller moves from its own command to the first plan, s.
        start_tolerance: A plan at rest this close to the measured arm is taken up again, rad.

    Raises:
        ValueError: `transport` is not less than `plan.lead`.
    """

    limits: Limits
    rules: ChunkRules
    shares: Shares = field(default_factory=Shares)
    plan: PlanSettings = field(default_factory=PlanSettings)
    watchdog: WatchdogSettings = field(default_factory=WatchdogSettings)
    gripper: GripperSettings = field(default_factory=GripperSettings)
    overlap: float = 0.04
    transport: float = 0.05
    settle: float = 0.2
    start_tolerance: float = 0.02

    def __post_init__(self) -> None:
        if not self.transport < self.plan.lead:
            raise ValueError(
                f"plan.transport ({self.transport:g} s) must be less than "
                f"plan.lead ({self.plan.lead:g} s)"
            )


class Executor:
    """Owns the plan and decides what may change it.

    Args:
        settings: Everything that can be chosen.
        clock: Returns the time, ns.
        publish: Takes the knots of each new trajectory: times [K], ns, and states [K, 3, J].

    Attributes:
        plan: The committed plan; None before the arm was seen.
        period: Time between two actions of the newest chunk, s.
        reaction: Time from the newest chunk's observation to the first point it changed, s.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], int],
        publish: Callable[[Times, States], None],
    ) -> None:
        self.settings = settings
        self.planner = Planner(settings.limits, shares=settings.shares, settings=settings.plan)
        self.modes = Modes()
        self.watchdog = Watchdog(settings.watchdog, settings.rules.joint_names)
        self.gripper = Gripper(settings.gripper)
        self.ledger = Ledger()
        self.plan: Plan | None = None
        self.period = 1.0 / 15.0
        self.reaction = math.nan
        self._suspected = False
        self._clock, self._publish = clock, publish

    def start_task(self, task_id: str, source: str) -> Answer:
        """Begin a task from the arm at rest, or from the plan that still comes to rest."""
        now = self._clock()
        refusal = self.modes.refusal(task_id, source) or self.watchdog.not_ready(now)
        refusal = refusal or self._take_up(now)
        if refusal:
            return False, refusal
        assert self.watchdog.joint_state is not None
        self.modes.start(task_id, source)
        self.watchdog.chunk(now)
        self.ledger.begin_task()
        self.gripper.begin(self.watchdog.joint_state.opening)
        return True, ""

    def end_task(self, task_id: str) -> Answer:
        """End the task; the arm comes to rest."""
        refusal = self.modes.end(task_id)
        if refusal:
            return False, refusal
        self._brake()
        return True, ""

    def stop(self, reason: str) -> bool:
        """Stop for cause; returns False when it was stopped already (the first cause stays)."""
        if not self.modes.stop(reason):
            return False
        self.ledger.stops += 1
        self._brake()
        return True

    def rearm(self) -> Answer:
        """Allow tasks again after a stop for cause, if its cause is gone and the arm is at rest."""
        now = self._clock()
        if self.modes.mode is not Mode.STOPPED:
            return False, "nothing to rearm: the executor is not stopped"
        refusal = self.watchdog.not_ready(now)
        if not refusal and self.plan is not None and now < self.plan.end:
            refusal = "the arm is still coming to rest"
        refusal = refusal or self.watchdog.moving()
        if refusal:
            return False, refusal
        self.modes.rearm()
        return True, ""

    def chunk(self, message: Any) -> str:
        """Check a chunk, splice it into the plan and publish.

        Args:
            message: dust_msgs/ActionChunk, or anything with its fields.

        Returns:
            Why it was rejected; empty when it was accepted.
        """
        try:
            self._accept(message)
        except (ChunkError, PlanError) as error:
            self.ledger.reject(str(error))
            return str(error)
        return ""

    def joints(self, state: JointState) -> None:
        """Take in a measured state of the arm."""
        planned = None
        if self.plan is not None and self.modes.in_task and state.stamp >= self.plan.start:
            planned = self.plan.at(state.stamp)[0]
        self.watchdog.joints(state, planned)

    def tick(self, steady: int | None = None) -> Grip | None:
        """Watch over everything; call it some tens of times per second.

        Args:
            steady: A clock that never jumps, ns; None where time is simulated.

        Returns:
            Goal to send to the gripper, if any; `gripper.finished` has to follow it.
        """
        now = self._clock()
        self._watch_clock(now, steady)
        if not self.modes.in_task:
            self._follow_measured(now)
            return None
        fault = self.watchdog.fault(now)
        # A process that was starved for a while runs its timer before it reads its mail: silence
        # counts when it is still there at the next tick.
        suspected, self._suspected = self._suspected, bool(fault)
        if fault and (suspected or self.watchdog.robot_fault()):
            self.stop(fault)
            return None
        assert self.plan is not None
        if self.modes.mode is Mode.RUNNING and now > self.plan.action_end:
            self.modes.hold("the actions ran out; the arm comes to rest")
        command = float(self.plan.grip_at(np.array([now], dtype=np.int64))[0])
        # NaN: nobody has said anything about the hand yet.
        return None if math.isnan(command) else self.gripper.update(command, now)

    def committed(
        self, now: int, *, samples: int, period: float
    ) -> tuple[States, NDArray[np.float64]]:
        """Return the plan from `now` (ns) on; empty before the arm was seen.

        Returns:
            States [samples, 3, J] and gripper commands [samples].
        """
        if self.plan is None:
            return np.empty((0, 3, len(self.settings.rules.joint_names))), np.empty(0)
        at = now + np.arange(samples, dtype=np.int64) * round(period * NS)
        return self.plan.sample(at), np.nan_to_num(self.plan.grip_at(at), nan=1.0)

    def _accept(self, message: Any) -> None:
        now = self._clock()
        if not self.modes.in_task:
            raise ChunkError(f"no task is running ({self.modes.mode.name.lower()})")
        expected = Expected(
            self.modes.task_id,
            self.modes.source,
            self.ledger.last_sequence,
            self.ledger.last_stamp,
        )
        chunk = check_chunk(message, self.settings.rules, expected, now)
        splice = self._splice(chunk, now)
        self.plan = splice.plan
        self._send(now)
        self.period = chunk.period / NS
        self.reaction = (splice.start - chunk.stamp) / NS
        self.ledger.accept(
            sequence=chunk.sequence,
            stamp=chunk.stamp,
            method=splice.method,
            clamped=splice.clamped,
        )
        self.watchdog.chunk(now)
        self.modes.run()

    def _splice(self, chunk: Any, now: int) -> Splice:
        # A plan that cannot reach the controller before its splice would be jumped into.
        assert self.plan is not None
        lead = self.settings.plan.lead
        for attempt_lead in (lead, 2.0 * lead):
            splice = self.planner.splice(self.plan, chunk, now, lead=attempt_lead)
            later = self._clock()
            if later + round(self.settings.transport * NS) <= splice.start:
                return splice
            now = later
        raise PlanError("planning took longer than plan.lead allows; is the machine overloaded?")

    def _take_up(self, now: int) -> str:
        """Make the plan that a task begins with; returns why there is none."""
        state = self.watchdog.joint_state
        assert state is not None
        if self.plan is not None and now < self.plan.end:
            return ""
        outside = self.planner.outside(state.position)
        if np.any(outside):
            joint = int(np.argmax(outside))
            low, high = self.settings.limits.lower[joint], self.settings.limits.upper[joint]
            return (
                f"{self.settings.rules.joint_names[joint]} is at {state.position[joint]:.4f} rad, "
                f"outside [{low:g}, {high:g}]; move the arm inside or choose another limits.set"
            )
        moving = self.watchdog.moving()
        if moving:
            return moving
        position = self._rest_position(state)
        since = now + round(self.settings.settle * NS)
        self.plan = Plan.at_rest(position, since=since, grip=self._grip(state))
        self._send(now)
        return ""

    def _rest_position(self, state: JointState) -> NDArray[np.float64]:
        # The controller still commands where the last plan ended; the measured arm sags a little.
        if self.plan is not None and self._is_near(state):
            return self.plan.states[-1, 0]
        return state.position

    def _is_near(self, state: JointState) -> bool:
        assert self.plan is not None
        gap = np.abs(self.plan.states[-1, 0] - state.position)
        return bool(np.max(gap) <= self.settings.start_tolerance)

    def _grip(self, state: JointState) -> float:
        if self.plan is not None:
            return float(self.plan.grips[-1])
        return state.opening

    def _follow_measured(self, now: int) -> None:
        """Show the arm where it is when nobody moves it by plan (by hand, or a reset cell)."""
        state = self.watchdog.joint_state
        if state is None or (self.plan is not None and now < self.plan.end):
            return
        if self.plan is None or not self._is_near(state):
            grip = self._grip(state)
            self.plan = Plan.at_rest(state.position, since=now, grip=grip)

    def _watch_clock(self, now: int, steady: int | None) -> None:
        jump = self.watchdog.clock_jump(now, steady)
        if not jump:
            return
        if self.plan is not None:
            self.plan = self.plan.shifted(jump)
        if self.modes.in_task:
            self.stop(f"the clock jumped by {jump / NS:.3f} s")

    def _brake(self) -> None:
        now = self._clock()
        if self.plan is None or now >= self.plan.end:
            return
        self.plan = self.planner.stop(self.plan, now)
        self._send(now)

    def _send(self, now: int) -> None:
        assert self.plan is not None
        begin = now - round(self.settings.overlap * NS)
        times, states = self.plan.knots_from(begin)
        if times[0] < begin - NS:
            # Only a rest lasts that long; when it began does not matter any more.
            times = np.append(begin, times[1:])
        end = now + round(self.settings.settle * NS)
        if times[-1] < end:
            # A controller refuses a trajectory that is over when it arrives.
            times, states = np.append(times, end), np.concatenate([states, states[-1:]])
        self._publish(times, states)
