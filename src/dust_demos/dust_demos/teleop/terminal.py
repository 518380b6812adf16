"""A terminal that hands over keys as they are pressed, and is left as it was."""

import contextlib
import os
import select
import sys
import termios
from types import TracebackType
from typing import TextIO

_LOCAL, _CHARACTERS = 3, 6  # places in what tcgetattr returns


class Terminal:
    """Reads keys without waiting for Enter; a context manager whose end restores the terminal.

    Args:
        source: Where keys come from; standard input when None.
        sink: Where text goes to; standard output when None.

    Raises:
        ValueError: The source is no terminal.
    """

    def __init__(self, source: TextIO | None = None, sink: TextIO | None = None) -> None:
        source = source or sys.stdin
        if not source.isatty():
            raise ValueError(
                "the keyboard needs a terminal: run this in one, not from a launch file, a pipe or "
                "in the background"
            )
        self._fd = source.fileno()
        self._sink = sink or sys.stdout
        self._before = termios.tcgetattr(self._fd)
        self._line = ""

    def __enter__(self) -> "Terminal":
        """Switch line editing and echo off; Ctrl-C still interrupts, Ctrl-Z does nothing."""
        mode = termios.tcgetattr(self._fd)
        mode[_LOCAL] &= ~(termios.ICANON | termios.ECHO)
        mode[_CHARACTERS] = list(mode[_CHARACTERS])
        mode[_CHARACTERS][termios.VMIN], mode[_CHARACTERS][termios.VTIME] = 1, 0
        # A stopped program would leave the terminal without echo.
        mode[_CHARACTERS][termios.VSUSP] = os.fpathconf(self._fd, "PC_VDISABLE").to_bytes(1, "big")
        termios.tcsetattr(self._fd, termios.TCSADRAIN, mode)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Restore the terminal, unless it is gone."""
        with contextlib.suppress(OSError, termios.error):
            self.status("")
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)

    def read(self, timeout_sec: float) -> bytes | None:
        """Return what was typed, nothing after the timeout; None when the terminal is gone."""
        ready, _, _ = select.select([self._fd], [], [], timeout_sec)
        if not ready:
            return b""
        try:
            return os.read(self._fd, 1024) or None
        except OSError:
            return None

    def say(self, text: str) -> None:
        """Print lines above the status line."""
        self._sink.write(f"\r\x1b[K{text}\n{self._line}")
        self._sink.flush()

    def status(self, text: str) -> None:
        """Rewrite the status line in place."""
        if text != self._line:
            self._sink.write(f"\r\x1b[K{text}")
            self._sink.flush()
            self._line = text
