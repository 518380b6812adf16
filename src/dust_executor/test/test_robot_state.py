"""franka_msgs where it is installed; elsewhere messages of the same field names."""

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

from dust_executor.robot_state import FrankaStates, error_names, franka_robot_state
from dust_msgs.msg import RobotState

needs_franka = pytest.mark.skipif(
    franka_robot_state() is None, reason="franka_msgs is not installed"
)
without_franka = pytest.mark.skipif(
    franka_robot_state() is not None, reason="franka_msgs is installed"
)


class Errors:
    """Three of the booleans of franka_msgs/Errors."""

    joint_reflex = True
    cartesian_reflex = False
    power_limit_violation = True

    @classmethod
    def get_fields_and_field_types(cls):
        return dict.fromkeys(
            ("joint_reflex", "cartesian_reflex", "power_limit_violation"), "boolean"
        )


@without_franka
def test_without_franka_msgs_there_is_nothing_to_hear(probe):
    states = FrankaStates(probe.node, "robot_state")
    assert not states.installed
    assert states.take() is None
    states.close()


@needs_franka
def test_with_franka_msgs_the_real_type_is_taken(probe):
    states = FrankaStates(probe.node, "franka_robot_state_broadcaster/robot_state")
    assert states.installed
    assert error_names(franka_robot_state()().current_errors) == []
    states.close()


def test_the_newest_state_is_taken(probe):
    publisher = probe.node.create_publisher(RobotState, "fast_state", 10)
    states = FrankaStates(probe.node, "fast_state", kind=RobotState)
    probe.wait(lambda: publisher.get_subscription_count() == 1)
    publisher.publish(RobotState(robot_mode=4))
    assert probe.wait(states.take).robot_mode == 4
    assert states.take() is None
    states.close()


def test_errors_that_are_set_are_named():
    assert error_names(Errors()) == ["joint_reflex", "power_limit_violation"]
