"""The executor without ROS: chunks, states and time in; trajectories and gripper goals out."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dust_executor.chunk import Chunk, ChunkError, Expected, check_chunk
from dust_executor.feedback import Change, Feedback
from dust_executor.gripper import Grip, Gripper
from dust_executor.lead import Lead
from dust_executor.ledger import Ledger
from dust_executor.merge import Merger, NotYetError
from dust_executor.modes import Mode, Modes
from dust_executor.plan import Plan
from dust_executor.planner import PlanError, Planner, Splice
from dust_executor.quintic import NS, States, Times
from dust_executor.settings import Settings
from dust_executor.standing import is_near, is_rest, rest_grip, rest_position, start_defect
from dust_executor.watchdog import JointState, Watchdog
from dust_executor.workspace import make_workspace

Answer = tuple[bool, str]
"""Success, and why not."""

_LEFT_OVER_NS = NS
"""How long after its end chunks of a task may still come in."""


class Executor:
    """Owns the plan and decides what may change it.

    Args:
        settings: Everything that can be chosen.
        clock: Returns the time, ns.
        publish: Takes the knots of each new trajectory: times [K], ns, and states [K, 3, J].

    Attributes:
        plan: The committed plan; None before the arm was seen.
        period: Time between two actions of the newest chunk, s.
        reaction: Time from the newest chunk's observation until the plan follows it, s.
        lead: How far ahead of now chunks are spliced.

    Raises:
        ValueError: Settings that do not fit this arm.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], int],
        publish: Callable[[Times, States], None],
    ) -> None:
        self.settings = settings
        self.planner = Planner(
            settings.limits,
            shares=settings.shares,
            settings=settings.plan,
            workspace=make_workspace(settings.workspace, len(settings.rules.joint_names)),
        )
        self.lead = Lead(settings.lead)
        self._merger = Merger(settings.merge)
        self._feedback = Feedback()
        self.modes = Modes()
        self.watchdog = Watchdog(settings.watchdog, settings.rules.joint_names)
        self.gripper = Gripper(settings.gripper)
        self.ledger = Ledger()
        self.plan: Plan | None = None
        self.period = 1.0 / 15.0
        self.reaction = math.nan
        self._suspected = False
        self._waiting: Any = None
        self._ended, self._ended_at = "", 0
        self._clock, self._publish = clock, publish

    def start_task(self, task_id: str, source: str) -> Answer:
        """Begin a task from the arm at rest, or from the plan that still comes to rest.

        To be asked again changes nothing: the answer may have been lost on its way.
        """
        if self.modes.has_begun(task_id, source):
            return True, ""
        now = self._clock()
        refusal = self.modes.refusal(task_id, source) or self.watchdog.not_ready(now)
        refusal = refusal or self._take_up(now)
        if refusal:
            return False, refusal
        assert self.watchdog.joint_state is not None
        self.modes.start(task_id, source)
        self.watchdog.chunk(now)
        self._waiting = None
        self.ledger.begin_task()
        self._merger.forget()
        self.gripper.begin(self.watchdog.joint_state.opening)
        return True, ""

    def end_task(self, task_id: str) -> Answer:
        """End the task; the arm comes to rest. To be asked again changes nothing."""
        if task_id == self._ended and not self.modes.task_id:
            return True, ""
        stopped = self.modes.mode is Mode.STOPPED
        refusal = self.modes.end(task_id)
        if refusal:
            return False, refusal
        self._ended, self._ended_at = task_id, self._clock()
        if not stopped:
            # A stop has braked, or must not: after a jump of the clock nothing may be published.
            self._brake()
        return True, ""

    def stop(self, reason: str, *, brake: bool = True) -> bool:
        """Stop for cause; returns False when it was stopped already (the first cause stays).

        Args:
            reason: The cause, in one line.
            brake: Whether to publish a way to rest; otherwise the arm follows what it has to its
                end.
        """
        if not self.modes.stop(reason):
            return False
        self.ledger.stops += 1
        if brake:
            self._brake()
        return True

    def forget_hand(self) -> None:
        """Forget where the hand is, and what it was told: somebody else has moved it."""
        self.gripper.forget()
        if self.plan is not None:
            self.plan = replace(self.plan, grips=np.full_like(self.plan.grips, math.nan))

    def pause(self) -> Answer:
        """Bring the arm to rest; chunks are rejected until `resume`."""
        refusal = self.modes.pause()
        if refusal:
            return False, refusal
        self._brake()
        return True, ""

    def resume(self) -> Answer:
        """Go on with a paused task; the next valid chunk moves the arm."""
        refusal = self.modes.resume()
        if refusal:
            return False, refusal
        self._merger.forget()
        self.watchdog.chunk(self._clock())
        return True, ""

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
        # A controller that was restarted commands where the arm is, not where the plan ended.
        state = self.watchdog.joint_state
        assert state is not None
        self.plan = Plan.at_rest(state.position, since=now, grip=rest_grip(self.plan, state))
        return True, ""

    def chunk(self, message: Any) -> str:
        """Check a chunk, splice it into the plan and publish.

        Args:
            message: dust_msgs/ActionChunk, or anything with its fields.

        Returns:
            Why it was rejected; empty when it was accepted or passed over: open loop, or on its
            way while its task ended.
        """
        if self._is_left_over(message):
            self.ledger.passed_over += 1
            return ""
        self._waiting = None
        try:
            self._accept(message)
        except NotYetError:
            # The policy is alive and well; it is only not its turn.
            self.watchdog.chunk(self._clock())
            self.ledger.passed_over += 1
        except (ChunkError, PlanError) as error:
            self.ledger.reject(str(error))
            return str(error)
        return ""

    def takes_free_chunk(self, arrival: int) -> bool:
        """Return whether a chunk without a prefix that arrives then is not passed over.

        Args:
            arrival: When it arrives, ns.
        """
        return self._merger.takes_free(arrival + round(self.lead.value * NS))

    def follow(self, plan: Plan, *, publish: bool = True) -> None:
        """Commit to a proven plan outside a task, such as the way home.

        Args:
            plan: It begins at rest, where the arm is, and ends at rest.
            publish: Whether to publish it; otherwise the caller hands it to the controller.
        """
        assert not self.modes.in_task
        self.plan = plan
        self._feedback.forget()
        if publish:
            self._send(self._clock())

    def joints(self, state: JointState) -> None:
        """Take in a measured state of the arm."""
        planned = None
        if self.plan is not None and self.modes.in_task and state.stamp >= self.plan.start:
            planned = self.plan.at(state.stamp)[0]
        self.watchdog.joints(state, planned)

    def reference(self, stamp: int, position: NDArray[np.float64]) -> str:
        """Take in what the controller says that it commands.

        Args:
            stamp: When it commanded it, ns.
            position: Commanded positions [J], rad.

        Returns:
            What is wrong with it, in one line; empty when nothing is.
        """
        finding = self._feedback.reference(stamp, position) if self.modes.in_task else None
        if finding is None:
            return ""
        change = finding.change
        if not change.late:
            change.late = True
            self.ledger.late += 1
        if finding.lost:
            # It was refused, or nobody heard it: go on from what the controller does follow.
            self.plan = change.old
            return "the controller did not take up the newest trajectory; going on from the old one"
        self.lead.late(change.lead, finding.late)
        return f"a trajectory reached the controller {finding.late:.3f} s after its splice or later"

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
        if self.modes.mode is Mode.PAUSED:
            self.watchdog.chunk(now)
        if self._waiting is not None and not self._settling():
            self.chunk(self._waiting)
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
        commands = self.plan.grip_at(now + self.gripper.ahead)
        # NaN: nobody has said anything about the hand yet.
        return None if math.isnan(commands[0]) else self.gripper.update(commands, now)

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
        grips = self.plan.grip_at(at)
        return self.plan.sample(at), np.where(np.isnan(grips), 1.0, grips)

    def _is_left_over(self, message: Any) -> bool:
        # Topics and services overtake each other: that is nobody's fault, and no rejection.
        ended = bool(self._ended) and message.task_id == self._ended != self.modes.task_id
        return ended and 0 <= self._clock() - self._ended_at <= _LEFT_OVER_NS

    def _settling(self) -> bool:
        return self.modes.in_task and self.plan is not None and self._clock() < self.plan.start

    def _accept(self, message: Any) -> None:
        arrival = self._clock()
        refusal = self.modes.chunk_refusal
        # After a jump of the clock the states are from another time, and so is the plan.
        refusal = refusal or self.watchdog.not_ready(arrival)
        if refusal:
            raise ChunkError(refusal)
        expected = Expected(
            self.modes.task_id,
            self.modes.source,
            self.ledger.last_sequence,
            self.ledger.last_stamp,
        )
        checked = check_chunk(message, self.settings.rules, expected, arrival)
        if self._settling():
            # The controller moves to where the plan begins; a trajectory now would stop it short.
            self._waiting = message
            return
        chunk, clamped = self.planner.clamp(checked)
        splice = self._splice(chunk, arrival)
        published = self._change_plan(splice.plan, splice.changed, since=arrival)
        self.lead.worked((published - arrival) / NS)
        self.period = chunk.period / NS
        self.reaction = (splice.start - chunk.stamp) / NS
        self.ledger.accept(chunk, splice, clamped=clamped)
        self._merger.accepted(chunk, splice.start)
        self.watchdog.chunk(arrival)
        self.modes.run()

    def _splice(self, chunk: Chunk, now: int) -> Splice:
        # A plan that cannot reach the controller before its splice would be jumped into.
        assert self.plan is not None
        for lead in (self.lead.value, 2.0 * self.lead.value):
            start = self.planner.earliest(self.plan, now, lead)
            merged = self._merger.merge(chunk, self.plan, start)
            splice = self.planner.splice(self.plan, merged, now, lead=lead)
            later = self._clock()
            if later + self._transport <= splice.changed:
                return splice
            self.lead.worked((later - now) / NS)
            now = later
        raise PlanError("planning took longer than plan.lead allows; is the machine overloaded?")

    def _take_up(self, now: int) -> str:
        """Make the plan that a task begins with; returns why there is none."""
        state = self.watchdog.joint_state
        assert state is not None
        if self.plan is not None and now < self.plan.end:
            return ""
        refusal = start_defect(state, self.planner, self.settings.rules.joint_names)
        refusal = refusal or self.watchdog.moving()
        if refusal:
            return refusal
        since = now + round(self.settings.settle * NS)
        grip = rest_grip(self.plan, state)
        self.plan = Plan.at_rest(self.rest_position(state), since=since, grip=grip)
        self._feedback.forget()
        self._send(now)
        return ""

    def rest_position(self, state: JointState) -> NDArray[np.float64]:
        """Return the positions [J] that a motion from rest begins at, rad."""
        return rest_position(self.plan, state, self.settings.start_tolerance)

    def _follow_measured(self, now: int) -> None:
        """Show the arm where it is when nobody moves it by plan (by hand, or a reset cell)."""
        state = self.watchdog.joint_state
        if state is None or (self.plan is not None and now < self.plan.end):
            return
        if self.plan is None or not is_near(self.plan, state, self.settings.start_tolerance):
            grip = rest_grip(self.plan, state)
            self.plan = Plan.at_rest(state.position, since=now, grip=grip)

    def _watch_clock(self, now: int, steady: int | None) -> None:
        jump = self.watchdog.clock_jump(now, steady)
        if not jump:
            return
        if self.plan is not None:
            self.plan = self.plan.shifted(jump)
        self._feedback.forget()
        if self.modes.in_task:
            # The controller's clock may not have jumped: a trajectory with the new time would
            # begin an hour from now for it. The one that it has ends at rest.
            self.stop(f"the clock jumped by {jump / NS:.3f} s", brake=False)

    def _brake(self) -> None:
        if self.plan is None or self._clock() >= self.plan.end:
            return
        for lead in (self.lead.value, 2.0 * self.lead.value):
            now = self._clock()
            stopped = self.planner.stop(self.plan, now, lead=lead)
            if self._clock() + self._transport <= stopped.action_end:
                break
        if stopped is not self.plan:
            self._change_plan(stopped, stopped.action_end, since=now)

    def _change_plan(self, plan: Plan, changed: int, *, since: int) -> int:
        """Commit to a plan that differs from the old one from `changed` on, and publish it.

        Args:
            plan: The new plan.
            changed: Its first difference, ns.
            since: When the work on it began, ns.

        Returns:
            When it was published, ns.
        """
        assert self.plan is not None
        old, self.plan = self.plan, plan
        self._send(since)
        published = self._clock()
        if np.array_equal(plan.times, old.times):
            return published
        change = Change(old, plan, changed, lead=(changed - since) / NS)
        # Whoever was held up while publishing may have been too late; nobody else would tell.
        behind = published + self._transport - changed
        if behind > 0:
            change.late = True
            self.ledger.late += 1
            self.lead.late(change.lead, behind / NS)
        self._feedback.published(change)
        return published

    @property
    def _transport(self) -> int:
        return round(self.settings.lead.transport * NS)

    def _send(self, now: int) -> None:
        assert self.plan is not None
        begin = now - round(self.settings.overlap * NS)
        times, states = self.plan.knots_from(begin)
        if times[0] < begin - NS and is_rest(states[:2]):
            # When a rest began does not matter any more.
            times = np.append(begin, times[1:])
        end = now + round(self.settings.settle * NS)
        if times[-1] < end:
            # A controller refuses a trajectory that is over when it arrives.
            times, states = np.append(times, end), np.concatenate([states, states[-1:]])
        self._publish(times, states)
