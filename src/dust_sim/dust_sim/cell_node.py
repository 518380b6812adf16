"""Node dust_sim: a Franka cell in MuJoCo with the topics of franka_ros2 and of the ZED wrapper."""

import time
from collections.abc import Callable
from typing import Any

from rclpy.clock import Clock as SteadyClock
from rclpy.clock import ClockType
from rclpy.publisher import Publisher
from rclpy.subscription import Subscription
from rosgraph_msgs.msg import Clock
from std_msgs.msg import String

from dust_msgs.msg import ActionChunk, ExecutorState
from dust_node.diagnostics import OK, WARN, Level, Monitor
from dust_node.errors import UserError
from dust_node.lifecycle import DustNode
from dust_node.qos import LATCHED, SENSOR
from dust_node.run import run
from dust_node.stamps import nanoseconds_of
from dust_sim import control_adapter, franka_adapter
from dust_sim.arm_action import FollowTrajectoryServer
from dust_sim.arm_topics import ArmTopics
from dust_sim.astray import Astray
from dust_sim.camera_topics import CameraTopics
from dust_sim.cell import Cell
from dust_sim.cell_services import CellServices
from dust_sim.clock import SimulationClock
from dust_sim.description import robot_description
from dust_sim.fr3 import ARM_JOINTS, HOME
from dust_sim.gripper_topics import GripperTopics
from dust_sim.messages import to_time
from dust_sim.pacer import Pacer
from dust_sim.parameters import CELL_PARAMETERS
from dust_sim.placement import Placement, place
from dust_sim.simulation import Simulation
from dust_sim.tether import Tether
from dust_sim.trajectory_controller import TrajectoryController
from dust_sim.viewer import Viewer, wants_viewer

_WITH_CHUNKS = (ExecutorState.RUNNING, ExecutorState.HOLDING)
_SLOW = 0.95  # share of the wanted real-time factor below which the machine is too slow


