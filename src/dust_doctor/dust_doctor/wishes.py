"""What the machine is to do, and what it is held to: pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Robot(StrEnum):
    """The arm, as the launch argument `robot` names it."""

    SIM = "sim"
    FR3 = "fr3"


class Machine(StrEnum):
    """Which half of the graph runs here, as the launch argument `machine` names it."""

    ALL = "all"
    ROBOT = "robot"
    GPU = "gpu"


IMAGE_TOPICS = {
    "wrist": "zed_wrist/zed_node/rgb/color/rect/image",
    "side": "zed_side/zed_node/rgb/color/rect/image",
}
"""Image topic of each view, without /compressed."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is asked for.

    Attributes:
        robot: The arm.
        machine: What runs here.
        checkpoint: Folder of the policy's checkpoint; None: none is looked at.
        device: Device that the policy is to run on: auto, cpu or cuda.
        record: Folder that episodes are recorded into; None: none is looked at.
        hours: How long is to be recorded. Unit: h.
        image_topics: Image topic of each view.
        image_bytes: Size of one image where none was seen. Unit: bytes.
        camera_rate: Images per second that each camera should deliver. Unit: Hz.
        min_success_rate: Least share of control commands that reach the arm. Range: 0 to 1.
    """

    robot: Robot = Robot.SIM
    machine: Machine = Machine.ALL
    checkpoint: Path | None = None
    device: str = "auto"
    record: Path | None = None
    hours: float = 1.0
    image_topics: Mapping[str, str] = field(default_factory=lambda: dict(IMAGE_TOPICS))
    image_bytes: int = 640 * 360 * 4
    camera_rate: float = 15.0
    min_success_rate: float = 0.95

    @property
    def drives_arm(self) -> bool:
        """Whether a real arm's control loop runs on this machine."""
        return self.robot is Robot.FR3 and self.machine is not Machine.GPU

    @property
    def has_cameras(self) -> bool:
        """Whether real cameras are plugged into this machine."""
        return self.robot is Robot.FR3 and self.machine is not Machine.ROBOT

    @property
    def shares_time(self) -> bool:
        """Whether another machine must have the same time."""
        return self.machine is not Machine.ALL
