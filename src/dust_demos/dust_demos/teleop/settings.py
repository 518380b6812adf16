"""Parameter values as the settings of the parts."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dust_demos.teleop.controls import AXES, Button, Layout, Shape
from dust_demos.teleop.jog import Box, Jog, JogSettings
from dust_demos.teleop.leader import Engagement, Leader, LeaderSettings
from dust_demos.teleop.reference import Grid

Values = Mapping[str, Any]


def layout_from(values: Values) -> Layout:
    """Return which control means what.

    Raises:
        ValueError: A control's text is wrong.
    """
    names = [f"axes.{axis}" for axis in AXES] + [f"buttons.{button}" for button in Button]
    shape = Shape(values["deadzone"], values["expo"])
    return Layout.parse({name: values[name] for name in names}, shape)


def grid_from(values: Values) -> Grid:
    """Return how chunks are sampled.

    Raises:
        ValueError: They are too short to end at rest.
    """
    return Grid(values["chunk.period"], values["chunk.horizon"], values["chunk.lead"])


def driver_from(values: Values) -> Jog | Leader:
    """Return what turns the operator's motion into the arm's.

    Raises:
        ValueError: A list has not one number for each joint or side, or a range is empty.
    """
    for name in ("joint_names", "leader.joint_names", "leader.signs", "leader.offsets"):
        _check_size(values, name, 7)
    return _leader(values) if values["input"] == "leader" else _jog(values)


def _jog(values: Values) -> Jog:
    box = Box(np.array(values["jog.box_lower"]), np.array(values["jog.box_upper"]))
    return Jog(
        JogSettings(
            in_hand_frame=values["jog.frame"] == "hand",
            linear_speed=values["jog.linear_speed"],
            angular_speed=values["jog.angular_speed"],
            linear_acceleration=values["jog.linear_acceleration"],
            angular_acceleration=values["jog.angular_acceleration"],
            box=box,
            elbow=values["jog.elbow"],
            **_limits(values),
        )
    )


def _leader(values: Values) -> Leader:
    return Leader(
        LeaderSettings(
            engagement=Engagement(values["leader.engagement"]),
            align_speed=values["leader.align_speed"],
            max_gap=values["leader.max_gap"],
            acceleration=values["leader.acceleration"],
            **_limits(values),
        )
    )


def _limits(values: Values) -> dict[str, Any]:
    for name in ("limits.lower", "limits.upper", "limits.speed"):
        _check_size(values, name, 7)
    lower = np.array(values["limits.lower"]) + values["limits.margin"]
    upper = np.array(values["limits.upper"]) - values["limits.margin"]
    if np.any(lower >= upper):
        joint = values["joint_names"][int(np.argmax(lower >= upper))]
        raise ValueError(f"limits.lower and limits.upper leave no room for {joint}")
    speed = values["limits.speed_share"] * np.array(values["limits.speed"])
    return {"lower": lower, "upper": upper, "joint_speed": speed}


def _check_size(values: Values, name: str, size: int) -> None:
    if len(values[name]) != size:
        raise ValueError(f"parameter '{name}' has {len(values[name])} entries; it needs {size}")
