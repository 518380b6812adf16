"""Parameters of the executor node, and the settings they make."""

from collections.abc import Mapping
from typing import Any

from dust_executor.chunk import ChunkRules
from dust_executor.gripper import GripperSettings
from dust_executor.lead import LeadSettings
from dust_executor.limits import SETS, Limits, Shares, named
from dust_executor.merge import Merge, MergeSettings, PrefixLate
from dust_executor.planner import PlanSettings
from dust_executor.robot_parameters import ROBOT_PARAMETERS
from dust_executor.settings import Settings
from dust_executor.watchdog import WatchdogSettings
from dust_executor.workspace import WorkspaceSettings
from dust_node.errors import UserError
from dust_node.parameters import Parameter, Value

CUSTOM = "custom"
"""Value of limits.set that takes the limits from the lists beside it."""

INTERFACES = ("auto", "franka", "gripper_command", "dust", "none")
"""Values of gripper.interface."""

FEEDBACKS = ("auto", "always", "never")
"""Values of controller.feedback."""

_FR3 = named("fr3_rectangular")
_NO_EFFECT = [0.0] * 7


def _row(
    name: str, default: Value, text: str, unit: str, low: float | None, high: float | None
) -> Parameter:
    return Parameter(name, default, text, unit=unit, low=low, high=high)


def _custom(name: str, unit: str, low: float | None = None) -> Parameter:
    text = f"Limit of each joint where limits.set is {CUSTOM}."
    return _row(f"limits.{name}", getattr(_FR3, name).tolist(), text, unit, low, None)


def _position_dependent(name: str, unit: str) -> Parameter:
    text = f"Of the position-dependent speed limit where limits.set is {CUSTOM}; 0: none."
    return _row(f"limits.{name}", _NO_EFFECT, text, unit, 0.0, None)


_ROBOT = (
    Parameter(
        "joint_names",
        [f"fr3_joint{index}" for index in range(1, 8)],
        "Arm joints in the order of the plan.",
    ),
    _row("rate", 30.0, "Rate of executor_state and of the watchdogs.", "Hz", 10.0, 100.0),
    _row("state_samples", 16, "Committed samples in executor_state.", "", 1, 64),
)

_LIMITS = (
    Parameter(
        "limits.set",
        "fr3_rectangular",
        "Joint limits; custom takes the lists below.",
        choices=(*SETS, CUSTOM),
    ),
    _custom("lower", "rad"),
    _custom("upper", "rad"),
    _custom("velocity", "rad/s", 0.0),
    _custom("acceleration", "rad/s^2", 0.0),
    _custom("jerk", "rad/s^3", 0.0),
    _position_dependent("velocity_offset", "rad/s"),
    _position_dependent("deceleration", "rad/s^2"),
    _row("limits.velocity_share", 0.9, "Share of the speed limits planned with.", "", 0.05, 0.95),
    _row(
        "limits.acceleration_share",
        0.8,
        "Share of the acceleration limits planned with.",
        "",
        0.05,
        0.95,
    ),
    _row("limits.jerk_share", 0.2, "Share of the jerk limits planned with.", "", 0.01, 0.8),
)

_CHUNK = (
    _row("chunk.max_horizon", 64, "Most actions in a chunk.", "", 1, 1000),
    _row("chunk.max_span", 5.0, "Longest time from first to last action.", "s", 0.1, 30.0),
    _row("chunk.max_age", 1.0, "Oldest observation that may be acted on.", "s", 0.05, 10.0),
    _row("chunk.max_lead", 0.05, "How far a stamp may lie in the future.", "s", 0.0, 1.0),
)

