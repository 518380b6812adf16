"""What a device's axes and buttons mean.

A control is described by a text, such as

    a1            axis 1
    -a0           axis 0 turned round
    b11-b12       button 11 pulls one way, button 12 the other
    (empty)       nothing on the device does this
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

AXES = ("x", "y", "z", "roll", "pitch", "yaw")
"""What a jogged hand can do: three directions, and a turn about each of them."""

_TERM = re.compile(r"([+-]?)([ab])(\d{1,2})")
_PRESSED = 0.5


class Button(StrEnum):
    """What an operator can ask for by a button."""

    CLUTCH = "clutch"
    GRIPPER_TOGGLE = "gripper_toggle"
    GRIPPER_CLOSE = "gripper_close"
    GRIPPER_OPEN = "gripper_open"
    START = "start"
    SUCCESS = "success"
    FAILURE = "failure"
    DISCARD = "discard"
    END = "end"


@dataclass(frozen=True, slots=True)
class Control:
    """One control: a sum of axes and buttons.

    Attributes:
        terms: Sign, `a` or `b`, index; empty: the device has no such control.
    """

    terms: tuple[tuple[float, str, int], ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Control":
        """Read a control's text.

        Raises:
            ValueError: The text is not of the described form.
        """
        packed = text.replace(" ", "")
        terms: list[tuple[float, str, int]] = []
        end = 0
        for match in _TERM.finditer(packed):
            if match.start() != end or (terms and not match[1]):
                break
            terms.append((-1.0 if match[1] == "-" else 1.0, match[2], int(match[3])))
            end = match.end()
        if end != len(packed):
            raise ValueError(
                f"'{text}' is not a control: write a1 for axis 1, -a1 for its other way round, "
                "b3 for button 3, b3-b4 for a pair, nothing for none"
            )
        return cls(tuple(terms))

    def read(self, axes: Sequence[float], buttons: Sequence[int]) -> float:
        """Return its value, in [-1, 1]; what the device lacks counts as 0, and so does NaN."""
        value = 0.0
        for sign, kind, index in self.terms:
            source: Sequence[float] = axes if kind == "a" else buttons
            value += sign * float(source[index]) if index < len(source) else 0.0
        return min(1.0, max(-1.0, value)) if value == value else 0.0

    def missing(self, axes: Sequence[float], buttons: Sequence[int]) -> str:
        """Return the first axis or button that the device lacks, such as `a7`; empty: none."""
        for _, kind, index in self.terms:
            if index >= len(axes if kind == "a" else buttons):
                return f"{kind}{index}"
        return ""


@dataclass(frozen=True, slots=True)
class Shape:
    """How far a stick is pushed, and what that asks for.

    Attributes:
        deadzone: Deflections up to it count as none. Range: 0 to below 1.
        expo: 0: proportional; 1: cubic, gentle around the middle. Range: 0 to 1.
    """

    deadzone: float = 0.1
    expo: float = 0.5

    def __call__(self, deflection: Array) -> Array:
        """Return the asked share of full speed; both of any shape, in [-1, 1]."""
        size = np.clip((np.abs(deflection) - self.deadzone) / (1.0 - self.deadzone), 0.0, 1.0)
        return np.asarray(np.sign(deflection) * size * (1.0 - self.expo + self.expo * size**2))


@dataclass(frozen=True, slots=True)
class Command:
    """What the operator asks for now.

    Attributes:
        motion: Shares of full speed [6]: x, y, z, roll, pitch, yaw. Range: -1 to 1.
        pressed: Buttons that are down.
    """

    motion: Array
    pressed: frozenset[Button] = frozenset()

    @property
    def is_neutral(self) -> bool:
        """Whether it asks for no motion."""
        return not np.any(self.motion)


@dataclass(frozen=True, slots=True)
class Layout:
    """Which control of a device means what.

    Attributes:
        axes: Controls of `AXES`, in that order.
        buttons: Controls of the buttons.
        shape: What the axes' deflections ask for.
    """

    axes: tuple[Control, ...]
    buttons: Mapping[Button, Control]
    shape: Shape = field(default_factory=Shape)

    @classmethod
    def parse(cls, texts: Mapping[str, str], shape: Shape) -> "Layout":
        """Read all controls.

        Args:
            texts: Text of each control under `axes.<axis>` and `buttons.<button>`.
            shape: What the axes' deflections ask for.

        Raises:
            ValueError: A text is wrong; the message names the control.
        """

        def control(name: str) -> Control:
            try:
                return Control.parse(texts[name])
            except ValueError as error:
                raise ValueError(f"parameter '{name}': {error}") from None

        axes = tuple(control(f"axes.{axis}") for axis in AXES)
        return cls(axes, {button: control(f"buttons.{button}") for button in Button}, shape)

    def read(self, axes: Sequence[float], buttons: Sequence[int]) -> Command:
        """Return what the device's axes and buttons ask for."""
        deflection = np.array([control.read(axes, buttons) for control in self.axes])
        pressed = frozenset(
            button
            for button, control in self.buttons.items()
            if control.read(axes, buttons) > _PRESSED
        )
        return Command(self.shape(deflection), pressed)

    def defect(self, axes: Sequence[float], buttons: Sequence[int]) -> str:
        """Return which control the device lacks, in words; empty when it has all of them."""
        named: dict[str, Control] = dict(zip(AXES, self.axes, strict=True))
        named |= {str(button): control for button, control in self.buttons.items()}
        for name, control in named.items():
            missing = control.missing(axes, buttons)
            if missing:
                return (
                    f"the device has {len(axes)} axes and {len(buttons)} buttons, but {name} is "
                    f"{missing}: is this the layout of another device?"
                )
        return ""
