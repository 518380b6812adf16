"""Node dust_teleop: an operator in the policy's seat. Takes devices, sends action chunks."""

import getpass
import time
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

import numpy as np
from geometry_msgs.msg import Twist
from rclpy.timer import Timer
from sensor_msgs.msg import JointState, Joy
from std_msgs.msg import Float32, String
from std_srvs.srv import Trigger

from dust_demos.teleop.arm_watch import ArmWatch
from dust_demos.teleop.clutch import Presses, Style
from dust_demos.teleop.conductor import Conductor
from dust_demos.teleop.controls import Button, Command
from dust_demos.teleop.episodes import MARKS
from dust_demos.teleop.messages import (
    from_executor_state,
    from_joint_state,
    from_twist,
    to_chunk,
)
from dust_demos.teleop.parameters import PARAMETERS
from dust_demos.teleop.pilot import Pilot, Word
from dust_demos.teleop.scenes import parse_scenes
from dust_demos.teleop.settings import driver_from, grid_from, layout_from
from dust_demos.teleop.streams import Stream
from dust_msgs.msg import ActionChunk, CellState, ExecutorState
from dust_node.clock import beat
from dust_node.diagnostics import ERROR, OK, WARN, Level, Monitor
from dust_node.errors import UserError
from dust_node.lifecycle import DustNode
from dust_node.qos import LATCHED, RELIABLE, SENSOR
from dust_node.run import run


