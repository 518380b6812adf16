"""What a checkpoint was made for: cameras, joints, rate."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from dust_model.config import require

JOINT_UNIT = "rad"
GRIPPER_UNIT = "opening"


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotSpec:
    """The robot that a checkpoint sees and moves.

    State and action columns are alike: one joint position each in the order of `joint_names`
    (rad), then the gripper opening in [0, 1], 1 = open. Action i of a chunk is the commanded
    position `i * period` seconds after the observation.

    Attributes:
        views: camera names in the order in which the model sees them.
        primary_view: the view whose future embedding the world model predicts.
        joint_names: arm joints, one column each.
        horizon: actions in a chunk, k in the paper.
        period: time between two actions in s.
        units: unit of each column of state and action, the joints' and then the gripper's. Left
            empty: "rad" for every joint and "opening" for the gripper, 0 closed to 1 open.
        embodiment: slot of the head's encoders and decoder that belongs to this robot.
    """

    views: tuple[str, ...] = ("wrist", "side")
    primary_view: str = "side"
    joint_names: tuple[str, ...] = tuple(f"fr3_joint{i}" for i in range(1, 8))
    horizon: int = 16
    period: float = 1 / 15
    units: tuple[str, ...] = ()
    embodiment: int = 0

    def __post_init__(self) -> None:
        require(bool(self.views), "views must name at least one camera, got none")
        for kind in ("views", "joint_names"):
            names = getattr(self, kind)
            require(len(set(names)) == len(names), f"{kind} has a name twice: {', '.join(names)}")
        require(
            self.primary_view in self.views,
            f"primary_view {self.primary_view!r} is not among the views {', '.join(self.views)}",
        )
        require(bool(self.joint_names), "joint_names must name at least one joint, got none")
        require(self.horizon >= 1, f"horizon must be >= 1, got {self.horizon}")
        require(0 < self.period <= 1, f"period must lie in (0, 1] s, got {self.period}")
        if not self.units:
            units = (*(JOINT_UNIT,) * len(self.joint_names), GRIPPER_UNIT)
            object.__setattr__(self, "units", units)
        require(
            len(self.units) == self.state_dim,
            f"units must name one for each of {self.state_dim} columns, got {len(self.units)}",
        )
        require(self.embodiment >= 0, f"embodiment must be >= 0, got {self.embodiment}")

    @property
    def state_dim(self) -> int:
        """Columns of a state: the joints and the gripper."""
        return len(self.joint_names) + 1

    @property
    def action_dim(self) -> int:
        """Columns of an action: the joints and the gripper."""
        return len(self.joint_names) + 1

    @property
    def primary_index(self) -> int:
        """Where the primary view stands among the views."""
        return self.views.index(self.primary_view)

    def differences(self, other: RobotSpec) -> list[str]:
        """Name in what this robot differs from `other`, such as "period 0.05 instead of 0.1"."""
        # The slot is the checkpoint's affair: no robot knows its own.
        names = [field.name for field in fields(self) if field.name != "embodiment"]
        return [
            f"{name} {_text(getattr(self, name))} instead of {_text(getattr(other, name))}"
            for name in names
            if not _alike(getattr(self, name), getattr(other, name))
        ]


def _alike(mine: object, its: object) -> bool:
    if isinstance(mine, float) and isinstance(its, float):
        return math.isclose(mine, its, rel_tol=1e-6)  # 1 / 15 may have been written as 0.0666667
    return mine == its


def _text(value: object) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)
