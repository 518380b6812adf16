"""Everything that the executor says to a robot, and hears of it, beside the plan's trajectories."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import Trigger

from dust_executor.awaiting import within
from dust_executor.core import Answer, Executor
from dust_executor.gripper_clients import GripperClient
from dust_executor.homing import HomeSettings, Homing, HomingError
from dust_executor.joint_target import JointTargets, target
from dust_executor.messages import TrajectoryWriter
from dust_executor.modes import Mode
from dust_executor.quintic import NS
from dust_executor.recovery import Recovery, still_needed
from dust_executor.robot_state import FrankaStates, error_names
from dust_executor.robot_watch import RobotWatch, RobotWatchSettings
from dust_executor.trajectory_action import make_trajectory_action
from dust_executor.watchdog import ROBOT_MODES
from dust_msgs.msg import RobotState
from dust_node.clock import nanoseconds

HAND_TIMEOUT = 30.0
"""Longest homing of a hand, s."""

_HAND_HOMES = "the hand is homing"
_ACTION = "fr3_arm_controller/follow_joint_trajectory"


class Host(Protocol):
    """What is asked of the node: a lifecycle node with checked parameter values."""

    active: bool
    values: dict[str, Any]


class RobotLink:
    """Services home, recover, gripper_home and gripper_stop; the robot's state; single targets.

    Args:
        node: Node that owns it; a Host.
        core: The executor's core.
        gripper: The hand.
    """

    def __init__(self, node: Any, core: Executor, gripper: GripperClient) -> None:
        self._host: Host = node
        self._node: Node = node
        self._core, self._gripper = core, gripper
        values: Mapping[str, Any] = node.values
        self._watch = RobotWatch(_watch_settings(values))
        self._homing = Homing(
            core, HomeSettings(tuple(values["home.positions"]), values["home.speed_share"])
        )
        self._states = FrankaStates(node, values["robot.state_topic"])
        self._recovery = Recovery(node, values["robot.recovery"])
        by_action = values["home.interface"] != "topic"
        self._action = make_trajectory_action(node, _ACTION) if by_action else None
        self._targets = self._make_targets(values)
        self._mode, self._heard_franka, self._last_errors = -1, False, ""
        self._hand_homes = False
        # While one of them waits for an answer, everything else goes on: also what brings it.
        group = ReentrantCallbackGroup()
        self._services = [
            node.create_service(Trigger, f"~/{name}", callback, callback_group=group)
            for name, callback in (
                ("home", self._home),
                ("recover", self._recover),
                ("gripper_home", self._gripper_home),
                ("gripper_stop", self._gripper_stop),
            )
        ]

    @property
    def streams_targets(self) -> bool:
        """Whether the arm is driven by single targets instead of trajectories."""
        return self._targets is not None

    @property
    def is_moving(self) -> bool:
        """Whether the arm moves by single targets: it would stop dead without the next one."""
        plan = self._core.plan
        return self.streams_targets and plan is not None and self._now() <= plan.end

    def hear(self, message: RobotState) -> None:
        """Take in a robot_state of dust_msgs."""
        rate = message.control_command_success_rate
        self._hear(message.robot_mode, message.errors, rate, steady=False)

    def tick(self) -> None:
        """Look at the robot; call it some tens of times per second."""
        now = self._now()
        state = self._states.take()
        if state is not None:
            self._heard_franka = True
            self._last_errors = ", ".join(error_names(state.last_motion_errors))
            errors = error_names(state.current_errors)
            rate = state.control_command_success_rate
            self._hear(state.robot_mode, errors, rate, steady=True)
        self._core.watchdog.trouble = self._watch.fault(now)
        fault = self._homing.fault(now)
        if fault:
            self._core.stop(f"on the way home: {fault}")

    def busy(self) -> str:
        """Return why a task cannot start now; empty when it can."""
        return self._homing.busy(self._now()) or (_HAND_HOMES if self._hand_homes else "")

    def warning(self) -> str:
        """Return what gets worse; empty when nothing does."""
        return self._watch.warning()

    def rows(self) -> Iterator[tuple[str, str]]:
        """Yield what /diagnostics shows."""
        known = 0 <= self._mode < len(ROBOT_MODES)
        yield "robot mode", ROBOT_MODES[self._mode] if known else "unknown"
        yield "command success rate", f"{self._watch.success_rate:.3f}"
        if self._last_errors:
            yield "last motion errors", self._last_errors

    def close(self) -> None:
        """Release everything."""
        for service in self._services:
            self._node.destroy_service(service)
        for part in (self._states, self._recovery, self._action, self._targets):
            if part is not None:
                part.close()

    def _hear(self, mode: int, errors: Any, success_rate: float, *, steady: bool) -> None:
        self._mode = mode
        self._core.watchdog.robot(mode, errors)
        self._watch.hear(mode, success_rate, self._now(), steady=steady)

    def _make_targets(self, values: Mapping[str, Any]) -> JointTargets | None:
        if values["output"] != "joint_target":
            return None
        topic, names = values["target.topic"], values["joint_names"]
        rate = values["target.rate"]
        return JointTargets(self._node, topic, names, rate=rate, sample=self._target)

    def _target(self) -> tuple[int, NDArray[np.float64] | None]:
        now = self._now()
        in_task = self._core.modes.in_task
        return now, target(self._core.plan, now, in_task=in_task)

    def _home(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success, response.message = self._refused() or self._go_home()
        return response

    def _go_home(self) -> Answer:
        now = self._now()
        try:
            plan = self._homing.plan(now)
        except HomingError as error:
            return False, str(error)
        # To prove a long way takes longer than the rest before it lasts.
        plan, now = plan.shifted(self._now() - now), self._now()
        action = self._action if self._action and self._action.is_ready else None
        if action is None and self._host.values["home.interface"] == "action":
            return False, f"nobody serves {_ACTION}; set home.interface to auto or topic"
        by_action = action is not None and not self.streams_targets
        self._core.follow(plan, publish=not by_action)
        self._homing.begin(plan)
        if action is not None and by_action:
            writer = TrajectoryWriter(self._host.values["joint_names"])
            action.send(writer.write(plan.times, plan.states), self._on_homed)
        way = "action" if by_action else "topic"
        return True, f"on the way home by {way}, {(plan.end - now) / NS:.1f} s"

    def _on_homed(self, failure: str) -> None:
        if failure and self._homing.busy(self._now()):
            self._core.stop(f"on the way home: {failure}")

    async def _recover(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success, response.message = self._refused() or await self._recovered()
        return response

    async def _recovered(self) -> Answer:
        success, message = await self._recovery.recover()
        if not success:
            return False, message
        self._node.get_logger().info("the robot's error was cleared, as asked")
        stopped = self._core.modes.mode is Mode.STOPPED
        needed = still_needed(real=self._heard_franka, stopped=stopped)
        return True, "; ".join(part for part in (message, needed) if part)

    async def _gripper_home(self, _: Any, response: Trigger.Response) -> Trigger.Response:
        busy = (False, _HAND_HOMES) if self._hand_homes else None
        response.success, response.message = self._refused() or busy or await self._home_hand()
        return response

    async def _home_hand(self) -> Answer:
        self._hand_homes = True
        try:
            return await self._asked(self._gripper.home)
        finally:
            self._hand_homes = False
            # Where the fingers are now is for the next joint state to say.
            self._core.forget_hand()

    async def _gripper_stop(self, _: Any, response: Trigger.Response) -> Trigger.Response:
        response.success, response.message = await self._asked(self._gripper.stop)
        return response

    async def _asked(self, ask: Callable[[Callable[[bool, str], None]], None]) -> Answer:
        answer: Future = Future()
        ask(lambda reached, failure: answer.set_result((reached and not failure, failure)))
        told: Answer | None = await within(self._node, answer, HAND_TIMEOUT)
        return told or (False, f"the hand did not answer within {HAND_TIMEOUT:g} s")

    def _refused(self) -> Answer | None:
        if not self._host.active:
            return False, "dust_executor is not active; activate it first"
        if self._core.modes.in_task:
            return False, f"task '{self._core.modes.task_id}' is running; end it first"
        return None

    def _now(self) -> int:
        return nanoseconds(self._node.get_clock())


def _watch_settings(values: Mapping[str, Any]) -> RobotWatchSettings:
    names = RobotWatchSettings.__dataclass_fields__
    return RobotWatchSettings(**{name: values[f"robot.{name}"] for name in names})