class CellNode(DustNode):
    """Keeps the simulation going and its interfaces together.

    Three threads work side by side::

        physics   block of steps -> publish what is due -> block ...
        render    snapshot -> images
        main      trajectories, actions, services, timers
    """

    parameters = CELL_PARAMETERS
    values: dict[str, Any]

    def __init__(self) -> None:
        self._parts: list[Any] = []
        self._pacer: Pacer | None = None
        self._clock_publisher: Publisher | None = None
        self._description: Publisher | None = None
        self._tethers: list[Tether] = []
        self._tied: list[Subscription] = []
        self._broken_by: Exception | None = None
        super().__init__("dust_sim")

    def setup(self) -> None:
        """Build the scene, open the renderer, make topics, services and actions."""
        self._check_clock()
        try:
            placement = self._placement()
            cell = Cell()
            astray = Astray(cell.model)
            placement = astray.lead(placement, self.values["start_astray"])
        except ValueError as error:
            raise UserError(str(error)) from error
        self._say_what_is_missing()
        self.monitor = self._keep(Monitor(self, self._assess))
        self._description = self.create_publisher(String, "robot_description", LATCHED)
        self._description.publish(String(data=robot_description()))
        self._simulation = self._make_simulation(cell, placement)
        self._arm = self._keep(ArmTopics(self, self._simulation))
        self._gripper = self._keep(GripperTopics(self, self._simulation))
        if control_adapter.actions:
            self._keep(FollowTrajectoryServer(self, self._simulation))
        self._cameras = self._open_cameras(cell)
        self._viewer = self._open_viewer(cell)
        self._cell = self._keep(CellServices(self, self._simulation, astray, self._on_reset))
        self._pacer = Pacer(
            self._simulation.clock,
            self._run_block,
            block=self.values["block"],
            on_error=self._note_break,
        )
        # Steady: without physics there is no /clock either.
        steady = SteadyClock(clock_type=ClockType.STEADY_TIME)
        self._watch = self.create_timer(0.1, self._raise_break, clock=steady)
        if self.values["publish_clock"]:
            self._clock_publisher = self.create_publisher(Clock, "/clock", 10)
            self._tie_clock()

    def start(self) -> None:
        """Let time pass."""
        assert self._pacer is not None
        self._pacer.start()
        self.get_logger().info(f"cell is up: {self._simulation.placement.instruction}")

    def stop(self) -> None:
        """Let time stand still."""
        assert self._pacer is not None
        self._pacer.stop()
        self._simulation.hold(f"{self.get_name()} was deactivated")

    def teardown(self) -> None:
        """Release threads, topics, services and actions."""
        while self._parts:
            self._parts.pop().close()
        if self._pacer is not None:
            self.destroy_timer(self._watch)
            self._pacer = None
        if self._clock_publisher is not None:
            self.destroy_publisher(self._clock_publisher)
            self._clock_publisher = None
        if self._description is not None:
            self.destroy_publisher(self._description)
            self._description = None
        while self._tied:
            self.destroy_subscription(self._tied.pop())
        self._tethers.clear()

    def _keep(self, part: Any) -> Any:
        self._parts.append(part)
        return part

    def _check_clock(self) -> None:
        if self.get_parameter("use_sim_time").value and not self.values["publish_clock"]:
            raise UserError("use_sim_time needs simulated time: set publish_clock to true")
        if self.values["real_time_factor"] != 1.0 and not self.values["publish_clock"]:
            raise UserError(
                f"real_time_factor is {self.values['real_time_factor']:g}: other than 1 needs "
                "publish_clock, and use_sim_time in all other nodes"
            )

    def _placement(self) -> Placement:
        names = [name.strip() for name in self.values["distractors"].split(",")]
        return place(
            self.values["task"],
            self.values["object"],
            self.values["seed"],
            distractors=tuple(name for name in names if name),
            start_spread=self.values["start_spread"],
        )

    def _make_simulation(self, cell: Cell, placement: Placement) -> Simulation:
        has_own_clock = self.values["publish_clock"]
        # A system clock that is set while others use /clock must not move simulated time.
        offset_ns = time.time_ns() - time.monotonic_ns()
        clock = SimulationClock(
            (lambda: offset_ns + time.monotonic_ns()) if has_own_clock else time.time_ns,
            factor=self.values["real_time_factor"],
            follows_wall=not has_own_clock,
            max_lag_ns=round(self.values["max_lag"] * 1e9),
        )
        controller = TrajectoryController(
            ARM_JOINTS,
            HOME,
            interpolate_from_desired_state=self.values["interpolate_from_desired_state"],
            allow_end_velocity=self.values["allow_nonzero_velocity_at_trajectory_end"],
        )
        return Simulation(cell, clock, controller, placement)

    def _say_what_is_missing(self) -> None:
        missing = [
            name
            for name, module in (
                ("control_msgs", control_adapter.actions),
                ("franka_msgs", franka_adapter.actions),
            )
            if module is None
        ]
        if missing:
            self.get_logger().info(
                f"{' and '.join(missing)} not installed: their topics and actions are served with "
                "dust_msgs types only"
            )

    def _open_cameras(self, cell: Cell) -> CameraTopics | None:
        if not self.values["cameras"]:
            return None
        try:
            return self._keep(CameraTopics(self, self._simulation, cell.model, self._note_break))
        except ValueError as error:
            raise UserError(f"{error}; or set cameras to false") from error

    def _open_viewer(self, cell: Cell) -> Viewer | None:
        if not wants_viewer(self.values["viewer"]):
            return None
        return self._keep(Viewer(cell.model, self.get_logger().warning))

    def _tie_clock(self) -> None:
        """Keep simulated time from running ahead of executor and chunks."""
        chunks = self._tie(ActionChunk, "action_chunk", self.values["max_chunk_lead"])

        def let_go(state: Any) -> None:
            # Without a task nobody sends chunks.
            if chunks is not None and state.mode not in _WITH_CHUNKS:
                chunks.let_go()

        self._tie(ExecutorState, "executor_state", self.values["max_lead"], let_go)

    def _tie(
        self, kind: Any, topic: str, lead_sec: float, hear: Callable[[Any], None] | None = None
    ) -> Tether | None:
        """Keep simulated time from running ahead of a topic's stamps; `hear` its messages too."""
        if lead_sec == 0.0:
            return None
        tether = Tether(round(lead_sec * 1e9), patience_sec=self.values["patience"])

        def note(message: Any) -> None:
            tether.note(nanoseconds_of(message.header.stamp))
            if hear is not None:
                hear(message)

        self._tethers.append(tether)
        self._tied.append(self.create_subscription(kind, topic, note, SENSOR))
        return tether

    def _run_block(self, steps: int) -> None:
        """Simulate and publish. Runs in the physics thread."""
        for tether in self._tethers:
            tether.wait(self._simulation.now_ns)
        self._simulation.advance(steps)
        now_ns = self._simulation.now_ns
        if self._clock_publisher is not None:
            self._clock_publisher.publish(Clock(clock=to_time(now_ns)))
        state = self._simulation.measure()
        self._arm.publish(state)
        self._gripper.publish(state)
        self._cell.publish()
        if self._cameras is not None:
            self._cameras.publish()
        if self._viewer is not None:
            self._viewer.publish(self._simulation.snapshot, now_ns)

    def _on_reset(self) -> None:
        if self._cameras is not None:
            self._cameras.forget()
        self.get_logger().info(f"reset: {self._simulation.placement.instruction}")

    def _assess(self) -> Level:
        clock = self._simulation.clock
        factor, wanted = clock.real_time_factor, self.values["real_time_factor"]
        self.monitor.set("real-time factor", f"{factor:.3f}")
        self.monitor.set("skipped time [s]", f"{clock.skipped_ns * 1e-9:.3f}")
        if self._cameras is not None:
            self.monitor.set("images left out", self._cameras.left_out)
        if not self.active:
            return OK, "not active"
        if self.values["publish_clock"]:
            return OK, f"running, {factor:.2f} times as fast as real time"
        if factor < _SLOW * wanted:
            text = f"cannot keep real time: factor {factor:.2f} instead of {wanted:g}"
            self.get_logger().warning(text, throttle_duration_sec=10.0)
            return WARN, text
        return OK, "running"

    def _note_break(self, error: Exception) -> None:
        self._broken_by = error

    def _raise_break(self) -> None:
        # A thread's error ends the process here, in the main thread, with its trace.
        if self._broken_by is not None:
            raise self._broken_by


def main() -> int:
    """Run the node as a program."""
    return run(CellNode)


if __name__ == "__main__":
    raise SystemExit(main())