class TeleopNode(DustNode):
    """Wires devices, the pilot and the executor together."""

    parameters = PARAMETERS
    values: dict[str, Any]

    def __init__(self) -> None:
        self._release: list[Callable[[], Any]] = []
        self._timer: Timer | None = None
        self._presses = Presses()
        self._defect = ""
        super().__init__("dust_teleop")

    @staticmethod
    def steady_ns() -> int:
        """Return the time by a clock that never jumps, as devices and persons live by it. ns."""
        return time.monotonic_ns()

    def setup(self) -> None:
        """Make pilot, topics and timer."""
        self.values["operator"] = self.values["operator"] or _login_name()
        try:
            self._layout = layout_from(self.values)
            self._grid = grid_from(self.values)
            driver = driver_from(self.values)
            scenes = parse_scenes(self.values["scenes"])
        except ValueError as error:
            raise UserError(str(error)) from error
        self._status = self.create_publisher(String, "teleop/status", LATCHED)
        self._chunks = self.create_publisher(ActionChunk, "action_chunk", RELIABLE)
        for publisher in (self._status, self._chunks):
            self._release.append(partial(self.destroy_publisher, publisher))
        self._pilot = self._make_pilot(driver)
        self._arm = ArmWatch()
        self._conductor = Conductor(self, self._pilot, scenes, self._arm)
        self.monitor = Monitor(self, self._assess)
        self._release += [self._conductor.close, self.monitor.close]
        self._subscribe()
        self._serve()

    def start(self) -> None:
        """Take in the operator."""
        self._forget_operator()
        self._conductor.begin()
        self._timer = beat(self, self._grid.period, self._tick)
        self._tell(f"ready: waiting for {self._pilot.controls.topic}")

    def stop(self) -> None:
        """Leave the arm to rest."""
        if self._timer is not None:
            self.destroy_timer(self._timer)
            self._timer = None
        self._conductor.finish(f"{self.get_name()} was stopped")
        self._forget_operator()

    def wind_down(self) -> bool:
        """End episode and task, and tell the executor."""
        return self._conductor.finish(f"{self.get_name()} is being shut down")

    def teardown(self) -> None:
        """Release what `setup` made."""
        while self._release:
            self._release.pop()()

    def _forget_operator(self) -> None:
        self._pilot.forget_operator()
        self._presses.forget()

    def _make_pilot(self, driver: Any) -> Pilot:
        values = self.values
        timeout = values["input_timeout"]
        by_twist, by_leader = values["input"] == "twist", values["input"] == "leader"
        if by_leader and values["clutch"] == Style.NEUTRAL:
            raise UserError(
                "clutch 'neutral' is for devices that spring back, not for a leader arm"
            )
        if by_twist and values["clutch"] != Style.NEUTRAL:
            raise UserError(
                f"clutch is '{values['clutch']}', but a twist brings no buttons: set it to neutral"
            )
        topic = self._resolved(values["twist_topic" if by_twist else "joy_topic"])
        leader = self._resolved(values["leader_topic"])
        rearm = self._resolved("dust_executor/rearm")
        return Pilot(
            driver,
            Stream(topic, timeout, silent_when_still=values["silent_when_still"]),
            self._tell,
            leader=Stream(leader, timeout) if by_leader else None,
            style=Style(values["clutch"]),
            grid=self._grid,
            rearm=f"rearm it: ros2 service call {rearm} std_srvs/srv/Trigger",
        )

    def _subscribe(self) -> None:
        values = self.values
        wanted = [
            (ExecutorState, "executor_state", self._on_executor, SENSOR),
            (JointState, "joint_states", self._on_joints, SENSOR),
            (CellState, f"{values['cell_node']}/cell_state", self._on_cell, SENSOR),
            (String, "teleop/instruction", self._on_instruction, RELIABLE),
            (Joy, values["joy_topic"], self._on_joy, SENSOR),
        ]
        if values["input"] == "twist":
            wanted.append((Twist, values["twist_topic"], self._on_twist, SENSOR))
        if values["input"] == "leader":
            wanted.append((JointState, values["leader_topic"], self._on_leader, SENSOR))
        if values["opening_topic"]:
            wanted.append((Float32, values["opening_topic"], self._on_opening, SENSOR))
        for kind, topic, callback, qos in wanted:
            subscription = self.create_subscription(kind, topic, callback, qos)
            self._release.append(partial(self.destroy_subscription, subscription))

    def _serve(self) -> None:
        """Offer the episodes' buttons as services, for devices that have too few."""
        for button in (Button.START, *MARKS):
            service = self.create_service(Trigger, f"~/{button}", partial(self._on_service, button))
            self._release.append(partial(self.destroy_service, service))

    def _tick(self) -> None:
        now_ns, steady_ns = int(self.get_clock().now().nanoseconds), self.steady_ns()
        self._conductor.tick(steady_ns)
        chunk = self._pilot.tick(now_ns, steady_ns)
        if chunk is None:
            return
        message = to_chunk(
            chunk,
            source=self.get_name(),
            period=self._grid.period,
            names=self.values["joint_names"],
        )
        self._chunks.publish(message)
        self.monitor.tick("chunks")
        self.monitor.observe("plan", (self.steady_ns() - steady_ns) * 1e-9)

    def _on_joy(self, message: Joy) -> None:
        self.monitor.tick("joy")
        command = self._layout.read(message.axes, message.buttons)
        self._defect = self._layout.defect(message.axes, message.buttons)
        if not self.active:
            return
        if self.values["input"] == "twist":
            # The motion comes from another device; this one brings buttons.
            self._press(self._presses.update(command))
        else:
            self._press(self._pilot.take_command(command, self.steady_ns()))

    def _on_twist(self, message: Twist) -> None:
        self.monitor.tick("twist")
        if not self.active:
            return
        motion = self._layout.shape(np.nan_to_num(np.array(from_twist(message))))
        self._pilot.take_command(Command(motion), self.steady_ns())

    def _on_leader(self, message: JointState) -> None:
        values = self.values
        joints = from_joint_state(message, values["leader.joint_names"])
        if joints is None:
            names = ", ".join(message.name)
            self._defect = f"the leader's joints are not among: {names}"
            return
        self.monitor.tick("leader")
        joints = np.array(values["leader.signs"]) * joints + np.array(values["leader.offsets"])
        if self.active:
            self._pilot.take_leader(joints, self.steady_ns())
        if values["leader.finger_joint"]:
            finger = from_joint_state(message, [values["leader.finger_joint"]])
            if finger is not None:
                self._pilot.take_opening(float(finger[0]) / values["leader.finger_open"])

    def _on_opening(self, message: Float32) -> None:
        self._pilot.take_opening(message.data)

    def _on_executor(self, message: ExecutorState) -> None:
        self._arm.planned(message.joint_names, message.positions)
        view = from_executor_state(message, self.steady_ns(), self.values["joint_names"])
        if view is not None:
            self._pilot.take_executor(view)

    def _on_joints(self, message: JointState) -> None:
        self._arm.measured(message.name, message.position)

    def _on_cell(self, message: CellState) -> None:
        self._conductor.cell_instruction = message.instruction

    def _on_instruction(self, message: String) -> None:
        self._conductor.instruction = message.data
        self._tell(f"to be shown next: {message.data}")

    def _press(self, buttons: Collection[Button]) -> None:
        if not self.active:
            return
        for button in buttons:
            self._pilot.press(button)
        self._conductor.press(buttons)

    def _on_service(self, button: Button, _: Any, response: Trigger.Response) -> Trigger.Response:
        response.success = self.active
        response.message = "" if self.active else f"{self.get_name()} is not active"
        self._press({button})
        return response

    def _resolved(self, topic: str) -> str:
        return self.resolve_topic_name(topic)

    def _tell(self, text: str, word: Word = Word.INFO) -> None:
        """Tell the operator something, wherever he looks."""
        # rclpy wants one severity for each place that logs.
        if word is Word.ERROR:
            self.get_logger().error(text)
        elif word is Word.WARNING:
            self.get_logger().warning(text)
        else:
            self.get_logger().info(text)
        self._status.publish(String(data=text))

    def _assess(self) -> Level:
        pilot = self._pilot
        self.monitor.set("clutch", "engaged" if pilot.engaged else "open")
        episode = self._conductor.episode
        self.monitor.set("episode", episode.episode_id if episode else "none")
        self.monitor.set("episodes", len(self._conductor.outcomes))
        if not self.active:
            return OK, "not active"
        if pilot.is_stopped:
            assert pilot.executor is not None
            return ERROR, f"the executor stopped: {pilot.executor.reason}"
        for stream in (pilot.controls, pilot.leader):
            if stream is not None and not stream.is_fresh(self.steady_ns()):
                return WARN, f"nothing on {stream.topic}"
        if self._defect:
            return WARN, self._defect
        return OK, "driving" if pilot.engaged else "waiting for the clutch"


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"  # a container's user may have no name


def main() -> int:
    """Run the node as a program."""
    return run(TeleopNode)


if __name__ == "__main__":
    raise SystemExit(main())
