"""The policy node's parameters as one checked value."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from dust_model.devices import chosen
from dust_model.robot import RobotSpec
from dust_policy.schedule import Rules
from dust_policy.steps import check_steps
from dust_policy.task import Limits


@dataclass(frozen=True, slots=True)
class Settings:
    """Values of the node's parameters; names, units and ranges as in `parameters`.

    `surprise_action` is the parameter `surprise.action`, and so on.
    """

    checkpoint: str
    joint_names: list[str]
    action_rate: float
    action_steps: int
    vision_steps: int
    seed: int
    schedule: str
    schedule_margin: float
    schedule_surge: float
    schedule_patience: int
    continuation: str
    prefix_limit: int
    guidance: float
    blend_rate: float
    splice_lead: float
    sampling_time: float
    state_source: str
    gripper_joints: list[str]
    gripper_width: float
    max_feature_age: float
    max_state_age: float
    start_timeout: float
    feature_timeout: float
    state_timeout: float
    executor_timeout: float
    client_timeout: float
    max_time_limit: float
    feedback_rate: float
    device: str
    dtype: str
    recorded: bool
    threads: int
    surprise_action: str
    surprise_threshold: float
    surprise_debounce: int
    surprise_calibration: str

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """Pick the settings out of the node's parameter values.

        Raises:
            ValueError: The values do not fit each other.
        """
        own = {field.name: values[_parameter(field.name)] for field in fields(cls)}
        settings = cls(**{**own, "device": chosen(own["device"])})
        if not settings.checkpoint:
            raise ValueError(
                "parameter 'checkpoint' is empty: give the folder of a checkpoint "
                "(dust-init writes an untrained one)"
            )
        check_steps(settings.action_steps, settings.vision_steps)
        return settings

    def rules(self, robot: RobotSpec, *, reach: int, comfort: int) -> Rules:
        """Return what the schedule of a robot has to keep to.

        Args:
            robot: Gives horizon and period.
            reach: Latest action at which a chunk may take effect.
            comfort: Latest action at which one with more than the fewest steps may.
        """
        return Rules(
            span=(robot.horizon - 1) * robot.period,
            reach=reach * robot.period,
            comfort=comfort * robot.period,
            interval=robot.period,
            margin=self.schedule_margin,
            surge=self.schedule_surge,
            patience=self.schedule_patience,
        )

    def robot(self, known: RobotSpec) -> RobotSpec:
        """Return the robot of this node: `known` with this node's joints and rate.

        The views are perception's affair; horizon and units are what a checkpoint says.

        Raises:
            ValueError: The joint names are none, or one comes twice.
        """
        names = tuple(self.joint_names)
        units = known.units if len(names) == len(known.joint_names) else ()
        return replace(known, joint_names=names, period=1.0 / self.action_rate, units=units)

    @property
    def limits(self) -> Limits:
        """How long what may stay away during a task."""
        return Limits(
            start_ns=round(self.start_timeout * 1e9),
            features_ns=round(self.feature_timeout * 1e9),
            states_ns=round(self.state_timeout * 1e9),
            executor_ns=round(self.executor_timeout * 1e9),
            client_ns=round(self.client_timeout * 1e9),
        )


def _parameter(field: str) -> str:
    """Return the name of the parameter that a field holds."""
    group, _, name = field.partition("_")
    return f"surprise.{name}" if group == "surprise" else field
