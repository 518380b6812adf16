"""A policy made by a test: it swings the arm, in chunks that the test may spoil."""

from __future__ import annotations

from array import array
from collections.abc import Callable

import numpy as np
from rclpy.time import Time

from dust_msgs.msg import ActionChunk
from dust_msgs.srv import EndTask, StartTask
from dust_node.qos import RELIABLE
from dust_sim.fr3 import ARM_JOINTS, HOME
from support.rig import CHUNK_SEC, Rig

PERIOD = 1 / 15
HORIZON = 16
_WIDTH = np.array([0.3, 0.2, 0.3, -0.3, 0.3, 0.3, 0.3])  # rad
_SWING_SEC = 3.0


class Swing:
    """Sends chunks of one smooth motion while it is `on`, at the pace of the rig's clock.

    Args:
        rig: Where the arm is.
        source: Who it says that it is.
        task_id: Task that its chunks belong to.

    Attributes:
        on: Whether it sends.
        make: Makes what it sends.
        grip: What it asks of the hand. Range: 0 (closed) to 1 (open).
        every: Time between two chunks. Unit: s.
        ahead: Returns how far its clock is ahead of the rig's. Unit: s.
    """

    def __init__(self, rig: Rig, *, source: str = "test", task_id: str = "swing") -> None:
        self.rig = rig
        self.source = source
        self.task_id = task_id
        self.sequence = 0
        self.on = False
        self.make: Callable[[], ActionChunk] = self.chunk
        self.grip = 1.0
        self.every = CHUNK_SEC
        self.ahead: Callable[[], float] = lambda: 0.0
        self._sent = 0.0
        self._origin = rig.now
        self._publisher = rig.node.create_publisher(ActionChunk, "action_chunk", RELIABLE)
        rig.wait(self._publisher.get_subscription_count)
        rig.listeners.append(self._send_when_due)

    def start(self) -> None:
        """Start the task at the executor and swing until the arm moves."""
        request = {"task_id": self.task_id, "source": self.source}
        answer = self.rig.call(StartTask, "dust_executor/start_task", **request)
        assert answer.success, answer.message
        self._origin = self.rig.now
        self.on = True
        self.rig.wait_mode("RUNNING")
        self.rig.wait_motion()

    def end(self) -> None:
        """End the task at the executor."""
        self.on = False
        self.rig.call(EndTask, "dust_executor/end_task", task_id=self.task_id)

    def chunk(self) -> ActionChunk:
        """Make the next chunk, stamped now."""
        self.sequence += 1
        begin = self.rig.now
        actions = self._path(begin + PERIOD * np.arange(HORIZON))
        message = ActionChunk(
            source=self.source,
            task_id=self.task_id,
            sequence=self.sequence,
            period=PERIOD,
            joint_names=list(ARM_JOINTS),
            positions=array("d", actions.tobytes()),
            gripper=[self.grip] * HORIZON,
        )
        stamp = round((begin + self.ahead()) * 1e9)
        message.header.stamp = Time(nanoseconds=stamp).to_msg()
        return message

    def send(self, message: ActionChunk) -> None:
        """Publish a chunk."""
        self._publisher.publish(message)

    def close(self) -> None:
        """Stop sending."""
        self.on = False
        if self._send_when_due in self.rig.listeners:
            self.rig.listeners.remove(self._send_when_due)
        self.rig.node.destroy_publisher(self._publisher)

    def _send_when_due(self) -> None:
        if self.on and self.rig.now - self._sent >= self.every:
            self._sent = self.rig.now
            self.send(self.make())

    def _path(self, times: np.ndarray) -> np.ndarray:
        phase = 2 * np.pi / _SWING_SEC * (times - self._origin)
        return HOME + np.outer((1 - np.cos(phase)) / 2, _WIDTH)
