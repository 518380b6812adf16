"""Parameters of the perception node; config/perception.yaml shows the same."""

from dust_node.parameters import Parameter
from dust_perception.readers import CHOICES

PARAMETERS = (
    Parameter("checkpoint", "", "Folder of the checkpoint whose vision-language part encodes."),
    Parameter("views", ["wrist", "side"], "Names of the views; they must be the checkpoint's."),
    Parameter(
        "topics",
        ["zed_wrist/zed_node/rgb/color/rect/image", "zed_side/zed_node/rgb/color/rect/image"],
        "Image topic of each view, without /compressed.",
    ),
    Parameter(
        "frame_ids",
        ["zed_wrist_left_camera_frame_optical", "zed_side_left_camera_frame_optical"],
        "header.frame_id that each view's images must have, so that swapped cameras are noticed; "
        '"": any.',
    ),
    Parameter(
        "transport",
        "raw",
        "raw: sensor_msgs/Image; compressed: sensor_msgs/CompressedImage on <topic>/compressed.",
        choices=("raw", "compressed"),
    ),
    Parameter(
        "image_reliability",
        "best_effort",
        "Reliability asked of the cameras; reliable resends lost images, at the price of delay.",
        choices=("best_effort", "reliable"),
    ),
    Parameter(
        "image_reader",
        "auto",
        "Who decodes images; auto takes cv_bridge where it works, else NumPy.",
        choices=CHOICES,
    ),
    Parameter(
        "rate",
        0.0,
        "Highest rate of encoding; 0: with every new set of images.",
        unit="Hz",
        low=0.0,
        high=1000.0,
    ),
    Parameter(
        "max_age",
        0.25,
        "Oldest image that is used, seen from when its set is put together.",
        unit="s",
        low=0.001,
        high=10.0,
    ),
    Parameter(
        "max_skew",
        0.08,
        "Longest time between the images of one set.",
        unit="s",
        low=0.0,
        high=10.0,
    ),
    Parameter(
        "max_ahead",
        0.02,
        "How far an image may be stamped ahead of this node's clock.",
        unit="s",
        low=0.0,
        high=1.0,
    ),
    Parameter(
        "frozen_images",
        5,
        "How often the same picture has to come, while the arm moves, for a frozen camera; 0: no "
        "camera is taken for frozen.",
        low=0,
        high=1000,
    ),
    Parameter(
        "frozen_travel",
        0.1,
        "How far a joint of the arm has to move meanwhile.",
        unit="rad",
        low=0.01,
        high=3.0,
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
        "feature_dtype",
        "float16",
        "Element type of the published features.",
        choices=("float16", "float32"),
    ),
    Parameter("threads", 1, "CPU threads of the network; 0: as torch chooses.", low=0, high=256),
    Parameter(
        "share",
        0.5,
        "Largest share of the time that goes into encoding on a CPU; 1: all.",
        low=0.05,
        high=1.0,
    ),
)
