"""Is the arm there, ready, and does it get its commands?"""

from __future__ import annotations

from statistics import mean

from dust_doctor.evidence import Controller, GraphEvidence, RobotReport
from dust_doctor.finding import Finding, fail, ok, skip, warn
from dust_doctor.wishes import Robot, Wishes

MODES = (
    *("OTHER", "IDLE", "MOVE", "GUIDING", "REFLEX", "USER_STOPPED"),
    "AUTOMATIC_ERROR_RECOVERY",
)
"""Names of robot_mode."""

JOINTS = tuple(f"fr3_joint{index}" for index in range(1, 8))
"""Joints of the arm."""

BAD_SUCCESS_RATE = 0.9
"""Below this the executor stops for cause. Range: 0 to 1."""

CONTROLLERS = ("fr3_arm_controller", "joint_impedance_controller")
"""Controllers that follow the executor: the trajectory controller, crisp_controllers'."""

_LEAST_RATE = 20.0  # Hz
_FEW, _MANY = 3 / _LEAST_RATE, 10 / _LEAST_RATE  # s, for which joint_states may be silent
_IDLE, _MOVE, _GUIDING, _REFLEX, _USER_STOPPED = 1, 2, 3, 4, 5

_REMEDIES = {
    0: "look at Desk: are the joints unlocked and FCI active?",
    _IDLE: "activate the trajectory controller (the launch file does); until then nothing moves",
    _GUIDING: "release the guiding button",
    _REFLEX: "see what touched the arm, then call dust_executor/recover and dust_executor/rearm",
    _USER_STOPPED: "release the user stop, then dust_executor/recover and dust_executor/rearm",
    6: "wait until the recovery has ended",
}


def judge_joint_states(graph: GraphEvidence) -> Finding:
    """Judge the joint states: all joints, often enough."""
    stream = graph.joint_states
    if stream is None:
        remedy = (
            "start the arm's driver, or the simulated cell; same ROS_DOMAIN_ID, same namespace?"
        )
        return fail("nothing on joint_states", remedy)
    missing = [name for name in JOINTS if name not in graph.joint_names]
    if missing:
        says = f"joint_states lack {', '.join(missing)}"
        return fail(says, "is the arm started with robot_type:=fr3 and without arm_prefix?")
    if stream.silence > _FEW:
        silence = f"have been silent for the last {stream.silence:.1f} s"
        says = f"joint_states come at {stream.rate:.1f} Hz, but {silence}"
        remedy = "has the arm's driver ended? See its log"
        return fail(says, remedy) if stream.silence > _MANY else warn(says, remedy)
    if stream.rate < _LEAST_RATE:
        says = f"joint_states come at {stream.rate:.1f} Hz, {_LEAST_RATE:g} Hz are needed"
        return warn(says, "raise joint_state_rate of franka_bringup to 30")
    return ok(f"{len(graph.joint_names)} joints at {stream.rate:.1f} Hz")


def judge_mode(graph: GraphEvidence, wishes: Wishes) -> Finding:
    """Judge the arm's mode and errors."""
    robot = graph.robot
    if robot is None or not robot.modes:
        says = "the arm says nothing of its state"
        if wishes.robot is Robot.SIM:
            return warn(says, "start the simulated cell (robot:=sim)")
        remedy = "start franka_robot_state_broadcaster; franka_msgs must be installed here as well"
        return fail(says, remedy)
    mode = robot.modes[-1]
    name = MODES[mode] if mode < len(MODES) else str(mode)
    errors = f" ({', '.join(robot.errors)})" if robot.errors else ""
    if mode == _MOVE and not errors:
        return ok(f"{name} on {robot.topic}")
    says, remedy = f"the arm is in mode {name}{errors}", _REMEDIES.get(mode, "look at Desk")
    return warn(says, remedy) if mode == _IDLE and not errors else fail(says, remedy)


def judge_success_rate(graph: GraphEvidence, wishes: Wishes) -> Finding:
    """Judge the share of control commands that reach the arm in time."""
    # libfranka says 0 while no control loop runs.
    rates = [rate for rate in _rates(graph.robot) if rate > 0.0]
    if not rates:
        return skip("no control loop runs, or the arm says nothing")
    least, usual = min(rates), mean(rates)
    says = f"{usual:.1%} of the control commands arrive, {least:.1%} at the worst"
    remedy = (
        "real-time kernel, governor performance, the arm on a network card of its own "
        "(no switch), nothing else on that core; see docs/doctor.md"
    )
    if usual < BAD_SUCCESS_RATE:
        return fail(says, remedy)
    if usual < wishes.min_success_rate or least < BAD_SUCCESS_RATE:
        return warn(says, remedy)
    return ok(says)


def _rates(robot: RobotReport | None) -> tuple[float, ...]:
    return robot.success_rates if robot else ()


def judge_controller(graph: GraphEvidence, wishes: Wishes) -> Finding:
    """Judge whether the right controller runs, on the right interface."""
    if graph.controllers is None:
        return skip("no controller manager answers, or controller_manager_msgs is not installed")
    ours = [row for row in graph.controllers if row.name in CONTROLLERS]
    active = [row for row in ours if row.state == "active"]
    if not active:
        told = ", ".join(f"{row.name} is {row.state}" for row in ours) or "none is loaded"
        remedy = f"ros2 control switch_controllers --activate {CONTROLLERS[0]}"
        return fail(f"no controller follows the executor: {told}", remedy)
    return _judge_interface(active[0], wishes)


def _judge_interface(controller: Controller, wishes: Wishes) -> Finding:
    kinds = sorted({name.rsplit("/", 1)[-1] for name in controller.interfaces})
    told = f"{controller.name} is active on {', '.join(kinds) or 'no interface'}"
    if wishes.robot is Robot.FR3 and kinds != ["effort"]:
        says = f"{told}: the arm does not limit the rate of such commands"
        return fail(
            says, "use config/controllers.yaml (effort); position is for fake hardware only"
        )
    return ok(told)
