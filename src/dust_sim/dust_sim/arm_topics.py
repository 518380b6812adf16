"""The arm's side of franka_ros2: joint states, robot state, trajectory controller."""

from typing import Any

from rclpy.node import Node
from rclpy.publisher import Publisher
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory

from dust_msgs.msg import RobotState
from dust_node.qos import RELIABLE
from dust_sim import control_adapter, franka_adapter
from dust_sim.faults import Fault
from dust_sim.fr3 import ARM_JOINTS, FINGER_JOINTS
from dust_sim.joint_states import JointRow, JointStateFeed, joined
from dust_sim.messages import from_trajectory, to_joint_state, to_point, to_time
from dust_sim.schedule import Schedule
from dust_sim.simulation import REFLEX_ERROR, Measured, Simulation
from dust_sim.trajectory_controller import RejectedError

CONTROLLER = "fr3_arm_controller"

_ROBOT_MODES = {
    None: RobotState.MOVE,
    Fault.REFLEX: RobotState.REFLEX,
    Fault.USER_STOP: RobotState.USER_STOPPED,
    Fault.CONTROLLER_OFF: RobotState.IDLE,
}


def joint_state_feed(publisher: Publisher) -> JointStateFeed:
    """Return a feed that publishes rows as messages."""

    def send(row: JointRow) -> None:
        publisher.publish(
            to_joint_state(row.stamp_ns, row.names, row.positions, row.velocities, row.efforts)
        )

    return JointStateFeed(send)


def finger_row(state: Measured) -> JointRow:
    """Return the fingers' part of the measured state."""
    return JointRow(state.stamp_ns, FINGER_JOINTS, state.fingers, state.finger_velocities)


class ArmTopics:
    """Publishes the arm's states and takes trajectories.

    Args:
        node: Node that owns the topics; has checked parameter values in `values`.
        simulation: The cell.
    """

    def __init__(self, node: Any, simulation: Simulation) -> None:
        self._node: Node = node
        self._simulation = simulation
        self._schedules = {
            name: Schedule(node.values[name])
            for name in (
                "joint_state_rate",
                "merged_joint_state_rate",
                "controller_state_rate",
                "robot_state_rate",
            )
        }
        self._stopped_by: Fault | None = None
        self._arm = node.create_publisher(JointState, "franka/joint_states", RELIABLE)
        self._merged = node.create_publisher(JointState, "joint_states", RELIABLE)
        self._feeds = {
            "joint_state_rate": joint_state_feed(self._arm),
            "merged_joint_state_rate": joint_state_feed(self._merged),
        }
        self._controller = node.create_publisher(
            control_adapter.State, f"{CONTROLLER}/controller_state", RELIABLE
        )
        self._robot = node.create_publisher(RobotState, "robot_state", RELIABLE)
        self._franka_robot: Any = None
        if franka_adapter.messages:
            self._franka_robot = node.create_publisher(
                franka_adapter.messages.FrankaRobotState,
                "franka_robot_state_broadcaster/robot_state",
                RELIABLE,
            )
        self._subscription = node.create_subscription(
            JointTrajectory, f"{CONTROLLER}/joint_trajectory", self._take, RELIABLE
        )

    def publish(self, state: Measured) -> None:
        """Publish what is due. Called after every block, in the physics thread."""
        due = {name for name, schedule in self._schedules.items() if schedule.due(state.stamp_ns)}
        self._publish_joints(state, due)
        if "controller_state_rate" in due:
            self._publish_controller(state)
        if "robot_state_rate" in due or state.stopped_by != self._stopped_by:
            self._publish_robot(state)
        self._stopped_by = state.stopped_by

    def close(self) -> None:
        """Release the topics."""
        self._node.destroy_subscription(self._subscription)
        publishers = (self._arm, self._merged, self._controller, self._robot, self._franka_robot)
        for publisher in publishers:
            if publisher is not None:
                self._node.destroy_publisher(publisher)

    def _publish_joints(self, state: Measured, due: set[str]) -> None:
        feeds = {name: feed for name, feed in self._feeds.items() if name in due}
        if not feeds:
            return
        faults = self._simulation.joint_state_faults()
        arm = JointRow(state.stamp_ns, ARM_JOINTS, state.positions, state.velocities, state.efforts)
        for name, feed in feeds.items():
            is_merged = name == "merged_joint_state_rate"
            feed.publish(joined(arm, finger_row(state)) if is_merged else arm, faults)

    def _publish_controller(self, state: Measured) -> None:
        command = state.command
        message = control_adapter.to_state(
            to_time(state.stamp_ns),
            ARM_JOINTS,
            to_point(command.position, command.velocity, command.acceleration),
            to_point(state.positions, state.velocities),
            to_point(command.position - state.positions, command.velocity - state.velocities),
        )
        self._controller.publish(message)

    def _publish_robot(self, state: Measured) -> None:
        mode = _ROBOT_MODES[state.stopped_by]
        errors = [REFLEX_ERROR] if state.stopped_by == Fault.REFLEX else []
        success = 1.0 if state.stopped_by is None else 0.0
        message = RobotState(robot_mode=mode, errors=errors, control_command_success_rate=success)
        message.header.stamp = to_time(state.stamp_ns)
        self._robot.publish(message)
        if franka_adapter.messages:
            self._franka_robot.publish(
                franka_adapter.to_robot_state(
                    franka_adapter.messages.FrankaRobotState,
                    message.header.stamp,
                    mode,
                    errors,
                    success,
                )
            )

    def _take(self, message: JointTrajectory) -> None:
        if not self._node.active:  # type: ignore[attr-defined]
            reason = "the controller is not active"
        else:
            try:
                self._simulation.accept(from_trajectory(message))
                return
            except RejectedError as error:
                reason = str(error)
        self._node.get_logger().warning(f"trajectory rejected: {reason}", throttle_duration_sec=1.0)
