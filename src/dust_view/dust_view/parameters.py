"""Parameters of the view node; config/view.yaml shows the same."""

from dust_node.parameters import Parameter
from dust_view.fr3 import ARM_JOINTS

PARAMETERS = (
    Parameter("joint_names", list(ARM_JOINTS), "Arm joints, base first."),
    Parameter("frame", "fr3_link0", "Frame of the markers: the robot's base."),
    Parameter("markers", True, "Publish markers, while somebody subscribes."),
    Parameter(
        "marker_rate",
        10.0,
        "Highest rate of the markers of plan and arm.",
        unit="Hz",
        low=0.5,
        high=60.0,
    ),
    Parameter("table", True, "Print the latency ledger when a task ends."),
)
