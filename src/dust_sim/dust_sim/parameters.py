"""Parameters of the simulated cell and of the scripted expert (config/sim.yaml, expert.yaml)."""

from dust_node.parameters import Parameter
from dust_sim.objects import OBJECTS
from dust_sim.tasks import TASKS

CELL_PARAMETERS = (
    Parameter("task", "box_to_bowl", "Task of the start scene.", choices=tuple(TASKS)),
    Parameter("object", "blue_cube", "Object of the start scene.", choices=tuple(OBJECTS)),
    Parameter("seed", 0, "Seed of the start scene's placement.", low=0, high=2**31 - 1),
    Parameter("distractors", "", "Further objects in the start scene, separated by commas."),
    Parameter(
        "start_spread",
        0.0,
        "How often the arm starts near home, drawn by seed, instead of there.",
        "",
        0.0,
        1.0,
    ),
    Parameter(
        "start_astray",
        0.0,
        "How often, drawn by seed, the hand begins beside the object as if it had missed it.",
        "",
        0.0,
        1.0,
    ),
    Parameter(
        "real_time_factor",
        1.0,
        "Simulated time per wall time; other than 1 needs publish_clock.",
        low=0.05,
        high=50.0,
    ),
    Parameter(
        "publish_clock",
        False,
        "Publish /clock and stamp everything with simulated time (for use_sim_time in all nodes).",
    ),
    Parameter(
        "max_lag",
        1.0,
        "Longest stall that the simulation catches up with; what goes beyond is skipped.",
        "s",
        0.01,
        60.0,
    ),
    Parameter(
        "max_lead",
        0.1,
        "How far simulated time may run ahead of the executor's; 0: any. With publish_clock only.",
        "s",
        0.0,
        10.0,
    ),
    Parameter(
        "max_chunk_lead",
        0.0,
        "The same for the newest chunk while a task runs; the driver may then think long.",
        "s",
        0.0,
        10.0,
    ),
    Parameter(
        "patience",
        0.5,
        "Wall time after which a silent executor or chunk source is not waited for any more.",
        "s",
        0.1,
        60.0,
    ),
    Parameter("block", 5, "Simulation steps of 1 ms between two looks at the world.", "ms", 1, 20),
    Parameter("cameras", True, "Render and publish camera images."),
    Parameter("camera_rate", 15.0, "Image pairs per second.", "Hz", 1.0, 60.0),
    Parameter("width", 640, "Width of the images.", "px", 32, 1920),
    Parameter("height", 360, "Height of the images.", "px", 32, 1080),
    Parameter(
        "variation",
        0.0,
        "How much light, colours and cameras vary with the trial's seed; 0: as designed.",
        "",
        0.0,
        1.0,
    ),
    Parameter("shadows", False, "Render shadows (about three times the rendering time)."),
    Parameter("jpeg_quality", 90, "Quality of image/compressed.", "", 1, 100),
    Parameter("joint_state_rate", 100.0, "Rate of franka/joint_states.", "Hz", 1.0, 1000.0),
    Parameter("merged_joint_state_rate", 30.0, "Rate of joint_states.", "Hz", 1.0, 200.0),
    Parameter("controller_state_rate", 50.0, "Rate of controller_state.", "Hz", 1.0, 1000.0),
    Parameter("gripper_state_rate", 15.0, "Rate of the gripper's joint_states.", "Hz", 1.0, 200.0),
    Parameter("robot_state_rate", 10.0, "Rate of robot_state.", "Hz", 1.0, 200.0),
    Parameter("cell_state_rate", 20.0, "Rate of cell_state.", "Hz", 1.0, 200.0),
    Parameter(
        "interpolate_from_desired_state",
        True,
        "A trajectory that begins ahead of now starts from the last command.",
    ),
    Parameter(
        "allow_nonzero_velocity_at_trajectory_end",
        False,
        "Accept trajectories that do not end at rest.",
    ),
    Parameter("gripper.node", "franka_gripper", "Name of the gripper node that is stood in for."),
    Parameter(
        "viewer",
        "off",
        "MuJoCo's viewer window; auto: where there is a display.",
        choices=("auto", "on", "off"),
    ),
)
"""Parameters of the node dust_sim."""

EXPERT_PARAMETERS = (
    Parameter(
        "perturbation",
        0.0,
        "How much demonstrations vary by seed: detours, corrections, pauses; 0: none.",
        "",
        0.0,
        1.0,
    ),
    Parameter("chunk_rate", 5.0, "Chunks per second.", "Hz", 1.0, 30.0),
    Parameter("horizon", 16, "Actions per chunk.", "", 2, 100),
    Parameter("period", 1 / 15, "Time between two actions of a chunk.", "s", 0.005, 0.5),
    Parameter("state_timeout", 1.0, "Oldest state that is acted on.", "s", 0.05, 10.0),
    Parameter(
        "start_timeout",
        5.0,
        "Longest wait for a new task's first states.",
        "s",
        0.1,
        60.0,
    ),
    Parameter(
        "service_timeout", 2.0, "Longest wait for an answer of the executor.", "s", 0.1, 30.0
    ),
)
"""Parameters of the node dust_expert."""
