"""Node `dust_view`: the latency ledger on /diagnostics, and markers. It only listens."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sensor_msgs.msg import JointState
from visualization_msgs.msg import MarkerArray

from dust_msgs.msg import ActionChunk, ExecutorState, Features
from dust_node.diagnostics import OK, Level, Monitor
from dust_node.lifecycle import DustNode
from dust_node.qos import RELIABLE, SENSOR
from dust_node.run import run
from dust_node.stamps import nanoseconds_of
from dust_view.ledger import Duration, Ledger
from dust_view.marker_messages import MarkerWriter
from dust_view.messages import read_chunk, read_committed, read_stages
from dust_view.parameters import PARAMETERS
from dust_view.scene import Committed, Seams, arm_points, chunk_points, committed_path

_IN_TASK = (ExecutorState.RUNNING, ExecutorState.HOLDING, ExecutorState.PAUSED)


class ViewNode(DustNode):
    """Matches what the others publish; nobody waits for it."""

    parameters = PARAMETERS

    def __init__(self) -> None:
        """Declare the parameters; the rest is made in `setup`."""
        self._entities: list[tuple[Any, Any]] = []
        self._monitor: Monitor | None = None
        super().__init__("dust_view")

    def setup(self) -> None:
        """Make publisher, subscriptions and the page of the ledger."""
        values: Mapping[str, Any] = self.values
        self._joint_names: list[str] = values["joint_names"]
        self._writer = MarkerWriter(values["frame"])
        self._period_ns = round(1e9 / values["marker_rate"])
        self._ledger, self._seams = Ledger(), Seams()
        self._task, self._shown_ns = "", {"plan": 0, "arm": 0}
        self._monitor = Monitor(self, self._assess)
        self._markers = self.create_publisher(MarkerArray, "~/markers", RELIABLE)
        self._entities.append((self.destroy_publisher, self._markers))
        for kind, topic, callback, profile in (
            (Features, "features", self._on_features, SENSOR),
            (ActionChunk, "action_chunk", self._on_chunk, RELIABLE),
            (ExecutorState, "executor_state", self._on_executor_state, RELIABLE),
            (JointState, "joint_states", self._on_joint_states, SENSOR),
        ):
            subscription = self.create_subscription(kind, topic, callback, profile)
            self._entities.append((self.destroy_subscription, subscription))

    def teardown(self) -> None:
        """Release what `setup` made."""
        while self._entities:
            destroy, entity = self._entities.pop()
            destroy(entity)
        if self._monitor is not None:
            self._monitor.close()
            self._monitor = None

    def _on_features(self, message: Features) -> None:
        if self.active:
            stages = read_stages(message.timings)
            self._show(self._ledger.features(nanoseconds_of(message.header.stamp), stages))

    def _on_chunk(self, message: ActionChunk) -> None:
        if not self.active:
            return
        taken_ns, stages = nanoseconds_of(message.header.stamp), read_stages(message.timings)
        learnt = self._ledger.chunk(
            message.task_id, int(message.sequence), taken_ns, stages, self._now_ns()
        )
        self._show(learnt)
        if self._wants_markers():
            positions = read_chunk(message, self._joint_names)
            if positions is not None:
                points = chunk_points(positions)
                self._markers.publish(
                    self._writer.chunk(points, message.prefix, message.header.stamp)
                )

    def _on_executor_state(self, message: ExecutorState) -> None:
        if not self.active:
            return
        self._watch_task(message)
        if message.task_id not in ("", self._ledger.task_id):
            self._show(self._ledger.begin(message.task_id))
        splice_ns = nanoseconds_of(message.last_splice)
        self._show(self._ledger.accepted(message.task_id, int(message.last_sequence), splice_ns))
        committed = read_committed(message, self._joint_names)
        if committed is None or not self._wants_markers():
            return
        seam = self._seams.see(committed)
        if self._is_due("plan"):
            self._publish_plan(committed, seam if message.task_id else None, message)

    def _publish_plan(self, committed: Committed, seam: Any, message: ExecutorState) -> None:
        path = committed_path(committed)
        self._markers.publish(self._writer.committed(path, seam, message.header.stamp))

    def _on_joint_states(self, message: JointState) -> None:
        if not (self.active and self._wants_markers() and self._is_due("arm")):
            return
        by_name = dict(zip(message.name, message.position, strict=False))
        if all(name in by_name for name in self._joint_names):
            joints = np.array([by_name[name] for name in self._joint_names])
            if not np.isfinite(joints).all():
                return
            self._markers.publish(self._writer.arm(arm_points(joints), message.header.stamp))

    def _watch_task(self, message: ExecutorState) -> None:
        """Print the ledger when the executor leaves a task."""
        task = message.task_id if message.mode in _IN_TASK else ""
        ended, self._task = self._task, task
        if not ended or task == ended:
            return
        if self._wants_markers():
            self._markers.publish(self._writer.nothing(message.header.stamp))
        known = self._ledger.task_id == ended and self._ledger.rows()
        if self.values["table"] and known:
            self.get_logger().info(f"latency of task {ended}:\n{self._ledger.table()}")

    def _show(self, learnt: Sequence[Duration]) -> None:
        assert self._monitor is not None
        for duration in learnt:
            self._monitor.observe(duration.stage, duration.seconds)

    def _wants_markers(self) -> bool:
        return bool(self.values["markers"]) and self._markers.get_subscription_count() > 0

    def _is_due(self, name: str) -> bool:
        now_ns = self._now_ns()
        if 0 <= now_ns - self._shown_ns[name] < self._period_ns:
            return False
        self._shown_ns[name] = now_ns
        return True

    def _assess(self) -> Level:
        if not self.active:
            return OK, "inactive"
        return OK, "a task runs" if self._task else "no task"

    def _now_ns(self) -> int:
        return int(self.get_clock().now().nanoseconds)


def main() -> int:
    """Run the node until it is interrupted."""
    return run(ViewNode)


if __name__ == "__main__":
    sys.exit(main())
