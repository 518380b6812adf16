"""Parameters of the policy node; config/policy.yaml shows the same."""

from dust_node.parameters import Parameter

PARAMETERS = (
    Parameter("checkpoint", "", "Folder of the checkpoint; perception needs the same."),
    Parameter(
        "joint_names",
        [f"fr3_joint{i}" for i in range(1, 8)],
        "Arm joints of this robot; a checkpoint that was made for others is refused.",
    ),
    Parameter(
        "action_rate",
        15.0,
        "Actions per second that this robot follows; a checkpoint of another rate is refused.",
        unit="Hz",
        low=1.0,
        high=1000.0,
    ),
    Parameter(
        "action_steps",
        4,
        "Denoising steps of the actions, N_A. Can be changed while running.",
        low=1,
        high=64,
        read_only=False,
    ),
    Parameter(
        "vision_steps",
        4,
        "Denoising steps of the vision, N_o: a multiple of action_steps, or 0 to hold vision at "
        "noise. Can be changed while running.",
        low=0,
        high=1024,
        read_only=False,
    ),
    Parameter(
        "seed",
        -1,
        "Seed from which the noise of each chunk follows; -1: fresh noise.",
        low=-1,
        high=2**31 - 1,
    ),
    Parameter(
        "prefix",
        "none",
        "committed: a chunk begins with the actions that the executor has promised already, for "
        "checkpoints trained with a prefix; none: it is free.",
        choices=("none", "committed"),
    ),
    Parameter("prefix_limit", 7, "Longest prefix.", unit="actions", low=1, high=64),
    Parameter(
        "splice_lead",
        0.03,
        "Time from a chunk's publication until the executor follows it, added to the measured "
        "delay when the prefix is chosen.",
        unit="s",
        low=0.0,
        high=0.5,
    ),
    Parameter(
        "state_source",
        "observed",
        "State that the model gets. observed: at the time of the images; rolled_forward: at the "
        "end of the prefix, for checkpoints trained so.",
        choices=("observed", "rolled_forward"),
    ),
    Parameter(
        "gripper_joints",
        ["fr3_finger_joint1", "fr3_finger_joint2"],
        "Finger joints whose positions add up to the gripper's opening.",
    ),
    Parameter("gripper_width", 0.08, "Opening of the open gripper.", unit="m", low=0.001, high=1.0),
    Parameter(
        "max_feature_age",
        0.5,
        "Oldest observation that a chunk is made from.",
        unit="s",
        low=0.01,
        high=10.0,
    ),
    Parameter(
        "max_state_age",
        0.3,
        "Longest time between images and the joint states used with them.",
        unit="s",
        low=0.001,
        high=10.0,
    ),
    Parameter(
        "start_timeout",
        10.0,
        "Longest wait for the first features and joint states of a task.",
        unit="s",
        low=0.1,
        high=600.0,
    ),
    Parameter(
        "feature_timeout",
        2.0,
        "A task ends when usable features stay away for this long.",
        unit="s",
        low=0.1,
        high=60.0,
    ),
    Parameter(
        "state_timeout",
        1.0,
        "A task ends when usable joint states stay away for this long.",
        unit="s",
        low=0.1,
        high=60.0,
    ),
    Parameter(
        "executor_timeout",
        2.0,
        "Longest wait for the executor's answers and longest silence of its state.",
        unit="s",
        low=0.1,
        high=60.0,
    ),
    Parameter(
        "client_timeout",
        3.0,
        "A task ends when no action client was there for this long; 0: never.",
        unit="s",
        low=0.0,
        high=600.0,
    ),
    Parameter(
        "max_time_limit",
        3600.0,
        "Longest time limit that a goal may ask for.",
        unit="s",
        low=1.0,
        high=3600.0,
    ),
    Parameter(
        "feedback_rate", 5.0, "Rate of the action's feedback.", unit="Hz", low=0.1, high=20.0
    ),
    Parameter("device", "cpu", "Device of the network: cpu, cuda or cuda:<number>."),
    Parameter(
        "dtype",
        "auto",
        "Element type of the network; auto: bfloat16 on a GPU, float32 elsewhere.",
        choices=("auto", "float32", "bfloat16", "float16"),
    ),
    Parameter(
        "recorded",
        True,
        "Replay recordings of the denoising steps, CUDA graphs on a GPU; false runs them anew "
        "each time.",
    ),
    Parameter("threads", 1, "CPU threads of the network; 0: as torch chooses.", low=0, high=256),
)