_MERGE = (
    Parameter(
        "plan.merge",
        Merge.AUTO.value,
        "What the arm follows where chunks overlap; auto: prefix for chunks sampled so.",
        choices=tuple(Merge),
    ),
    Parameter(
        "plan.prefix_late",
        PrefixLate.DROP.value,
        "What becomes of a chunk that came too late for its prefix.",
        choices=tuple(PrefixLate),
    ),
    _row(
        "plan.prefix_tolerance", 0.01, "A prefix this close is the plan's own.", "rad", 0.0001, 0.2
    ),
    _row("plan.ensemble_decay", 0.01, "m of the weights exp(-m i), oldest i = 0.", "", 0.0, 10.0),
    _row(
        "plan.execute_actions",
        0,
        "Actions of a chunk executed open loop; 0: all of them, with merge auto none.",
        "",
        0,
        1000,
    ),
)

_PLAN = (
    _row("plan.lead", 0.08, "Least time from a chunk's arrival to the splice.", "s", 0.01, 0.5),
    _row("plan.lead_max", 0.25, "Most of it, however slow the machine is.", "s", 0.01, 0.5),
    _row("plan.transport", 0.05, "Of the lead: time for the way to the controller.", "s", 0.0, 0.4),
    _row("plan.overlap", 0.04, "How far before now trajectories begin.", "s", 0.0, 0.5),
    _row("plan.blend", 0.2, "Time over which the old path fades out.", "s", 0.02, 2.0),
    _row("plan.min_actions", 2, "Fewest actions due after the splice.", "", 1, 64),
    _row("plan.knot_period", 0.02, "Distance of knots that ruckig makes.", "s", 0.005, 0.1),
    _row("plan.agreement", 1e-4, "Actions this close to the plan leave it.", "rad", 0.0, 0.01),
    _row("plan.position_margin", 0.01, "Distance of targets from the limits.", "rad", 0.0, 0.2),
    _row("plan.tail", 0.3, "Preferred duration of the braking tail.", "s", 0.1, 1.0),
    _row("plan.longest_tail", 0.45, "Longest duration of the braking tail.", "s", 0.1, 2.0),
    _row("plan.settle", 0.2, "Time to reach the first plan's start.", "s", 0.05, 2.0),
    _row("plan.start_tolerance", 0.02, "A plan this close is gone on with.", "rad", 0.0, 0.2),
)

_CONTROLLER = (
    Parameter(
        "controller.feedback",
        "auto",
        "Compare controller_state with the plan; auto: where it comes too fast, only the newest.",
        choices=FEEDBACKS,
    ),
)

_WORKSPACE = (
    Parameter(
        "workspace.enabled", False, "Keep the point between the finger tips in a box, at a speed."
    ),
    Parameter(
        "workspace.lower", [0.1, -0.6, 0.01], "Smallest x, y, z in the base frame.", unit="m"
    ),
    Parameter("workspace.upper", [0.8, 0.6, 0.9], "Largest x, y, z in the base frame.", unit="m"),
    _row("workspace.speed", 1.0, "Largest speed.", "m/s", 0.05, 5.0),
)

_WATCHDOG = (
    _row("watchdog.chunk_timeout", 2.0, "Longest time without a valid chunk.", "s", 0.1, 60.0),
    _row("watchdog.joint_state_timeout", 0.5, "Oldest joint state.", "s", 0.05, 5.0),
    _row("watchdog.tracking_error", 0.2, "Largest distance from the plan.", "rad", 0.01, 1.0),
    _row("watchdog.tracking_time", 0.2, "How long it may be exceeded.", "s", 0.0, 5.0),
    _row("watchdog.clock_jump", 0.5, "Largest step of the clock.", "s", 0.05, 60.0),
    _row("watchdog.rest_speed", 0.05, "Below it a joint is at rest.", "rad/s", 0.001, 0.5),
)

