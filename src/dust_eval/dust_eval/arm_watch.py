"""Where the arm is, and where the executor thinks it is."""

import threading

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import JointState

from dust_msgs.msg import ExecutorState
from dust_node.qos import RELIABLE, SENSOR

TOLERANCE_RAD = 0.02
"""Largest distance per joint at which plan and measurement count as the same. Unit: rad."""


class ArmWatch:
    """Follow `joint_states` and `executor_state`.

    Attributes:
        measured: Set once the arm was measured since the last `forget`.
        planned: Set once the executor told its plan since the last `forget`.
        mode: Mode that the executor told last; see dust_msgs/ExecutorState.
        positions: Joint positions that were measured last, by name. Unit: rad; fingers: m.
        gripper: Opening of the hand that the executor has committed to now. Unit: 1; NaN: unknown.
    """

    def __init__(self, node: Node) -> None:
        self.measured = threading.Event()
        self.planned = threading.Event()
        self.mode = ExecutorState.IDLE
        self.positions: dict[str, float] = {}
        self.gripper = float("nan")
        self._plan: dict[str, float] = {}
        node.create_subscription(JointState, "joint_states", self._on_measured, SENSOR)
        node.create_subscription(ExecutorState, "executor_state", self._on_planned, RELIABLE)

    def forget(self) -> None:
        """Let only messages count that come from now on."""
        self.measured.clear()
        self.planned.clear()

    def agree(self, *, timeout_sec: float = 1.0) -> bool:
        """Wait for one more message of each; return whether plan and measurement are the same."""
        if not (self.measured.wait(timeout_sec) and self.planned.wait(timeout_sec)):
            return False
        plan, positions = self._plan, self.positions
        self.forget()
        if not plan or not plan.keys() <= positions.keys():
            return False
        gaps: NDArray[np.float64] = np.array([plan[name] - positions[name] for name in plan])
        return bool(np.max(np.abs(gaps)) < TOLERANCE_RAD)

    def _on_measured(self, state: JointState) -> None:
        self.positions = dict(zip(state.name, state.position, strict=False))
        self.measured.set()

    def _on_planned(self, state: ExecutorState) -> None:
        # The first sample of the committed plan is where the arm should be now.
        self._plan = dict(zip(state.joint_names, state.positions, strict=False))
        self.gripper = float(state.gripper[0]) if len(state.gripper) else float("nan")
        self.mode = state.mode
        self.planned.set()
