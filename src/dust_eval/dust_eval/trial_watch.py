"""Watch a trial in the running graph: what moved how, and how the chunks came."""

from __future__ import annotations

import threading

import numpy as np
from geometry_msgs.msg import Pose
from rclpy.node import Node
from rclpy.time import Time

from dust_eval.arm_watch import ArmWatch
from dust_eval.hand import FINGERS, JOINTS, WIDTH
from dust_eval.probe import Probe
from dust_eval.trace import Moment, Trace, join_moments
from dust_eval.trial import Flow
from dust_msgs.msg import CellState
from dust_node.fr3_kinematics import hand_position
from dust_node.qos import SENSOR

_UNKNOWN = (float("nan"),) * 3


class TrialWatch:
    """Listens between `begin` and the questions; make one per node and use it for every trial.

    Args:
        node: Node that subscribes; it is spun by someone else.
        arm: Follows the arm's joints and the executor.
    """

    def __init__(self, node: Node, arm: ArmWatch) -> None:
        self._arm = arm
        self._probe = Probe(node)
        self._lock = threading.Lock()
        self._moments: list[Moment] = []
        self._target = ""
        node.create_subscription(CellState, "dust_sim/cell_state", self._on_cell, SENSOR)

    def begin(self) -> None:
        """Forget what was; the trial begins now."""
        self._probe.begin()
        with self._lock:
            self._moments = []

    def trace(self) -> Trace | None:
        """Return what moved since `begin`; None where no simulated cell tells."""
        with self._lock:
            return join_moments(self._moments, target=self._target)

    def flow(self) -> Flow | None:
        """Return how chunks came since `begin`; None when there were too few to tell."""
        try:
            report = self._probe.report()
        except ValueError:
            return None
        factor = report.real_time_factor
        return Flow(
            chunk_rate=report.chunk_rate,
            latency_p50=report.latency_p50,
            latency_p95=report.latency_p95,
            underruns=report.underruns,
            rejected=report.rejected,
            real_time_factor=1.0 if factor != factor else factor,  # NaN: no cell
        )

    def _on_cell(self, state: CellState) -> None:
        positions = self._arm.positions
        hand = _UNKNOWN
        if all(name in positions for name in JOINTS):
            x, y, z = hand_position(np.array([positions[name] for name in JOINTS]))
            hand = (float(x), float(y), float(z))
        width = sum(positions.get(name, float("nan")) for name in FINGERS)
        moment = Moment(
            time=Time.from_msg(state.header.stamp).nanoseconds * 1e-9,
            hand=hand,
            opening=width / WIDTH,
            command=self._arm.gripper,
            poses={
                name: _values(pose) for name, pose in zip(state.names, state.poses, strict=True)
            },
        )
        with self._lock:
            self._target = state.target
            self._moments.append(moment)


def _values(pose: Pose) -> tuple[float, ...]:
    p, q = pose.position, pose.orientation
    return (p.x, p.y, p.z, q.w, q.x, q.y, q.z)
