"""A keyboard as a joystick: keys in, axes and buttons out. No terminal, no ROS.

A terminal tells of keys that go down and repeat, never of keys that go up. So a motion key counts
as held for a moment after its last sign of life; a tap is one small step.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from dust_demos.teleop.controls import Button

MOTIONS = {
    "w": (0, 1.0),
    "s": (0, -1.0),
    "up": (0, 1.0),
    "down": (0, -1.0),
    "a": (1, 1.0),
    "d": (1, -1.0),
    "left": (1, 1.0),
    "right": (1, -1.0),
    "r": (2, 1.0),
    "f": (2, -1.0),
    "o": (3, 1.0),
    "u": (3, -1.0),
    "i": (4, 1.0),
    "k": (4, -1.0),
    "j": (5, 1.0),
    "l": (5, -1.0),
}
"""Key: axis and direction."""

BUTTONS = tuple(Button)
"""Buttons in the order in which they are published."""

PRESSES = {
    "g": Button.GRIPPER_TOGGLE,
    "n": Button.START,
    "y": Button.SUCCESS,
    "x": Button.FAILURE,
    "b": Button.DISCARD,
    "m": Button.END,
}
"""Key: button that it presses."""

HELP = """\
  w/s  forwards, backwards     i/k  tilt forwards, backwards   c      clutch in
  a/d  left, right             u/o  tilt left, right           space  let go
  r/f  up, down                j/l  turn left, right           g      open or close the hand
  +/-  faster, slower          ?    this help                  Ctrl-D quit
  n    start an episode        y    success    x  failure    m  end without a mark    b  discard
  e    rearm the executor after a stop, when its cause is mended"""
"""What the keys do."""

LEVELS = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
"""Shares of full deflection that + and - step through."""

_HELD = 0.15  # s
_GAP = 0.1  # s in which the clutch is up before it engages anew
_REPEAT = 0.7  # s in which the same key again is the keyboard's own repetition

_ARROWS = {"A": "up", "B": "down", "C": "right", "D": "left"}
_NAMED = {" ": "space", "\x04": "quit", "\x03": "quit"}


@dataclass(slots=True)
class Decoder:
    """Splits what a terminal sends into keys."""

    _rest: str = ""

    def feed(self, data: bytes) -> list[str]:
        """Return the keys in these bytes; the start of an arrow key's sequence waits for more."""
        text = self._rest + data.decode("utf-8", "ignore")
        self._rest = ""
        return list(self._keys(text))

    def _keys(self, text: str) -> Iterator[str]:
        index = 0
        while index < len(text):
            if text[index] != "\x1b":
                yield _NAMED.get(text[index], text[index].lower())
                index += 1
            elif len(text) - index < 3 and text[index + 1 :] in ("", "[", "O"):
                self._rest = text[index:]
                return
            elif text[index + 1] in "[O":
                if text[index + 2] in _ARROWS:
                    yield _ARROWS[text[index + 2]]
                index += 3
            else:
                index += 1


@dataclass(slots=True)
class Keyboard:
    """What the keys that came in so far stand for.

    Attributes:
        level: Index into `LEVELS`.
        clutch: Whether the clutch is held in.
        done: Whether the operator wants to end.
    """

    level: int = 3
    clutch: bool = False
    done: bool = False
    _clutch_from: float = 0.0
    _moving: dict[str, float] = field(default_factory=dict)
    _pressed: dict[str, float] = field(default_factory=dict)
    _seen: dict[str, float] = field(default_factory=dict)

    def press(self, key: str, now: float) -> None:
        """Take in a key at a time, s; unknown ones do nothing."""
        repeated = now - self._seen.get(key, -_REPEAT) < _REPEAT
        self._seen[key] = now
        if key in MOTIONS:
            self._moving[key] = now + _HELD
        elif key in PRESSES and not repeated:
            self._pressed[key] = now + _HELD
        elif key == "c" and not repeated:
            self._clutch_from = now + _GAP if self.clutch else now
            self.clutch = True
        elif key in ("space", "quit"):
            self.clutch, self.done = False, self.done or key == "quit"
            self._moving.clear()
        elif key in ("+", "=", "-"):
            step = -1 if key == "-" else 1
            self.level = min(len(LEVELS) - 1, max(0, self.level + step))

    def axes(self, now: float) -> list[float]:
        """Return the six axes at a time (s), in [-1, 1]."""
        axes = [0.0] * 6
        for key, until in self._moving.items():
            if now < until:
                axis, direction = MOTIONS[key]
                axes[axis] = direction * LEVELS[self.level]
        return axes

    def buttons(self, now: float) -> list[int]:
        """Return the buttons at a time (s), in the order of `BUTTONS`."""
        down = {PRESSES[key] for key, until in self._pressed.items() if now < until}
        if self.clutch and now >= self._clutch_from:
            down.add(Button.CLUTCH)
        return [int(button in down) for button in BUTTONS]

    def line(self) -> str:
        """Return its state in words."""
        clutch = "CLUTCH IN" if self.clutch else "let go (c: clutch in)"
        return f"{clutch}, speed {LEVELS[self.level]:.0%}"
