"""Collects what the messages of one topic tell; anything with their fields will do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from dust_doctor.evidence import RobotReport, Stream


class Ear:
    """Stamps, ages and sizes of one topic's messages.

    Args:
        clock: Tells when a message arrives, s; not the node's, which may be a simulation's and
            stand still together with what should be heard.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._arrivals: list[float] = []
        self._stamps: list[float] = []
        self._ages: list[float] = []
        self._size = 0
        self._form, self._width, self._height = "", 0, 0

    @property
    def heard(self) -> bool:
        """Whether a message came."""
        return bool(self._stamps)

    def stamped(self, message: Any, now: float) -> None:
        """Note a message with a header that arrives now (s)."""
        stamp = message.header.stamp.sec + message.header.stamp.nanosec * 1e-9
        self._stamps.append(stamp)
        self._ages.append(now - stamp)
        self._arrivals.append(self._clock())

    def image(self, message: Any, now: float) -> None:
        """Note a sensor_msgs/Image."""
        self.stamped(message, now)
        self._size += len(message.data)
        self._form, self._width, self._height = message.encoding, message.width, message.height

    def compressed(self, message: Any, now: float) -> None:
        """Note a sensor_msgs/CompressedImage, whose format reads like "bgra8; jpeg compressed"."""
        self.stamped(message, now)
        self._size += len(message.data)
        words = message.format.lower().replace(";", " ").split()
        self._form = next(
            (word for word in words if word in ("jpeg", "jpg", "png")), message.format
        )

    def stream(self, topic: str, ended: float | None = None) -> Stream:
        """Return what was noted until listening ended, by the ear's clock (s); None: just now."""
        return Stream(
            topic=topic,
            stamps=tuple(self._stamps),
            ages=tuple(self._ages),
            size=self._size / len(self._stamps) if self._stamps else 0.0,
            form=self._form,
            width=self._width,
            height=self._height,
            silence=self._silence(ended) if self._arrivals and ended is not None else 0.0,
        )

    def _silence(self, ended: float) -> float:
        """Return the time from the last arrival to the end, as the stamps count it."""
        took = self._arrivals[-1] - self._arrivals[0]
        # A simulation may be faster or slower than the clock on the wall.
        pace = (max(self._stamps) - min(self._stamps)) / took if took > 0 else 1.0
        return max(0.0, ended - self._arrivals[-1]) * pace


class RobotEar:
    """Modes, errors and success rates that the arm tells on one topic."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._modes: list[int] = []
        self._errors: tuple[str, ...] = ()
        self._rates: list[float] = []

    @property
    def heard(self) -> bool:
        """Whether a message came."""
        return bool(self._modes)

    def dust(self, message: Any) -> None:
        """Note a dust_msgs/RobotState."""
        self._note(message, tuple(message.errors))

    def franka(self, message: Any) -> None:
        """Note a franka_msgs/FrankaRobotState, whose errors are one boolean each."""
        errors = message.current_errors
        names = errors.get_fields_and_field_types()
        self._note(message, tuple(name for name in names if getattr(errors, name)))

    def report(self) -> RobotReport:
        """Return what was noted."""
        return RobotReport(self._topic, tuple(self._modes), self._errors, tuple(self._rates))

    def _note(self, message: Any, errors: tuple[str, ...]) -> None:
        if self._modes[-1:] != [message.robot_mode]:
            self._modes.append(int(message.robot_mode))
        self._errors = errors
        self._rates.append(float(message.control_command_success_rate))
