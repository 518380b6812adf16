"""What is broken in the cell, and until when, without ROS."""

import math
from dataclasses import dataclass
from enum import StrEnum

CAMERAS = ("wrist", "side")
"""Cameras that a fault may name."""


class Fault(StrEnum):
    """Parts that can break."""

    CAMERA_STOP = "camera_stop"
    CAMERA_DELAY = "camera_delay"
    JOINT_STATES_STOP = "joint_states_stop"
    REFLEX = "reflex"
    GRIPPER_STUCK = "gripper_stuck"


CLEAR = "clear"
"""Mends everything."""

_CAMERA_FAULTS = (Fault.CAMERA_STOP, Fault.CAMERA_DELAY)
_NEVER = math.inf


@dataclass(frozen=True, slots=True)
class FaultRequest:
    """A fault to bring about.

    Attributes:
        fault: One of `Fault`, or `clear`.
        target: Camera for camera faults, empty for all; else empty.
        value: Added age for camera_delay. Unit: s. Range: 0 to 10.
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

    def active(self, fault: Fault, now_ns: int, *, target: str = "") -> bool:
        """Return whether the part is broken now."""
        entry = self._entries.get((fault, target))
        return entry is not None and now_ns < entry.until_ns

    def delay(self, camera: str, now_ns: int) -> float:
        """Return how late the camera's images are to come. Unit: s."""
        if not self.active(Fault.CAMERA_DELAY, now_ns, target=camera):
            return 0.0
        return self._entries[Fault.CAMERA_DELAY, camera].value


def _fault(name: str) -> Fault:
    try:
        return Fault(name)
    except ValueError:
        raise ValueError(f"unknown fault '{name}'; allowed: {', '.join([*Fault, CLEAR])}") from None


def _check(fault: Fault, request: FaultRequest) -> None:
    allowed = (*CAMERAS, "") if fault in _CAMERA_FAULTS else ("",)
    if request.target not in allowed:
        texts = ", ".join(repr(name) for name in allowed)
        raise ValueError(f"{fault} has no target '{request.target}'; allowed: {texts}")
    if not 0.0 <= request.duration < math.inf:
        raise ValueError(f"duration is {request.duration:g} s; allowed: 0 (until cleared) or more")
    if fault == Fault.CAMERA_DELAY and not 0.0 <= request.value <= 10.0:
        raise ValueError(f"camera_delay has value {request.value:g} s; allowed: 0 to 10 s")


def _targets(fault: Fault, target: str) -> tuple[str, ...]:
    if fault in _CAMERA_FAULTS and not target:
        return CAMERAS
    return (target,)
