"""The simulated arm with the executor's core, on one clock that nobody else drives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dust_executor.core import Executor
from dust_executor.gripper import Grip
from dust_executor.modes import Mode
from dust_executor.parameters import settings_from
from dust_executor.quintic import NS, States, Times
from dust_executor.watchdog import JointState
from dust_sim.cell import Cell
from dust_sim.clock import STEP_NS, SimulationClock
from dust_sim.fr3 import ARM_JOINTS, HOME
from dust_sim.gripper import MAX_WIDTH, Command, GripperGoal
from dust_sim.placement import Placement
from dust_sim.simulation import Measured, Simulation
from dust_sim.trajectory_controller import (
    TrajectoryController,
    TrajectoryPoint,
    TrajectoryRequest,
)

_BEGIN_NS = 1_000 * NS  # any time but 0, which means "at once" in a trajectory's stamp
_TASK = "trial"
_HAND = ("width", "speed", "force")


class BareArm:
    """Cell and executor, stepped together.

    Args:
        cell: Physics; reset to the placement.
        placement: Start configuration.
        cell_values: Parameters of dust_sim.
        executor_values: Parameters of dust_executor.

    Attributes:
        simulation: The cell with its controllers.
        executor: The executor's core.
    """

    def __init__(
        self,
        cell: Cell,
        placement: Placement,
        *,
        cell_values: Mapping[str, Any],
        executor_values: Mapping[str, Any],
    ) -> None:
        clock = SimulationClock(lambda: _BEGIN_NS, follows_wall=False)
        controller = TrajectoryController(
            ARM_JOINTS,
            HOME,
            interpolate_from_desired_state=cell_values["interpolate_from_desired_state"],
            allow_end_velocity=cell_values["allow_nonzero_velocity_at_trajectory_end"],
        )
        self.simulation = Simulation(cell, clock, controller, placement)
        self.executor = Executor(
            settings_from(executor_values), clock=lambda: self.now_ns, publish=self._publish
        )
        self._values = executor_values
        self._tick_ns = round(NS / executor_values["rate"])
        self._block = int(cell_values["block"])
        self._next_ns = self.now_ns
        self._goal: int | None = None

    @property
    def now_ns(self) -> int:
        """Simulated time. Unit: ns."""
        return self.simulation.now_ns

    @property
    def stopped_by(self) -> str:
        """Why the executor stopped for cause; empty while it did not."""
        modes = self.executor.modes
        return modes.reason if modes.mode is Mode.STOPPED else ""

    @property
    def command(self) -> float:
        """Commanded opening of the hand now, 0 to 1; 1 before the first command."""
        return float(self.executor.committed(self.now_ns, samples=1, period=1.0)[1][0])

    def state(self) -> NDArray[np.float64]:
        """Return arm joints (rad) and the hand's opening in [0, 1], [8]."""
        measured = self.simulation.measure()
        return np.append(measured.positions, _opening(measured))

    def begin(self) -> None:
        """Start a task.

        Raises:
            RuntimeError: The executor refused.
        """
        self.pass_time(self.now_ns + self._tick_ns)
        success, refusal = self.executor.start_task(_TASK, _TASK)
        if not success:
            raise RuntimeError(f"the executor refused: {refusal}")

    def end(self) -> None:
        """End the task, unless the executor has stopped."""
        self.executor.end_task(_TASK)

    def pass_time(self, until_ns: int) -> None:
        """Simulate until that time; the executor looks around at its own rate."""
        while self.now_ns < until_ns:
            if self.now_ns >= self._next_ns:
                self._look()
                self._next_ns += self._tick_ns
            target_ns = min(until_ns, self._next_ns)
            steps = max(1, (target_ns - self.now_ns) // STEP_NS)
            self.simulation.advance(int(min(steps, self._block)))

    def take(self, chunk: Any) -> str:
        """Hand a chunk to the executor; return why it was rejected, else an empty text."""
        return self.executor.chunk(chunk)

    def _look(self) -> None:
        measured = self.simulation.measure()
        self.executor.joints(
            JointState(
                measured.stamp_ns,
                self.now_ns,
                measured.positions,
                measured.velocities,
                _opening(measured),
            )
        )
        if self._goal is not None and self.simulation.take_gripper_result() is not None:
            self.executor.gripper.finished(self._goal, reached=True)
            self._goal = None
        grip = self.executor.tick()
        if grip is not None:
            self._grip(grip)

    def _grip(self, grip: Grip) -> None:
        width, speed, force = (self._values[f"gripper.{name}"] for name in _HAND)
        # As the executor asks the simulated cell's hand, see gripper_clients.DustGripper.
        goal = GripperGoal(
            Command.MOVE if grip is Grip.OPEN else Command.GRASP,
            width=width if grip is Grip.OPEN else 0.0,
            speed=speed,
            force=force,
            epsilon_inner=0.0,
            epsilon_outer=width,
        )
        self._goal = self.executor.gripper.goals
        try:
            self.simulation.grip(goal)
        except ValueError:
            self.executor.gripper.finished(self._goal, reached=False)
            self._goal = None

    def _publish(self, times: Times, states: States) -> None:
        begin = int(times[0])
        points = [
            TrajectoryPoint(int(time) - begin, row[0], row[1], row[2])
            for time, row in zip(times, states, strict=True)
        ]
        self.simulation.accept(TrajectoryRequest(begin, ARM_JOINTS, points))


def _opening(measured: Measured) -> float:
    """Return the hand's opening in [0, 1]."""
    return float(np.clip(measured.fingers.sum() / MAX_WIDTH, 0.0, 1.0))
