"""What is broken in the cell, and until when, without ROS."""

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from dust_sim.fr3 import ARM_JOINTS, FINGER_JOINTS

CAMERAS = ("wrist", "side")
"""Cameras that a fault may name."""

JOINTS = (*ARM_JOINTS, *FINGER_JOINTS)
"""Joints that a fault may name."""


class Fault(StrEnum):
    """Parts that can break."""

    CAMERA_STOP = "camera_stop"
    CAMERA_DELAY = "camera_delay"
    CAMERA_FREEZE = "camera_freeze"
    CAMERA_SWAP = "camera_swap"
    JOINT_STATES_STOP = "joint_states_stop"
    JOINT_STATES_STALE = "joint_states_stale"
    JOINT_STATES_REORDER = "joint_states_reorder"
    JOINT_STATES_MISSING = "joint_states_missing"
    REFLEX = "reflex"
    USER_STOP = "user_stop"
    CONTROLLER_OFF = "controller_off"
    GRIPPER_STUCK = "gripper_stuck"


CLEAR = "clear"
"""Mends everything."""

_CAMERA_FAULTS = (Fault.CAMERA_STOP, Fault.CAMERA_DELAY, Fault.CAMERA_FREEZE)
_TARGETS = {**dict.fromkeys(_CAMERA_FAULTS, CAMERAS), Fault.JOINT_STATES_MISSING: JOINTS}
_LONGEST = {Fault.CAMERA_DELAY: 10.0, Fault.JOINT_STATES_STALE: 3600.0}  # s, of `value`
_NEVER = math.inf


@dataclass(frozen=True, slots=True)
class FaultRequest:
    """A fault to bring about.

    Attributes:
        fault: One of `Fault`, or `clear`.
        target: Camera that stops, is late or frozen, empty for all; joint that is missing, empty
            for the arm's last one; else empty.
        value: Added age for camera_delay (0 to 10) and joint_states_stale (0 to 3600). Unit: s.
        duration: How long it lasts; 0: until cleared. Unit: s. Range: >= 0.
    """

    fault: str
    target: str = ""
    value: float = 0.0
    duration: float = 0.0


@dataclass(frozen=True, slots=True)
class _Entry:
    value: float
    until_ns: float


@dataclass(frozen=True, slots=True)
class JointStateFaults:
    """What is wrong with the joint states that are published.

    Attributes:
        is_silent: None come.
        age_ns: How much too old their stamps are. Unit: ns.
        is_shuffled: Joints stand in the reverse order, and every other message comes behind the
            one after it.
        missing: Joints that they lack.
    """

    is_silent: bool = False
    age_ns: int = 0
    is_shuffled: bool = False
    missing: frozenset[str] = frozenset()


class FaultBoard:
    """Faults that are active, by part and target."""

    def __init__(self) -> None:
        self._entries: dict[tuple[Fault, str], _Entry] = {}

    def inject(self, request: FaultRequest, now_ns: int) -> None:
        """Bring a fault about, or clear all.

        Raises:
            ValueError: Unknown fault or target, or a value out of range; nothing changed.
        """
        if request.fault == CLEAR:
            self._entries.clear()
            return
        fault = _fault(request.fault)
        _check(fault, request)
        until = now_ns + request.duration * 1e9 if request.duration > 0 else _NEVER
        for target in _targets(fault, request.target):
            self._entries[fault, target] = _Entry(request.value, until)

    def mend(self, fault: Fault) -> None:
        """End a fault on every target."""
        for key in [key for key in self._entries if key[0] == fault]:
            del self._entries[key]

    def set_back(self, back_ns: int) -> None:
        """Let everything last as long as before on a clock that was set back. Unit: ns."""
        for key, entry in self._entries.items():
            self._entries[key] = replace(entry, until_ns=entry.until_ns - back_ns)

    def active(self, fault: Fault, now_ns: int, *, target: str = "") -> bool:
        """Return whether the part is broken now."""
        entry = self._entries.get((fault, target))
        return entry is not None and now_ns < entry.until_ns

    def delay(self, camera: str, now_ns: int) -> float:
        """Return how late the camera's images are to come. Unit: s."""
        return self._value(Fault.CAMERA_DELAY, now_ns, camera)

    def joint_states(self, now_ns: int) -> JointStateFaults:
        """Return what is wrong with the joint states now."""
        return JointStateFaults(
            is_silent=self.active(Fault.JOINT_STATES_STOP, now_ns),
            age_ns=round(self._value(Fault.JOINT_STATES_STALE, now_ns) * 1e9),
            is_shuffled=self.active(Fault.JOINT_STATES_REORDER, now_ns),
            missing=frozenset(
                joint
                for joint in JOINTS
                if self.active(Fault.JOINT_STATES_MISSING, now_ns, target=joint)
            ),
        )

    def _value(self, fault: Fault, now_ns: int, target: str = "") -> float:
        if not self.active(fault, now_ns, target=target):
            return 0.0
        return self._entries[fault, target].value


def _fault(name: str) -> Fault:
    try:
        return Fault(name)
    except ValueError:
        raise ValueError(f"unknown fault '{name}'; allowed: {', '.join([*Fault, CLEAR])}") from None


def _check(fault: Fault, request: FaultRequest) -> None:
    allowed = (*_TARGETS.get(fault, ()), "")
    if request.target not in allowed:
        texts = ", ".join(repr(name) for name in allowed)
        raise ValueError(f"{fault} has no target '{request.target}'; allowed: {texts}")
    if not 0.0 <= request.duration < math.inf:
        raise ValueError(f"duration is {request.duration:g} s; allowed: 0 (until cleared) or more")
    longest = _LONGEST.get(fault)
    if longest is not None and not 0.0 <= request.value <= longest:
        raise ValueError(f"{fault} has value {request.value:g} s; allowed: 0 to {longest:g} s")


def _targets(fault: Fault, target: str) -> tuple[str, ...]:
    if target:
        return (target,)
    if fault == Fault.JOINT_STATES_MISSING:
        return (ARM_JOINTS[-1],)
    return _TARGETS.get(fault, ("",))
