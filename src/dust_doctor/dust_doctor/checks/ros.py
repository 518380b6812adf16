"""Is ROS set up, and do the messages match this code?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

from dust_doctor.finding import Finding, fail, ok, warn
from dust_doctor.system import System
from dust_doctor.wishes import Robot, Wishes

DISTRIBUTIONS = ("jazzy", "kilted")
"""Releases of ROS 2 that this is tested with."""

FIELDS: Mapping[str, tuple[str, ...]] = {
    "ActionChunk": ("conditioning", "prefix"),
    "ExecutorState": ("last_splice", "late", "limited"),
    "Features": ("views", "checkpoint"),
    "RobotState": ("control_command_success_rate",),
    "Surprise": (),
}
"""Fields that tell an old build of dust_msgs from this one."""

_LAST_DOMAIN = 101
_BUILD = "build the workspace again (make setup, or colcon build), on both machines from one commit"


@dataclass(frozen=True, slots=True)
class RosEvidence:
    """How ROS is set up.

    Attributes:
        distribution: ROS_DISTRO; empty where ROS comes from wheels.
        has_client: Whether rclpy can be imported.
        middleware: RMW_IMPLEMENTATION; empty: the default.
        domain: ROS_DOMAIN_ID; empty: 0.
        local_only: Whether discovery is kept on this machine.
    """

    distribution: str = ""
    has_client: bool = True
    middleware: str = ""
    domain: str = ""
    local_only: bool = False


def gather_ros(system: System) -> RosEvidence:
    """Read the environment."""
    environment = system.environment
    discovery = environment.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "").upper()
    return RosEvidence(
        distribution=environment.get("ROS_DISTRO", ""),
        has_client=_can_import("rclpy"),
        middleware=environment.get("RMW_IMPLEMENTATION", ""),
        domain=environment.get("ROS_DOMAIN_ID", ""),
        local_only=environment.get("ROS_LOCALHOST_ONLY", "0") == "1"
        or discovery in ("LOCALHOST", "OFF"),
    )


def judge_ros(ros: RosEvidence, wishes: Wishes) -> Finding:
    """Judge release, middleware, domain and discovery."""
    domain = ros.domain or "0"
    told = (
        f"{ros.distribution or 'ROS from wheels'}, {ros.middleware or 'default middleware'}, "
        f"domain {domain}"
    )
    if not ros.has_client:
        return fail(
            "rclpy cannot be imported", "source ROS 2 and the workspace (install/setup.bash)"
        )
    if not domain.isdigit():
        return fail(f"ROS_DOMAIN_ID is '{domain}'", "set it to a number from 0 to 101")
    if ros.local_only and wishes.shares_time:
        says = "discovery is kept on this machine, but the other half runs elsewhere"
        return fail(says, "unset ROS_LOCALHOST_ONLY and ROS_AUTOMATIC_DISCOVERY_RANGE")
    if int(domain) > _LAST_DOMAIN:
        says = f"{told}: its ports overlap with those that the kernel hands out"
        return warn(says, f"choose a ROS_DOMAIN_ID up to {_LAST_DOMAIN}")
    if ros.distribution and ros.distribution not in DISTRIBUTIONS:
        return warn(f"{told}: not tested", f"use one of {', '.join(DISTRIBUTIONS)}")
    if domain == "0" and wishes.robot is Robot.FR3:
        says = f"{told}: everyone's domain, another graph in the network could command this arm"
        return warn(says, "set the same ROS_DOMAIN_ID from 1 to 101 on your machines only")
    return ok(told)


@dataclass(frozen=True, slots=True)
class MessagesEvidence:
    """What the installed dust_msgs has.

    Attributes:
        installed: Whether it can be imported.
        missing: What this code needs and it lacks, such as ActionChunk.conditioning.
    """

    installed: bool = True
    missing: tuple[str, ...] = ()


def gather_messages(fields: Mapping[str, tuple[str, ...]] = FIELDS) -> MessagesEvidence:
    """Look for what tells an old build from this one."""
    try:
        messages = import_module("dust_msgs.msg")
    except ImportError:
        return MessagesEvidence(installed=False)
    missing: list[str] = []
    for kind, names in fields.items():
        found = getattr(messages, kind, None)
        if found is None:
            missing.append(kind)
            continue
        known = found.get_fields_and_field_types()
        missing += [f"{kind}.{name}" for name in names if name not in known]
    return MessagesEvidence(missing=tuple(missing))


def judge_messages(messages: MessagesEvidence) -> Finding:
    """Judge whether the messages are this code's."""
    if not messages.installed:
        return fail("dust_msgs cannot be imported", _BUILD)
    if messages.missing:
        return fail(f"dust_msgs is older than this code: no {', '.join(messages.missing)}", _BUILD)
    return ok("dust_msgs has what this code needs")


def _can_import(name: str) -> bool:
    try:
        import_module(name)
    except ImportError:
        return False
    return True
