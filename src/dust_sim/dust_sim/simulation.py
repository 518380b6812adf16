"""The whole simulated cell without ROS: physics, controllers, faults and audit on one clock.

All methods may be called from any thread; one lock orders them. A call waits at most for the block
that is being stepped, about a millisecond.
"""

import threading
from dataclasses import dataclass

import numpy as np

from dust_sim.audit import AuditCounts, CommandAudit
from dust_sim.cell import BodyPose, Cell
from dust_sim.clock import STEP_NS, SimulationClock
from dust_sim.faults import Fault, FaultBoard, FaultRequest, JointStateFaults
from dust_sim.gripper import Command, Gripper, GripperGoal, GripperResult
from dust_sim.oracle import Verdict
from dust_sim.placement import Placement
from dust_sim.trajectory import Array, Knot
from dust_sim.trajectory_controller import RejectedError, TrajectoryController, TrajectoryRequest

REFLEX_ERROR = "cartesian_reflex"
"""Name of the error that the robot reports after a reflex."""

# What holds the arm by its brakes, the stronger one first, and what has to be done about it.
_WORDS = {
    Fault.USER_STOP: "the user stop; release it",
    Fault.REFLEX: "a reflex; recover it",
    Fault.CONTROLLER_OFF: "a controller that is off; switch it on",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """The robot at one instant.

    Attributes:
        stamp_ns: When. Unit: ns.
        positions: Arm joints, [7]. Unit: rad.
        velocities: Arm joints, [7]. Unit: rad/s.
        efforts: Arm joints without gravity compensation, [7]. Unit: N m.
        fingers: Positions of the fingers, [2]. Unit: m.
        finger_velocities: [2]. Unit: m/s.
        command: What the arm was told last.
        stopped_by: What holds the arm by its brakes, `reflex`, `user_stop` or
            `controller_off`; None: nothing does.
    """

    stamp_ns: int
    positions: Array
    velocities: Array
    efforts: Array
    fingers: Array
    finger_velocities: Array
    command: Knot
    stopped_by: Fault | None = None


class Simulation:
    """Steps the cell and answers for it.

    Args:
        cell: Physics.
        clock: Simulated time; advanced by `advance`.
        controller: Trajectory controller of the arm.
        placement: Start configuration.
    """

    def __init__(
        self,
        cell: Cell,
        clock: SimulationClock,
        controller: TrajectoryController,
        placement: Placement,
    ) -> None:
        self.clock = clock
        self._cell = cell
        self._controller = controller
        self._gripper = Gripper(placement.width)
        self._faults = FaultBoard()
        self._audit = CommandAudit()
        self._lock = threading.RLock()
        self._accepted = 0
        self._dropped = ""
        self.reset(placement)

    @property
    def now_ns(self) -> int:
        """Simulated time: when the next sample is commanded. Unit: ns."""
        return self.clock.now_ns

    @property
    def placement(self) -> Placement:
        """Start configuration of the present scene."""
        return self._placement

    def advance(self, steps: int) -> None:
        """Simulate that many milliseconds."""
        with self._lock:
            self._settle()
            self._apply_faults()
            times_ns = self.clock.now_ns + np.arange(steps, dtype=np.int64) * STEP_NS
            setpoints = self._controller.sample(
                times_ns, self._cell.joint_positions, self._cell.joint_velocities
            )
            if not self._cell.disabled:
                self._audit.add(setpoints.positions)
            width = self._gripper.reference(times_ns)
            self._cell.step(setpoints.positions, setpoints.velocities, width)
            self.clock.advance(steps)
            self._gripper.update(self.clock.now_ns, self._cell.width)

    def reset(self, placement: Placement) -> None:
        """Put the scene into a start configuration; every motion is dropped. Faults stay."""
        with self._lock:
            self._cell.reset(placement)
            self._placement = placement
            self._hold(np.array(placement.posture), "the cell was reset")
            self._gripper.reset(placement.width)

    def hold(self, why: str) -> None:
        """Drop the trajectory, and hold where the arm is."""
        with self._lock:
            self._hold(self._cell.joint_positions, why)

    def measure(self) -> Measured:
        """Return the robot's present state."""
        with self._lock:
            return Measured(
                self.clock.now_ns,
                self._cell.joint_positions,
                self._cell.joint_velocities,
                self._cell.joint_efforts,
                self._cell.finger_positions,
                self._cell.finger_velocities,
                self._controller.command,
                self._stopped_by(),
            )

    def snapshot(self) -> tuple[int, Array, Placement]:
        """Return time (ns), what a renderer needs to draw that moment, and whose trial it is."""
        with self._lock:
            return self.clock.now_ns, self._cell.snapshot(), self._placement

    def poses(self) -> tuple[int, dict[str, BodyPose]]:
        """Return time (ns) and the poses of all bodies in the scene."""
        with self._lock:
            return self.clock.now_ns, dict(self._cell.poses())

    def judge(self) -> Verdict:
        """Ask the success oracle about the scene as it is now."""
        with self._lock:
            return self._cell.judge()

    def accept(self, request: TrajectoryRequest) -> int:
        """Let the arm follow a trajectory from the next block on.

        Returns:
            Number of the trajectory, counted from 1; see `outcome`.

        Raises:
            RejectedError: The trajectory breaks a rule, or a reflex or user stop holds the arm.
        """
        with self._lock:
            # A fault that has just ended must not drop what comes now.
            self._apply_faults()
            if (fault := self._stopped_by()) is not None:
                raise RejectedError(_stop_text(fault))
            self._controller.accept(request, self.clock.outside_ns)
            self._accepted += 1
            self._dropped = ""
            return self._accepted

    def outcome(self, number: int) -> str | None:
        """Return why a trajectory was dropped, empty if it reached its end; None while it runs."""
        with self._lock:
            if number != self._accepted:
                return "preempted by a newer trajectory"
            return None if self._controller.is_moving(self.clock.now_ns) else self._dropped

    def grip(self, goal: GripperGoal) -> None:
        """Start a goal of the gripper.

        Raises:
            ValueError: Another goal runs, or a field is out of range.
        """
        with self._lock:
            self._gripper.begin(goal, self.clock.now_ns)
            if goal.command == Command.GRASP:
                self._cell.set_grasp_force(goal.force)

    def stop_gripper(self) -> None:
        """Stop the fingers where they are; the goal that runs fails."""
        with self._lock:
            self._gripper.stop()

    def take_gripper_result(self) -> GripperResult | None:
        """Return once how the gripper's last goal ended; None while it runs."""
        with self._lock:
            return self._gripper.take_result()

    def inject(self, request: FaultRequest) -> None:
        """Bring a fault about.

        Raises:
            ValueError: There is no such fault, or a field is out of range.
        """
        with self._lock:
            self._faults.inject(request, self.clock.now_ns)
            self._apply_faults()

    def recover(self) -> None:
        """End a reflex: the arm holds where it is and accepts trajectories again.

        Raises:
            ValueError: The user stop is pressed.
        """
        with self._lock:
            if self._stopped_by() == Fault.USER_STOP:
                raise ValueError(_stop_text(Fault.USER_STOP))
            self._faults.mend(Fault.REFLEX)
            self._apply_faults()

    def is_broken(self, fault: Fault, target: str = "") -> bool:
        """Return whether a part is broken now."""
        with self._lock:
            return self._faults.active(fault, self.clock.now_ns, target=target)

    def camera_delay(self, camera: str) -> float:
        """Return how late a camera's images are to come. Unit: s."""
        with self._lock:
            return self._faults.delay(camera, self.clock.now_ns)

    def joint_state_faults(self) -> JointStateFaults:
        """Return what is wrong with the joint states now."""
        with self._lock:
            return self._faults.joint_states(self.clock.now_ns)

    def take_audit(self, *, reset: bool) -> AuditCounts:
        """Return what the audit has counted since it was last reset."""
        with self._lock:
            counts = self._audit.counts.copy()
            if reset:
                self._audit.reset()
            return counts

    def _hold(self, position: Array, why: str) -> None:
        """Drop the trajectory, and hold a position [7], rad."""
        if self._controller.is_moving(self.clock.now_ns):
            self._dropped = why
        self._controller.hold(position)
        self._audit.interrupt()

    def _settle(self) -> None:
        """Go on as before where the clock was set back: other nodes stamp what they send by it."""
        back_ns = self.clock.settle()
        if back_ns:
            for part in (self._controller, self._gripper, self._faults):
                part.set_back(back_ns)

    def _stopped_by(self) -> Fault | None:
        now_ns = self.clock.now_ns
        return next((fault for fault in _WORDS if self._faults.active(fault, now_ns)), None)

    def _apply_faults(self) -> None:
        self._gripper.stuck = self._faults.active(Fault.GRIPPER_STUCK, self.clock.now_ns)
        fault = self._stopped_by()
        if (fault is not None) == self._cell.disabled:
            return
        # When nothing stops it any more there is nothing to drop either.
        self.hold(_stop_text(fault) if fault else "")
        if self._cell.disabled:
            self._cell.enable()
        else:
            self._cell.disable()


def _stop_text(fault: Fault) -> str:
    return f"the robot is stopped by {_WORDS[fault]} first"
