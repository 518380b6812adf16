"""Measure the running graph from outside: rates, latency, lost images."""

import dataclasses
import threading
from dataclasses import dataclass

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.time import Time
from trajectory_msgs.msg import JointTrajectory

from dust_msgs.msg import ActionChunk, CellState, ExecutorState
from dust_node.qos import RELIABLE, SENSOR


@dataclass(frozen=True, slots=True)
class GraphReport:
    """What the probe saw.

    Attributes:
        seconds: Length of the measurement. Unit: s.
        chunk_rate: Chunks per second. Unit: Hz.
        accepted: Chunks that the executor accepted.
        rejected: Chunks that the executor rejected.
        latency_p50: Observation's stamp to the arrival of the trajectory made of it. Unit: s.
        latency_p95: The same, 95th percentile. Unit: s.
        real_time_factor: Smallest factor that the cell reported. Unit: 1.
        frames_published: Images of both cameras that the cell published.
        frames_received: Of these, how many perception received.
        underruns: How often the committed actions ran out while a task ran.
    """

    seconds: float
    chunk_rate: float
    accepted: int
    rejected: int
    latency_p50: float
    latency_p95: float
    real_time_factor: float
    frames_published: int
    frames_received: int
    underruns: int = 0

    @property
    def frames_lost(self) -> int:
        """Images that were sent and not received."""
        return self.frames_published - self.frames_received

    def with_images(self, sent: int, received: int) -> "GraphReport":
        """Return the report with the images that were counted."""
        return dataclasses.replace(self, frames_published=sent, frames_received=received)

    def lines(self) -> list[str]:
        """Return the report as lines of text."""
        return [
            f"chunks per second          {self.chunk_rate:.2f}",
            f"chunks accepted, rejected  {self.accepted}, {self.rejected}",
            f"ran out of actions         {self.underruns} times",
            f"observation to command     {self.latency_p50 * 1e3:.0f} ms median, "
            f"{self.latency_p95 * 1e3:.0f} ms p95",
            f"real-time factor (least)   {self.real_time_factor:.3f}",
            f"images sent, received      {self.frames_published}, {self.frames_received}",
        ]


class Probe:
    """Listen to a running graph and sum up what it did between `begin` and `report`.

    Args:
        node: Node that subscribes; it is spun by someone else.
        sender: Node that publishes images, as named on /diagnostics.
        receiver: Node that receives them.
    """

    def __init__(
        self, node: Node, *, sender: str = "dust_sim", receiver: str = "dust_perception"
    ) -> None:
        self._node = node
        self._sender = sender
        self._receiver = receiver
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str], int] = {}
        self._diagnostics = threading.Condition()
        self._diagnostics_seen = 0
        self._reset()
        node.create_subscription(ActionChunk, "action_chunk", self._on_chunk, RELIABLE)
        node.create_subscription(
            JointTrajectory, "fr3_arm_controller/joint_trajectory", self._on_trajectory, RELIABLE
        )
        node.create_subscription(CellState, "dust_sim/cell_state", self._on_cell, SENSOR)
        node.create_subscription(ExecutorState, "executor_state", self._on_executor, SENSOR)
        node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, RELIABLE)

    @property
    def chunks(self) -> int:
        """How many chunks came since `begin`."""
        with self._lock:
            return len(self._chunk_times)

    def begin(self) -> None:
        """Start to count."""
        with self._lock:
            self._reset()

    def image_counts(self, *, timeout_sec: float) -> tuple[int, int]:
        """Return the images that were sent and received so far, over all cameras.

        Exact only while the cameras stand still; waits for two further rounds of diagnostics.

        Raises:
            TimeoutError: No diagnostics came.
        """
        nodes = 2
        with self._diagnostics:
            # Two rounds of each node: the first may have been under way already.
            target = self._diagnostics_seen + 2 * nodes
            if not self._diagnostics.wait_for(
                lambda: self._diagnostics_seen >= target, timeout_sec
            ):
                raise TimeoutError(
                    f"no diagnostics of the cell and perception in {timeout_sec:g} s"
                )
        return self.totals()

    def totals(self) -> tuple[int, int]:
        """Return the images sent and received so far, as diagnostics told last."""
        with self._lock:
            return self._total(self._sender), self._total(self._receiver)

    def report(self) -> GraphReport:
        """Return what happened since `begin`; images are counted apart, by `image_counts`.

        Raises:
            ValueError: Nothing happened.
        """
        with self._lock:
            if len(self._chunk_times) < 2 or not self._latencies:
                raise ValueError("no chunk reached the arm; is a task running?")
            seconds = self._chunk_times[-1] - self._chunk_times[0]
            p50, p95 = np.percentile(self._latencies, (50, 95))
            return GraphReport(
                seconds=seconds,
                chunk_rate=(len(self._chunk_times) - 1) / seconds,
                accepted=self._accepted,
                rejected=self._rejected,
                latency_p50=float(p50),
                latency_p95=float(p95),
                real_time_factor=min(self._factors, default=float("nan")),
                frames_published=0,
                frames_received=0,
                underruns=self._underruns,
            )

    def _reset(self) -> None:
        self._chunk_times: list[float] = []
        self._pending: dict[int, float] = {}
        self._latencies: list[float] = []
        self._factors: list[float] = []
        self._accepted = 0
        self._rejected = 0
        self._underruns = 0
        self._mode = ExecutorState.IDLE

    def _total(self, node: str) -> int:
        return sum(
            count
            for (name, key), count in self._counts.items()
            if name.endswith(node) and key.endswith(" images count")
        )

    def _now(self) -> float:
        return self._node.get_clock().now().nanoseconds * 1e-9

    def _on_chunk(self, chunk: ActionChunk) -> None:
        with self._lock:
            self._chunk_times.append(self._now())
            stamp = Time.from_msg(chunk.header.stamp).nanoseconds * 1e-9
            self._pending = {chunk.sequence: stamp}

    def _on_trajectory(self, _: JointTrajectory) -> None:
        with self._lock:
            # The executor publishes once per accepted chunk; the newest chunk is the one it took.
            for stamp in self._pending.values():
                self._latencies.append(self._now() - stamp)
            self._pending.clear()

    def _on_cell(self, state: CellState) -> None:
        with self._lock:
            self._factors.append(state.real_time_factor)

    def _on_executor(self, state: ExecutorState) -> None:
        with self._lock:
            self._accepted = max(self._accepted, state.accepted)
            self._rejected = max(self._rejected, state.rejected)
            ran_out = self._mode == ExecutorState.RUNNING and state.mode == ExecutorState.HOLDING
            self._underruns += ran_out
            self._mode = state.mode

    def _on_diagnostics(self, array: DiagnosticArray) -> None:
        names = tuple(status.name for status in array.status)
        with self._lock:
            for status in array.status:
                for row in status.values:
                    if row.key.endswith(" count"):
                        self._counts[status.name, row.key] = int(row.value)
        if any(name.endswith((self._sender, self._receiver)) for name in names):
            with self._diagnostics:
                self._diagnostics_seen += 1
                self._diagnostics.notify_all()
