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
        "noise; with schedule: auto the most that are taken. Heads without vision take 0, those "
        "that learned with one noise level need action_steps. Can be changed while running.",
        low=0,
        high=1024,
        read_only=False,
    ),
    Parameter(
        "schedule",
        "fixed",
        "fixed: each chunk takes vision_steps; auto: as many up to that as there is time for, "
        "down to none, and no chunk at all that would come too late for anything.",
        choices=("fixed", "auto"),
    ),
    Parameter(
        "schedule_margin",
        0.03,
        "Time that auto keeps free before the executor's actions run out.",
        unit="s",
        low=0.0,
        high=1.0,
    ),
    Parameter(
        "schedule_surge",
        4.0,
        "How many times longer than expected a chunk of more than action_steps vision steps may "
        "take before the arm would come to rest.",
        low=1.0,
        high=20.0,
    ),
    Parameter(
        "schedule_patience",
        5,
        "Consecutive chunks for which there must have been time for more steps before auto takes "
        "more.",
        unit="chunks",
        low=1,
        high=100,
    ),
    Parameter(
        "seed",
        -1,
        "Seed from which the noise of each chunk follows; -1: fresh noise.",
        low=-1,
        high=2**31 - 1,
    ),
    Parameter(
        "continuation",
        "auto",
        "How a chunk goes on from what the executor has promised. prefix: it begins with that, for "
        "checkpoints trained with a prefix; guided: gradients steer it there (RTC); blend: it "
        "starts from there; none: it is free; auto: prefix, and blend for chunks that take longer "
        "than that lasts, if the checkpoint was trained so, else none.",
        choices=("none", "prefix", "guided", "blend", "auto"),
    ),
    Parameter(
        "prefix_limit",
        7,
        "Longest prefix; never more than the checkpoint was trained with.",
        unit="actions",
        low=1,
        high=64,
    ),
    Parameter(
        "guidance",
        5.0,
        "Largest weight of the guidance by the plan, beta; never more than action_steps.",
        low=0.0,
        high=100.0,
    ),
    Parameter(
        "blend_rate",
        1.5,
        "How steeply a blended chunk leaves the plan: action u of the rest of the plan, 0 to 1, "
        "moves with 1 - exp(-rate u) of its velocity.",
        low=0.1,
        high=20.0,
    ),
    Parameter(
        "splice_lead",
        0.1,
        "Time from a chunk's publication until the executor follows it, until it has been "
        "measured.",
        unit="s",
        low=0.0,
        high=0.5,
    ),
    Parameter(
        "sampling_time",
        -1.0,
        "How long sampling is expected to take by the node's clock; negative: as measured. For a "
        "clock that stands still meanwhile.",
        unit="s",
        low=-1.0,
        high=10.0,
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
        "Longest time between images and the nearest of the joint states used with them.",
        unit="s",
        low=0.001,
        high=10.0,
    ),
    Parameter(
        "start_timeout",
        10.0,
        "Longest wait for features and joint states before a task starts; a rehearsal does not "
        "count.",
        unit="s",
        low=0.1,
        high=600.0,
    ),
    Parameter(
        "feature_timeout",
        1.0,
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
    Parameter(
        "device",
        "cpu",
        "Device of the network: cpu, cuda, cuda:<number>, or auto: cuda where there is one.",
    ),
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
    Parameter(
        "surprise.action",
        "flag",
        "What happens when the future differs too much from what was predicted. ignore: nothing; "
        "flag: a warning; pause: the task waits for dust_policy/resume; end: the task ends.",
        choices=("ignore", "flag", "pause", "end"),
    ),
    Parameter(
        "surprise.threshold",
        0.0,
        "Score above which it counts; 0: take the calibration.",
        low=0.0,
        high=100.0,
    ),
    Parameter(
        "surprise.debounce",
        3,
        "Consecutive scores above the threshold that make a surprise.",
        unit="scores",
        low=1,
        high=100,
    ),
    Parameter(
        "surprise.calibration",
        "",
        "File that dust-calibrate-surprise wrote; empty: scores are published, none counts.",
    ),
)
