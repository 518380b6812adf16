"""Parameters of the node dust_teleop; config/teleop.yaml shows the same."""

from dust_demos.teleop import fr3
from dust_demos.teleop.clutch import Style
from dust_demos.teleop.leader import Engagement
from dust_node.parameters import Parameter

_GAMEPAD = {
    "axes.x": ("a1", "forwards"),
    "axes.y": ("a0", "to the left"),
    "axes.z": ("a3", "upwards"),
    "axes.roll": ("b14-b13", "turn about x"),
    "axes.pitch": ("b11-b12", "turn about y"),
    "axes.yaw": ("a2", "turn about z"),
    "buttons.clutch": ("b10", "the arm follows"),
    "buttons.gripper_toggle": ("b9", "open or close the hand"),
    "buttons.gripper_close": ("", "close the hand"),
    "buttons.gripper_open": ("", "open the hand"),
    "buttons.start": ("b6", "start an episode"),
    "buttons.success": ("b0", "end the episode: success"),
    "buttons.failure": ("b1", "end the episode: failure"),
    "buttons.discard": ("b4", "end the episode and throw it away"),
    "buttons.end": ("b3", "end the episode without a mark"),
}

_INPUT = (
    Parameter(
        "input",
        "joy",
        "What moves the arm: joy (sensor_msgs/Joy), twist (geometry_msgs/Twist, shares of full "
        "speed), leader (sensor_msgs/JointState of a leader arm).",
        choices=("joy", "twist", "leader"),
    ),
    Parameter("joy_topic", "joy", "Topic of the axes and buttons."),
    Parameter(
        "twist_topic",
        "franka_controller/target_cartesian_velocity_percent",
        "Topic of the twist, where that is the input.",
    ),
    Parameter(
        "leader_topic", "gello/joint_states", "Topic of the leader's joints, where that leads."
    ),
    Parameter(
        "opening_topic",
        "",
        "Topic of the wanted gripper opening (std_msgs/Float32, 0 closed to 1 open); empty: none.",
    ),
    Parameter(
        "input_timeout",
        0.5,
        "Longest silence of a device (real time); then the arm comes softly to rest.",
        "s",
        0.05,
        5.0,
    ),
    Parameter(
        "silent_when_still",
        False,
        "The device sends only while it is deflected or changes; its silence is no loss then.",
    ),
    Parameter(
        "clutch",
        "hold",
        "hold: the arm follows while the clutch button is held; toggle: from press to press; "
        "neutral: while the device is deflected, for devices that spring back.",
        choices=tuple(Style),
    ),
    *(Parameter(name, text, f"Control: {what}.") for name, (text, what) in _GAMEPAD.items()),
    Parameter("deadzone", 0.1, "Deflections up to it count as none.", "", 0.0, 0.9),
    Parameter("expo", 0.5, "0: proportional; 1: cubic, gentle around the middle.", "", 0.0, 1.0),
)

_MOTION = (
    Parameter("jog.frame", "base", "Whose directions the axes are.", choices=("base", "hand")),
    Parameter("jog.linear_speed", 0.15, "At full deflection.", "m/s", 0.005, 0.5),
    Parameter("jog.angular_speed", 0.6, "At full deflection.", "rad/s", 0.01, 2.0),
    Parameter("jog.linear_acceleration", 0.6, "Of the hand.", "m/s^2", 0.05, 2.0),
    Parameter("jog.angular_acceleration", 2.4, "Of the hand.", "rad/s^2", 0.1, 10.0),
    Parameter(
        "jog.box_lower",
        [0.2, -0.55, 0.01],
        "Where the hand may be: smallest x, y, z.",
        "m",
        -1.0,
        1.0,
    ),
    Parameter(
        "jog.box_upper", [0.8, 0.55, 0.8], "Where the hand may be: largest x, y, z.", "m", -1.0, 1.3
    ),
    Parameter("jog.elbow", 0.0, "Angle that joint 3 is led to.", "rad", -2.0, 2.0),
    Parameter(
        "leader.joint_names",
        list(fr3.ARM_JOINTS),
        "The leader's joints in the order of the arm's.",
    ),
    Parameter("leader.signs", [1.0] * 7, "Factor of each of the leader's joints.", "", -1.0, 1.0),
    Parameter(
        "leader.offsets", [0.0] * 7, "Added to each of the leader's joints.", "rad", -7.0, 7.0
    ),
    Parameter(
        "leader.engagement",
        "align",
        "align: the arm comes slowly to the leader first; offset: it follows from where it is.",
        choices=tuple(Engagement),
    ),
    Parameter("leader.align_speed", 0.3, "Highest joint speed while it comes.", "rad/s", 0.02, 1.0),
    Parameter(
        "leader.max_gap", 1.0, "Largest distance of a joint at which it comes.", "rad", 0.0, 6.0
    ),
    Parameter("leader.acceleration", 4.0, "Highest joint acceleration.", "rad/s^2", 0.1, 8.0),
    Parameter(
        "leader.finger_joint",
        "",
        "Joint in leader_topic that tells the leader's gripper; empty: none.",
    ),
    Parameter("leader.finger_open", 0.04, "Its position when open; closed is 0.", "m", 0.001, 3.0),
    Parameter("joint_names", list(fr3.ARM_JOINTS), "Arm joints, as the executor names them."),
    Parameter(
        "limits.lower", fr3.LOWER.tolist(), "Lower ends of the joints' ranges.", "rad", -7.0, 7.0
    ),
    Parameter(
        "limits.upper", fr3.UPPER.tolist(), "Upper ends of the joints' ranges.", "rad", -7.0, 7.0
    ),
    Parameter("limits.margin", 0.02, "Distance kept from these ends.", "rad", 0.0, 0.2),
    Parameter(
        "limits.speed", fr3.SPEED.tolist(), "Speed limits of the joints.", "rad/s", 0.01, 6.0
    ),
    Parameter("limits.speed_share", 0.5, "Share of them that is used.", "", 0.02, 0.9),
)

_CHUNKS = (
    Parameter("chunk.period", 1 / 15, "Time between two actions, and chunks.", "s", 0.02, 0.2),
    Parameter("chunk.horizon", 10, "Actions per chunk; the last ones rest.", "", 5, 64),
    Parameter(
        "chunk.lead",
        0.1,
        "Actions due before now + lead stay as announced; the executor's plan.lead or more.",
        "s",
        0.01,
        0.5,
    ),
    Parameter("service_timeout", 2.0, "Longest wait for an answer of a service.", "s", 0.1, 30.0),
)

_EPISODES = (
    Parameter("operator", "", "Who drives, as episodes tell it; empty: the login name."),
    Parameter(
        "instruction",
        "",
        "What is shown, in words; the topic teleop/instruction changes it, and a scene of the "
        "simulated cell brings its own.",
    ),
    Parameter(
        "outcome",
        "operator",
        "Who judges an episode that is ended without a mark: operator (it stays unknown), oracle "
        "(the simulated cell's).",
        choices=("operator", "oracle"),
    ),
    Parameter(
        "scenes",
        "",
        "Scenes that the simulated cell is reset to at the start of each episode, separated by "
        "commas, such as: box_to_bowl blue_cube 1000..1014 with sponge; empty: no reset.",
    ),
    Parameter("cell_node", "dust_sim", "Name of the simulated cell's node."),
)

PARAMETERS = _INPUT + _MOTION + _CHUNKS + _EPISODES
"""Parameters of the node dust_teleop."""
