"""The node dust_executor: wires the executor's core to ROS."""

import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import rclpy
from numpy.typing import NDArray
from rclpy.timer import Timer
from sensor_msgs.msg import JointState as JointStateMessage
from std_srvs.srv import SetBool, Trigger
from trajectory_msgs.msg import JointTrajectory

from dust_executor.controller_state import ControllerStates
from dust_executor.core import Answer, Executor
from dust_executor.gripper import Grip
from dust_executor.gripper_clients import GripperClient, Hand, make_gripper, missing_packages
from dust_executor.messages import JointReader, StateWriter
from dust_executor.modes import Mode
from dust_executor.parameters import PARAMETERS, settings_from
from dust_executor.quiet import QUIET_PUBLISHER, QUIET_SUBSCRIPTION
from dust_executor.quintic import NS, States, Times
from dust_executor.robot_link import RobotLink
from dust_executor.trajectory_bytes import TrajectoryBytes
from dust_msgs.msg import ActionChunk, ExecutorState, RobotState
from dust_msgs.srv import EndTask, StartTask
from dust_node.clock import beat, nanoseconds
from dust_node.diagnostics import ERROR, OK, WARN, Level, Monitor
from dust_node.lifecycle import DustNode
from dust_node.polled import Polled
from dust_node.qos import RELIABLE
from dust_node.run import run
from dust_node.stream_executor import StreamExecutor

_NOT_ACTIVE = "dust_executor is not active; activate it first"
_SECONDS_BETWEEN_WARNINGS = 2.0
# Share of the time between two cycles that the next one may come early, with a chunk: to be
# woken for it and to find everything in memory again would cost more than the cycle itself.
_EARLY = 0.5
# Arm and hand may have a publisher each.
_KEPT = 3


