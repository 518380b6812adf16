"""Parameters of the rehearsal; config/rehearsal.yaml shows the same."""

from dust_node.parameters import Parameter
from dust_view.fr3 import ARM_JOINTS

PARAMETERS = (
    Parameter("bag", "", "Recorded episode: a rosbag2 folder or a file; must be given."),
    Parameter("out", "", "Folder for report.json and commands.npz; empty: the table only."),
    Parameter("instruction", "", "What to do, in words; empty: as the bag says."),
    Parameter(
        "latency",
        0.15,
        "From an image to its chunk's arrival at the executor, in the time of the recording.",
        unit="s",
        low=0.0,
        high=0.9,
    ),
    Parameter(
        "start", 0.0, "Where to begin, after the episode's start.", unit="s", low=0.0, high=86400.0
    ),
    Parameter(
        "duration",
        0.0,
        "How much to rehearse; 0: to the episode's end.",
        unit="s",
        low=0.0,
        high=86400.0,
    ),
    Parameter(
        "startup",
        300.0,
        "Longest wait for the nodes to load their models, in wall time.",
        unit="s",
        low=1.0,
        high=3600.0,
    ),
    Parameter(
        "patience",
        60.0,
        "Longest wait for a node's answer, in wall time.",
        unit="s",
        low=1.0,
        high=3600.0,
    ),
    Parameter("views", ["wrist", "side"], "Names of the views."),
    Parameter(
        "image_topics",
        ["zed_wrist/zed_node/rgb/color/rect/image", "zed_side/zed_node/rgb/color/rect/image"],
        "Image topic of each view, without /compressed; as many as views.",
    ),
    Parameter("joint_names", list(ARM_JOINTS), "Arm joints, base first."),
)
