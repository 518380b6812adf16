"""The list of checks: name, what it looks at, how it is made. The docs and `--list` follow it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from dust_doctor.checks import cameras, clocks, graph, realtime, robot, ros, transport, usb
from dust_doctor.checks.checkpoint import CheckpointEvidence, gather_checkpoint, judge_checkpoint
from dust_doctor.checks.checkpoint import judge_fit as judge_checkpoint_fit
from dust_doctor.checks.compute import gather_disk, gather_gpu, judge_disk, judge_gpu
from dust_doctor.evidence import GraphEvidence
from dust_doctor.finding import Finding, skip
from dust_doctor.system import System
from dust_doctor.wishes import Wishes

_NOT_LIVE = "needs a running graph: --live 5"


@dataclass
class Patient:
    """Everything that the checks may look at; what several of them need is gathered once.

    Attributes:
        system: This machine.
        wishes: What is asked for.
        graph: What was heard of a running graph; None: nobody listened.
    """

    system: System
    wishes: Wishes = field(default_factory=Wishes)
    graph: GraphEvidence | None = None

    @cached_property
    def realtime(self) -> realtime.RealtimeEvidence:
        """What the kernel offers."""
        return realtime.gather_realtime(self.system)

    @cached_property
    def transport(self) -> transport.TransportEvidence:
        """What DDS is given."""
        return transport.gather_transport(self.system)

    @cached_property
    def checkpoint(self) -> CheckpointEvidence | None:
        """What the checkpoint says; None where none was given."""
        folder: Path | None = self.wishes.checkpoint
        return None if folder is None else gather_checkpoint(folder)

    @property
    def image_bytes(self) -> int:
        """Size of the largest raw image that was heard, else the expected one. Unit: bytes."""
        heard = self.graph.cameras.values() if self.graph else ()
        raw = [row.size for row in heard if row.width]
        return round(max(raw, default=0)) or self.wishes.image_bytes


Examine = Callable[[Patient], Finding]


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes:
        name: How `--only` and the report call it.
        about: What it looks at, in one line.
        examine: Makes the finding.
        live: Whether it needs a running graph.
    """

    name: str
    about: str
    examine: Examine
    live: bool = False


def _live(name: str, about: str, judge: Callable[[GraphEvidence, Wishes], Finding]) -> Check:
    def examine(patient: Patient) -> Finding:
        if patient.graph is None:
            return skip(_NOT_LIVE)
        return judge(patient.graph, patient.wishes)

    return Check(name, about, examine, live=True)


def _judge_gpu(patient: Patient) -> Finding:
    weights = patient.checkpoint.weights if patient.checkpoint else 0
    return judge_gpu(gather_gpu(patient.system), patient.wishes, weights)


def _judge_checkpoint(patient: Patient) -> Finding:
    if patient.checkpoint is None:
        return skip("none was given: --checkpoint FOLDER")
    return judge_checkpoint(patient.checkpoint, patient.wishes)


def _judge_checkpoint_fit(patient: Patient) -> Finding:
    if patient.graph is None:
        return skip(_NOT_LIVE)
    if patient.checkpoint is None:
        return skip("no checkpoint was given: --checkpoint FOLDER")
    return judge_checkpoint_fit(patient.checkpoint, patient.wishes, patient.graph)


def _judge_disk(patient: Patient) -> Finding:
    folder = patient.wishes.record
    if folder is None:
        return skip("no folder was given: --record FOLDER")
    return judge_disk(gather_disk(patient.system, folder), patient.wishes.hours)


CHECKS = (
    Check(
        "ros",
        "release, middleware, ROS_DOMAIN_ID, discovery",
        lambda p: ros.judge_ros(ros.gather_ros(p.system), p.wishes),
    ),
    Check(
        "messages",
        "dust_msgs is installed and as new as this code",
        lambda p: ros.judge_messages(ros.gather_messages()),
    ),
    Check(
        "clock",
        "PTP, chrony or systemd keeps the clock, and how well",
        lambda p: clocks.judge_clock(clocks.gather_clock(p.system), p.wishes),
    ),
    Check(
        "rt-kernel",
        "the kernel is real-time",
        lambda p: realtime.judge_kernel(p.realtime, p.wishes),
    ),
    Check(
        "rt-priority",
        "this user may run the control loop first and keep its memory",
        lambda p: realtime.judge_priority(p.realtime, p.wishes),
    ),
    Check(
        "cpu-governor",
        "the cores keep their frequency",
        lambda p: realtime.judge_governor(p.realtime, p.wishes),
    ),
    Check(
        "dds-profile",
        "Fast DDS's profile: readable, its shared memory holds the images, it reaches the others",
        lambda p: transport.judge_profile(p.transport, p.wishes, p.image_bytes),
    ),
    Check(
        "shared-memory",
        "room in /dev/shm",
        lambda p: transport.judge_shared_memory(p.transport),
    ),
    Check(
        "socket-buffers",
        "the kernel's buffers for images between machines",
        lambda p: transport.judge_buffers(p.transport, p.wishes),
    ),
    Check(
        "usb",
        "both ZED cameras, at USB 3 speed, on a controller each",
        lambda p: usb.judge_usb(usb.gather_usb(p.system), p.wishes),
    ),
    Check("gpu", "torch, its GPU and the GPU's memory", _judge_gpu),
    Check("checkpoint", "the checkpoint is whole, its views are known", _judge_checkpoint),
    Check("disk", "room for recordings", _judge_disk),
    _live("executor", "the executor runs and is not stopped", lambda g, _: graph.judge_executor(g)),
    _live(
        "duplicates",
        "no node runs twice, nothing has two publishers that must have one",
        graph.judge_duplicates,
    ),
    _live(
        "message-types",
        "all nodes were built from the same messages",
        lambda g, _: graph.judge_types(g),
    ),
    _live(
        "stamps",
        "stamps of topics against the time here: clocks of other machines, delays",
        lambda g, _: clocks.judge_stamps(g),
    ),
    _live("joint-states", "all joints, often enough", lambda g, _: robot.judge_joint_states(g)),
    _live("robot-mode", "the arm's mode and errors (FCI)", robot.judge_mode),
    _live(
        "success-rate",
        "share of control commands that reach the arm (FCI)",
        robot.judge_success_rate,
    ),
    _live(
        "controller",
        "the trajectory controller is active, on effort for a real arm",
        robot.judge_controller,
    ),
    _live("camera-rate", "both views come, often enough, without gaps", cameras.judge_rate),
    _live("camera-skew", "both views are taken at the same time", cameras.judge_skew),
    _live("camera-format", "size and encoding of the images", lambda g, _: cameras.judge_format(g)),
    _live("camera-bandwidth", "what the images take of the way they go", cameras.judge_bandwidth),
    Check(
        "checkpoint-fit",
        "the checkpoint against the cameras, joints and rates that are heard",
        _judge_checkpoint_fit,
        live=True,
    ),
)
"""All checks, in the order of the report."""


def chosen(names: list[str] | None) -> tuple[Check, ...]:
    """Return the checks with these names; all for None.

    Raises:
        ValueError: A name is no check's.
    """
    if names is None:
        return CHECKS
    known = [check.name for check in CHECKS]
    for name in names:
        if name not in known:
            raise ValueError(f"there is no check '{name}'; there are: {', '.join(known)}")
    return tuple(check for check in CHECKS if check.name in names)