_GRIPPER = (
    Parameter(
        "gripper.interface",
        "auto",
        "Actions to use; auto takes the first that is installed.",
        choices=INTERFACES,
    ),
    Parameter("gripper.node", "franka_gripper", "Name of the gripper's node."),
    Parameter(
        "gripper.joint_names",
        ["fr3_finger_joint1", "fr3_finger_joint2"],
        "Finger joints in joint_states.",
    ),
    _row("gripper.width", 0.08, "Opening when open.", "m", 0.005, 0.2),
    _row("gripper.speed", 0.1, "Speed of the fingers.", "m/s", 0.005, 0.2),
    _row("gripper.force", 20.0, "Grasping force.", "N", 1.0, 70.0),
    _row("gripper.close_below", 0.4, "Commands below it close the hand.", "", 0.0, 1.0),
    _row("gripper.open_above", 0.6, "Commands above it open the hand.", "", 0.0, 1.0),
    _row(
        "gripper.hold",
        0.2,
        "How long a command has to last in the plan to count; 0 takes each at once.",
        "s",
        0.0,
        2.0,
    ),
    _row("gripper.dwell", 0.3, "Least time between two goals.", "s", 0.0, 10.0),
    _row("gripper.timeout", 5.0, "When a goal without result is given up.", "s", 0.5, 60.0),
)

PARAMETERS = (
    *_ROBOT,
    *_LIMITS,
    *_WORKSPACE,
    *_CHUNK,
    *_MERGE,
    *_PLAN,
    *_CONTROLLER,
    *_WATCHDOG,
    *_GRIPPER,
    *ROBOT_PARAMETERS,
)
"""All parameters of the node, as listed in config/executor.yaml."""


def settings_from(values: Mapping[str, Any]) -> Settings:
    """Return the core's settings.

    Args:
        values: Checked parameter values by name.

    Raises:
        UserError: Values that do not fit together.
    """
    joint_names = tuple(values["joint_names"])
    if len(set(joint_names)) != len(joint_names) or not joint_names:
        raise UserError("parameter 'joint_names' must name at least one joint, each only once")
    try:
        return Settings(
            limits=_limits(values, len(joint_names)),
            rules=ChunkRules(joint_names, **_group(values, "chunk", ChunkRules)),
            shares=Shares(
                values["limits.velocity_share"],
                values["limits.acceleration_share"],
                values["limits.jerk_share"],
            ),
            plan=PlanSettings(**_group(values, "plan", PlanSettings)),
            lead=LeadSettings(**_group(values, "plan", LeadSettings)),
            merge=_merge(values),
            workspace=WorkspaceSettings(**_group(values, "workspace", WorkspaceSettings)),
            watchdog=WatchdogSettings(**_group(values, "watchdog", WatchdogSettings)),
            gripper=GripperSettings(**_group(values, "gripper", GripperSettings)),
            **{name: values[f"plan.{name}"] for name in _SETTINGS_OF_PLAN},
        )
    except ValueError as error:
        raise UserError(str(error)) from error


_SETTINGS_OF_PLAN = ("overlap", "settle", "start_tolerance")


def _merge(values: Mapping[str, Any]) -> MergeSettings:
    rows = _group(values, "plan", MergeSettings)
    rows["merge"], rows["prefix_late"] = Merge(rows["merge"]), PrefixLate(rows["prefix_late"])
    return MergeSettings(**rows)


def _limits(values: Mapping[str, Any], joints: int) -> Limits:
    if values["limits.set"] == CUSTOM:
        rows = _group(values, "limits", Limits)
        limits = Limits(**rows, reach_lower=rows["lower"], reach_upper=rows["upper"])
    else:
        limits = named(values["limits.set"])
    if len(limits.lower) != joints:
        raise ValueError(
            f"limits.set '{values['limits.set']}' is for {len(limits.lower)} joints, "
            f"but joint_names has {joints}; set limits.set to custom and give {joints} numbers each"
        )
    return limits


def _group(values: Mapping[str, Any], group: str, kind: type) -> dict[str, Any]:
    names = kind.__dataclass_fields__  # type: ignore[attr-defined]
    return {name: values[f"{group}.{name}"] for name in names if f"{group}.{name}" in values}
