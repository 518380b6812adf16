"""Parameters of what the executor says to a real robot beside trajectories, and of its output."""

from dust_node.parameters import Parameter

OUTPUTS = ("joint_trajectory", "joint_target")
"""Values of output."""

HOME_INTERFACES = ("auto", "action", "topic")
"""Values of home.interface."""

HOME = [0.0, -0.7854, 0.0, -2.3562, 0.0, 1.5708, 0.7854]
"""Franka's own ready posture. [J], rad."""

_OUTPUT = (
    Parameter(
        "output",
        "joint_trajectory",
        "What the arm is driven with: trajectories, or single targets for crisp_controllers.",
        choices=OUTPUTS,
    ),
    Parameter("target.topic", "target_joint", "Topic of single targets."),
    Parameter("target.rate", 100.0, "Rate of single targets.", unit="Hz", low=20.0, high=250.0),
)

_ROBOT = (
    Parameter(
        "robot.state_topic",
        "franka_robot_state_broadcaster/robot_state",
        "FrankaRobotState, looked at where franka_msgs is installed.",
    ),
    Parameter("robot.state_timeout", 1.0, "Oldest such state.", unit="s", low=0.1, high=60.0),
    Parameter(
        "robot.min_success_rate",
        0.9,
        "Share of control commands that must reach the arm; 0: any.",
        low=0.0,
        high=1.0,
    ),
    Parameter("robot.warn_success_rate", 0.95, "Share below which to warn.", low=0.0, high=1.0),
    Parameter(
        "robot.success_time", 0.5, "How long it may be below.", unit="s", low=0.05, high=10.0
    ),
    Parameter(
        "robot.recovery",
        "action_server/error_recovery",
        "Action franka_msgs/ErrorRecovery; used on request only.",
    ),
)

_HOME = (
    Parameter("home.positions", HOME, "Where ~/home brings the arm.", unit="rad"),
    Parameter("home.speed_share", 0.2, "Share of the speed limits.", low=0.01, high=0.5),
    Parameter(
        "home.interface",
        "auto",
        "How it is sent; auto: by the controller's action where control_msgs is installed.",
        choices=HOME_INTERFACES,
    ),
)

ROBOT_PARAMETERS = (*_OUTPUT, *_ROBOT, *_HOME)
"""Rows for the node's list."""
