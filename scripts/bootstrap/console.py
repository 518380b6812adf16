"""What the person at the terminal sees: steps, one live status line, output on failure."""

import os
import select
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence

QUIET_PERIOD = 10.0  # s between two status lines where the output is not a terminal
KEPT_LINES = 40  # of a command's output, shown when it fails


class SetupError(Exception):
    """A step failed; the message is one line that says what to do."""


class Console:
    """Prints steps and keeps one status line alive under them."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()
        self._started = time.monotonic()
        self._last_status = self._started

    def step(self, text: str) -> None:
        """Print the headline of a step with the time since the start."""
        self._clear()
        print(f"[{time.monotonic() - self._started:5.0f} s] {text}", flush=True)

    def status(self, text: str) -> None:
        """Show what goes on inside a step: in place on a terminal, now and then elsewhere."""
        now = time.monotonic()
        if self._terminal:
            width = os.get_terminal_size().columns
            print(f"\r\033[K          {text}"[: width + 3], end="", flush=True)
        elif now - self._last_status >= QUIET_PERIOD:
            print(f"          {text}", flush=True)
            self._last_status = now

    def run(
        self,
        command: Sequence[str],
        *,
        describe: Callable[[str], str | None],
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Run a command with a live status line.

        Args:
            command: program and arguments
            describe: makes a status text of a line of output, or None to keep the present one
            env: environment of the command, None for ours

        Raises:
            SetupError: the command failed; its last lines have been printed
        """
        process = subprocess.Popen(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            tail = self._follow(process, describe)
        except BaseException:
            process.terminate()
            process.wait()
            raise
        finally:
            self._clear()
            if process.stdout is not None:
                process.stdout.close()
        if process.wait() != 0:
            print("\n".join(tail), file=sys.stderr, flush=True)
            raise SetupError(f"`{' '.join(command)}` failed with exit code {process.returncode}")

    def _follow(
        self, process: subprocess.Popen[bytes], describe: Callable[[str], str | None]
    ) -> Sequence[str]:
        tail: deque[str] = deque(maxlen=KEPT_LINES)
        text, began = "", time.monotonic()
        for line in _lines(process):
            if line is None:
                self.status(f"{text} ({time.monotonic() - began:.0f} s)")
                continue
            tail.append(line)
            described = describe(line)
            if described is not None:
                text, began = described, time.monotonic()
                self.status(text)
        return tail

    def _clear(self) -> None:
        if self._terminal:
            print("\r\033[K", end="", flush=True)


def _lines(process: subprocess.Popen[bytes]) -> Iterator[str | None]:
    """Yield the lines of a process's output as they come, None after each second without one."""
    assert process.stdout is not None
    pipe = process.stdout.fileno()
    rest = b""
    while True:
        if not select.select([pipe], [], [], 1.0)[0]:
            yield None
            continue
        chunk = os.read(pipe, 65536)
        if not chunk:
            break
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line.decode(errors="replace").rstrip() for line in lines)
    if rest:
        yield rest.decode(errors="replace")
