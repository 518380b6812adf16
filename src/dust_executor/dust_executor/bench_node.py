"""The executor's node in a process of its own, fed over DDS."""

import os
import signal
import subprocess
import sys
import time
from array import array
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory

from dust_executor.bench import HOME, HORIZON, NAMES, PERIOD, RATE, Cost, actions_at
from dust_executor.messages import floats, to_time
from dust_msgs.msg import ActionChunk, ExecutorState
from dust_msgs.srv import StartTask
from dust_node.qos import RELIABLE, SENSOR

_PATIENCE = 30.0
_SETTLE = 0.5
_WARM_UP = 2.0
# A machine that is busy with other things holds up the feeder too; that is not what is measured.
_PATIENT = [
    word
    for pair in (
        "watchdog.joint_state_timeout:=5.0",
        "watchdog.chunk_timeout:=10.0",
        "watchdog.tracking_error:=1.0",
    )
    for word in ("-p", pair)
]
_STAGE = "chunk to trajectory p50/p95/p99 [ms]"


def measure_node(
    seconds: float, *, domain_id: int, chunk_rate: float = RATE, cycle_rate: float = 30.0
) -> list[Cost]:
    """Start the node, feed it, and return what it costs.

    Args:
        seconds: How long it is measured, after a warm-up.
        domain_id: ROS domain in which nobody else runs.
        chunk_rate: Chunks per second.
        cycle_rate: Its parameter `rate`, Hz.

    Raises:
        RuntimeError: The node did not come up or did not take the chunks.
    """
    command = [sys.executable, "-m", "dust_executor.executor_node", "--ros-args", *_PATIENT]
    command += ["-p", f"rate:={cycle_rate}"]
    environment = {**os.environ, "ROS_DOMAIN_ID": str(domain_id)}
    context = Context()
    rclpy.init(args=[], context=context, domain_id=domain_id)
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        feeder = _Feeder(context, process, chunk_rate)
        try:
            return feeder.measure(seconds)
        finally:
            process.send_signal(signal.SIGINT)
            feeder.close()
            context.shutdown()


class _Feeder:
    """Robot and policy in one: joint states at 30 Hz, chunks at a rate (Hz)."""

    def __init__(self, context: Context, process: subprocess.Popen, rate: float) -> None:
        self._process, self._rate = process, rate
        self._node = node = Node("executor_bench", context=context)
        self._spinner = SingleThreadedExecutor(context=context)
        self._spinner.add_node(node)
        self._joints = node.create_publisher(JointState, "joint_states", RELIABLE)
        self._chunks = node.create_publisher(ActionChunk, "action_chunk", RELIABLE)
        node.create_subscription(ExecutorState, "executor_state", self._on_state, RELIABLE)
        node.create_subscription(
            JointTrajectory, "fr3_arm_controller/joint_trajectory", self._on_trajectory, RELIABLE
        )
        node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, SENSOR)
        self._starter = node.create_client(StartTask, "dust_executor/start_task")
        self._joint_timer = node.create_timer(1 / 30, self._publish_joints)
        self._position = HOME
        self._rng = np.random.default_rng(0)
        self._began, self._sequence = 0.0, 0
        self._sent: list[float] = []
        self._delays: list[float] = []
        self._state = ExecutorState()
        self._inside = ""

    def close(self) -> None:
        # A node that is not destroyed keeps its participant, and with it shared memory.
        self._spinner.shutdown()
        self._node.destroy_node()

    def measure(self, seconds: float) -> list[Cost]:
        self._start_task()
        # Chunks that come while the arm settles share one trajectory.
        settled = time.monotonic() + _SETTLE
        self._spin_until(lambda: time.monotonic() > settled, _PATIENCE)
        self._began = time.monotonic()
        timer = self._node.create_timer(1 / self._rate, self._publish_chunk)
        self._spin_until(lambda: time.monotonic() - self._began > _WARM_UP, _PATIENCE)
        self._delays.clear()
        accepted, worked, began = self._state.accepted, self._processor_time(), time.monotonic()
        self._spin_until(lambda: time.monotonic() - began > seconds, seconds + _PATIENCE)
        elapsed, work = time.monotonic() - began, self._processor_time() - worked
        timer.cancel()
        rate = (self._state.accepted - accepted) / elapsed
        if rate < 0.5 * self._rate or not self._delays:
            why = self._state.last_rejection or self._state.reason or "is the machine overloaded?"
            raise RuntimeError(
                f"the node accepted {rate:.1f} of {self._rate:g} chunks a second: {why}"
            )
        median, p99 = np.percentile(self._delays, [50, 99])
        name = f"node at {rate:.0f} chunks/s, there and back over DDS"
        inside = [float(part) / 1e3 for part in self._inside.split("/")]
        return [
            Cost(name, work / elapsed, float(median), float(p99)),
            Cost("node, from arrival to publication", work / elapsed, inside[0], inside[2]),
        ]

    def _start_task(self) -> None:
        self._spin_until(self._starter.service_is_ready, _PATIENCE)
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            answer = self._starter.call_async(StartTask.Request(task_id="bench", source="bench"))
            self._spin_until(answer.done, _PATIENCE)
            response: Any = answer.result()
            if response.success:
                return
        raise RuntimeError(f"the executor starts no task: {response.message}")

    def _spin_until(self, condition: Any, patience: float) -> None:
        deadline = time.monotonic() + patience
        while not condition():
            if self._process.poll() is not None:
                raise RuntimeError(f"the executor ended with code {self._process.returncode}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"the executor did not answer within {patience:g} s")
            self._spinner.spin_once(timeout_sec=0.02)

    def _processor_time(self) -> float:
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _publish_joints(self) -> None:
        message = JointState(name=list(NAMES), position=floats(self._position))
        message.velocity = array("d", [0.0] * len(NAMES))
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._joints.publish(message)

    def _publish_chunk(self) -> None:
        self._sequence += 1
        stamp = self._node.get_clock().now().nanoseconds - 100_000_000
        seconds = time.monotonic() - self._began
        message = ActionChunk(
            source="bench",
            task_id="bench",
            sequence=self._sequence,
            period=PERIOD,
            joint_names=list(NAMES),
            positions=floats(actions_at(seconds, self._rng).ravel()),
            gripper=floats(np.ones(HORIZON)),
        )
        message.header.stamp = to_time(stamp)
        self._sent.append(time.perf_counter())
        self._chunks.publish(message)

    def _on_trajectory(self, message: JointTrajectory) -> None:
        # One trajectory answers each chunk, in their order; the first one began the task.
        if self._sent:
            self._delays.append(time.perf_counter() - self._sent.pop(0))

    def _on_state(self, message: ExecutorState) -> None:
        self._state = message
        if message.positions:
            self._position = np.array(message.positions[: len(NAMES)])

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            values = {value.key: value.value for value in status.values}
            self._inside = values.get(_STAGE, self._inside)
