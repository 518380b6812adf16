"""The clutch: the arm follows only while the operator says so.

It never engages by itself. After a start, a loss of the device or a stop it has to be let go of
first, so that a button that happens to be down moves nothing::

    unarmed --let go--> armed --pressed--> engaged --let go--> armed
       ^--------- device lost, executor stopped, reset ----------'
"""

from dataclasses import dataclass
from enum import StrEnum

from dust_demos.teleop.controls import Button, Command

LINGER_NS = 700_000_000
"""In style `neutral`: how long the clutch stays engaged after the last deflection. Unit: ns."""


class Style(StrEnum):
    """How the operator says it."""

    HOLD = "hold"
    """While the clutch button is held (dead man's switch)."""

    TOGGLE = "toggle"
    """From one press of the clutch button to the next."""

    NEUTRAL = "neutral"
    """While the device is deflected: for devices that spring back and have no button to spare."""


@dataclass(slots=True)
class Clutch:
    """Follows the commands of a device.

    Attributes:
        style: How the operator engages it.
        engaged: Whether the arm follows.
    """

    style: Style = Style.HOLD
    engaged: bool = False
    _armed: bool = False
    _was_pressed: bool = False
    _deflected_ns: int = 0

    def update(self, command: Command, now_ns: int) -> bool:
        """Take in a command of the device; return whether it engaged the clutch just now."""
        before = self.engaged
        if self.style is Style.NEUTRAL:
            self._follow_deflection(not command.is_neutral, now_ns)
        else:
            self._follow_button(Button.CLUTCH in command.pressed)
        return self.engaged and not before

    def release(self) -> bool:
        """Disengage; what is pressed now must be let go of first. Return whether it was engaged."""
        before, self.engaged = self.engaged, False
        self._armed = self._armed and not self._was_pressed
        return before

    def disarm(self) -> None:
        """Disengage, and believe nothing of what was last heard of the device."""
        self.engaged = self._armed = False

    def _follow_button(self, pressed: bool) -> None:
        edge, self._was_pressed = pressed and not self._was_pressed, pressed
        if not pressed:
            self._armed = True
        if self.style is Style.HOLD:
            self.engaged = self._armed and pressed
        elif edge and self._armed:
            self.engaged = not self.engaged

    def _follow_deflection(self, deflected: bool, now_ns: int) -> None:
        self._was_pressed = deflected
        if deflected:
            self._deflected_ns = now_ns
        else:
            self._armed = True
        lingers = self.engaged and now_ns - self._deflected_ns < LINGER_NS
        self.engaged = self._armed and (deflected or lingers)


@dataclass(slots=True)
class Presses:
    """Tells fresh presses from buttons that are still down."""

    _down: frozenset[Button] | None = None

    def update(self, command: Command) -> frozenset[Button]:
        """Return the buttons that went down since the last command; none for the first one."""
        before, self._down = self._down, command.pressed
        return frozenset() if before is None else command.pressed - before

    def forget(self) -> None:
        """Start anew: what is down at the next command does not count as pressed."""
        self._down = None