class ExecutorNode(DustNode):
    """Turns action chunks into joint trajectories and gripper goals."""

    parameters = PARAMETERS

    def __init__(self) -> None:
        self._core: Executor
        self._monitor: Monitor
        self._gripper: GripperClient
        self._references: ControllerStates | None = None
        self._release: list[Callable[[], Any]] = []
        self._timer: Timer | None = None
        self._mode = Mode.IDLE
        self._grip_failure = ""
        self._silent_until: dict[str, float] = {}
        super().__init__("dust_executor")

    def setup(self) -> None:
        """Make the core, publishers, subscriptions, services and the gripper's client."""
        values: Mapping[str, Any] = self.values
        self._core = Executor(settings_from(values), clock=self._now, publish=self._publish)
        self._writer = TrajectoryBytes(values["joint_names"])
        self._state_writer = StateWriter(values["joint_names"])
        self._reader = JointReader(
            values["joint_names"], values["gripper.joint_names"], width=values["gripper.width"]
        )
        self._period, self._samples = 1.0 / values["rate"], values["state_samples"]
        self._monitor = Monitor(self, self._assess)
        self._release.append(self._monitor.close)
        self._gripper = self._make_gripper()
        self._release.append(self._gripper.close)
        self._robot = RobotLink(self, self._core, self._gripper)
        self._release.append(self._robot.close)
        self._advertise()
        self._serve()
        self._subscribe()

    def start(self) -> None:
        """Begin to watch and to publish executor_state."""
        self._timer = beat(self, self._period, self._tick)

    def stop(self) -> None:
        """Bring the arm to rest."""
        if self._timer is not None:
            self.destroy_timer(self._timer)
            self._timer = None
        self._end_motion("dust_executor was deactivated")

    def wind_down(self) -> bool:
        """Bring the arm to rest; single targets have to be sent until it is there."""
        if not self._release:
            return True
        self._end_motion("dust_executor is being shut down")
        return not self._robot.is_moving

    def teardown(self) -> None:
        """Release everything that `setup` made."""
        while self._release:
            self._release.pop()()

    def _end_motion(self, reason: str) -> None:
        if self._core.modes.in_task or self._robot.busy():
            self._core.stop(reason)
            # Nobody will say it later; at shutdown the context may be gone already.
            if rclpy.ok(context=self.context):
                self._publish_state()

    def _advertise(self) -> None:
        self._trajectories = self.create_publisher(
            JointTrajectory,
            "fr3_arm_controller/joint_trajectory",
            RELIABLE,
            event_callbacks=QUIET_PUBLISHER,
        )
        self._states = self.create_publisher(
            ExecutorState, "executor_state", RELIABLE, event_callbacks=QUIET_PUBLISHER
        )
        for publisher in (self._trajectories, self._states):
            self._release.append(partial(self.destroy_publisher, publisher))

    def _serve(self) -> None:
        for kind, name, answer in (
            (StartTask, "~/start_task", lambda asked: self._start_task(asked)),
            (EndTask, "~/end_task", lambda asked: self._end_task(asked)),
            (Trigger, "~/stop", lambda asked: self._stop("stop was called")),
            (Trigger, "~/rearm", lambda asked: self._core.rearm()),
            (SetBool, "~/pause", lambda asked: self._pause(asked.data)),
        ):
            service = self.create_service(kind, name, partial(self._answer, answer))
            self._release.append(partial(self.destroy_service, service))

    def _subscribe(self) -> None:
        values: Mapping[str, Any] = self.values
        chunks = self.create_subscription(
            ActionChunk,
            "action_chunk",
            self._on_chunk,
            RELIABLE,
            event_callbacks=QUIET_SUBSCRIPTION,
        )
        self._release.append(partial(self.destroy_subscription, chunks))
        self._joint_states = Polled(self, JointStateMessage, "joint_states", depth=_KEPT)
        self._robot_states = Polled(self, RobotState, "robot_state")
        self._release += [self._joint_states.close, self._robot_states.close]
        feedback = values["controller.feedback"]
        if feedback != "never":
            names, always = values["joint_names"], feedback == "always"
            self._references = ControllerStates(self, names, self._on_reference, always=always)
            self._release.append(self._references.close)

    def _make_gripper(self) -> GripperClient:
        values: Mapping[str, Any] = self.values
        hand = Hand(
            node=values["gripper.node"],
            width=values["gripper.width"],
            speed=values["gripper.speed"],
            force=values["gripper.force"],
        )
        client = make_gripper(self, values["gripper.interface"], hand)
        missing = missing_packages()
        absent = f" (not installed: {', '.join(missing)})" if missing else ""
        self.get_logger().info(f"gripper interface: {client.name}{absent}")
        return client

    def _answer(self, answer: Callable[[Any], Answer], request: Any, response: Any) -> Any:
        if self.active:
            self._look()
            response.success, response.message = answer(request)
        else:
            response.success, response.message = False, _NOT_ACTIVE
        self._publish_state()
        return response

    def _start_task(self, request: StartTask.Request) -> Answer:
        busy = self._robot.busy()
        return (False, busy) if busy else self._core.start_task(request.task_id, request.source)

    def _end_task(self, request: EndTask.Request) -> Answer:
        answer = self._core.end_task(request.task_id)
        if answer[0]:
            reason = f": {request.reason}" if request.reason else ""
            self.get_logger().info(f"task '{request.task_id}' ended{reason}")
        return answer

    def _stop(self, reason: str) -> Answer:
        if self._core.stop(reason):
            return True, ""
        return True, f"was stopped already: {self._core.modes.reason}"

    def _pause(self, wanted: bool) -> Answer:
        return self._core.pause() if wanted else self._core.resume()

    def _on_chunk(self, message: ActionChunk) -> None:
        if not self.active:
            return
        began = time.perf_counter()
        self._look()
        passed_over = self._core.ledger.passed_over
        reason = self._core.chunk(message)
        self._monitor.tick("action_chunk")
        if reason:
            self._warn(f"chunk {message.sequence} rejected: {reason}", about="chunk")
            return
        if self._core.ledger.passed_over > passed_over:
            return
        self._monitor.observe("chunk to trajectory", time.perf_counter() - began)
        self._monitor.observe("observation to first point", self._core.reaction)
        if self._is_soon_due():
            self._tick()
        elif self._core.modes.mode is not self._mode:
            self._publish_state()

    def _look(self) -> None:
        """Take in what arm and robot said since it was looked last."""
        now = self._now()
        for joints in self._joint_states.take_all():
            state = self._reader.read(joints, now)
            self._core.watchdog.defect = self._reader.defect
            if state is not None:
                self._monitor.tick("joint_states seen")
                self._core.joints(state)
        robot = self._robot_states.take()
        if robot is not None:
            self._monitor.tick("robot_state seen")
            self._robot.hear(robot)

    def _on_reference(self, stamp: int, position: NDArray[np.float64]) -> None:
        finding = self._core.reference(stamp, position)
        self._monitor.tick("controller_state")
        if finding:
            self._warn(finding, about="controller")

    def _tick(self) -> None:
        self._look()
        if self._references is not None:
            self._references.look()
        if self._core.gripper.overdue(self._now()):
            self._warn("the gripper did not answer in time; the goal is given up")
        self._robot.tick()
        grip = self._core.tick(None if self._is_simulated_time() else time.monotonic_ns())
        if grip is not None:
            self._gripper.send(grip, partial(self._on_grip, grip, self._core.gripper.goals))
        self._publish_state()

    def _is_soon_due(self) -> bool:
        """Return whether the next cycle may as well run now; the timer then waits for another."""
        # A simulated clock may stand still until this cycle has been heard of.
        if self._timer is None or self._timer.clock is self.get_clock():
            return False
        timer = self._timer.handle
        with timer:
            left = timer.time_until_next_call()
            soon = left is not None and left < _EARLY * self._period * NS
            if soon:
                # Not `reset`, which would wake the executor.
                timer.call_timer()
        return soon

    def _on_grip(self, grip: Grip, goal: int, reached: bool, failure: str) -> None:
        self._core.gripper.finished(goal, reached=reached)
        self._grip_failure = f"gripper: {grip}: {failure}" if failure else ""
        if failure:
            self._warn(self._grip_failure)

    def _publish(self, times: Times, states: States) -> None:
        # At shutdown the context is gone already; the arm then stops by the tail that it has.
        if rclpy.ok(context=self.context) and not self._robot.streams_targets:
            self._trajectories.publish(self._writer.write(times, states))
            self._monitor.tick("joint_trajectory")

    def _publish_state(self) -> None:
        self._say_mode()
        state = self._state_writer.write(self._core, self._now(), samples=self._samples)
        self._states.publish(state)

    def _say_mode(self) -> None:
        modes = self._core.modes
        if modes.mode is self._mode:
            return
        self._mode = modes.mode
        reason = f": {modes.reason}" if modes.reason else ""
        if modes.mode is Mode.STOPPED:
            self.get_logger().error(f"STOPPED{reason}; call ~/rearm when that is mended")
        else:
            self.get_logger().info(f"{modes.mode.name}{reason}")

    def _assess(self) -> Level:
        core, monitor = self._core, self._monitor
        ledger = core.ledger
        monitor.set("mode", core.modes.mode.name)
        monitor.set("accepted", ledger.accepted)
        monitor.set("rejected", ledger.rejected)
        monitor.set("passed over", ledger.passed_over)
        monitor.set("clamped", ledger.clamped)
        monitor.set("limited", ledger.limited)
        monitor.set("late", ledger.late)
        monitor.set("lead [ms]", f"{core.lead.value * 1e3:.0f}")
        monitor.set("last rejection", ledger.last_rejection or "none")
        monitor.set("stops", ledger.stops)
        monitor.set("gripper goals", core.gripper.goals)
        for method, count in ledger.methods.items():
            monitor.set(f"spliced {method}", count)
        for name, value in self._robot.rows():
            monitor.set(name, value)
        if core.modes.mode is Mode.STOPPED:
            return ERROR, f"stopped: {core.modes.reason}"
        if not self.active:
            return OK, "not active"
        not_ready = core.watchdog.not_ready(self._now())
        if not_ready:
            return WARN, not_ready
        warning = self._robot.warning() or self._grip_failure
        if warning:
            return WARN, warning
        return OK, core.modes.reason or self._robot.busy() or core.modes.mode.name.lower()

    def _warn(self, text: str, *, about: str = "hand") -> None:
        # rclpy's own throttle looks for its caller in the source each time, which takes a
        # millisecond; a broken policy would come here fifty times a second.
        now = time.monotonic()
        if now >= self._silent_until.get(about, now):
            self._silent_until[about] = now + _SECONDS_BETWEEN_WARNINGS
            self.get_logger().warning(text)

    def _now(self) -> int:
        return nanoseconds(self.get_clock())

    def _is_simulated_time(self) -> bool:
        return bool(self.get_parameter("use_sim_time").value)


def main() -> int:
    """Run the node until it is told to end."""
    return run(ExecutorNode, make_executor=StreamExecutor)


if __name__ == "__main__":
    sys.exit(main())
