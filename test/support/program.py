"""Programs in processes of their own: nodes that run, and nodes that refuse to."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ENDING_SEC = 20.0
"""Longest time that a program may take to end after SIGINT."""


class Program:
    """`python -m module --ros-args -p ...` in the ROS domain that os.environ names.

    Args:
        module: Module of the node.
        parameters: Its parameters, each as `name:=value`.
        log: File for what it prints.
        remap: New names by old ones, of topics or, by `__node`, of the node.
        within: Words before the command, such as those of `ip netns exec`.
    """

    def __init__(
        self,
        module: str,
        *parameters: str,
        log: Path,
        remap: Mapping[str, str] | None = None,
        within: Sequence[str] = (),
    ) -> None:
        self._log = log
        self._interrupted = False
        command = [*within, sys.executable, "-m", module, "--ros-args"]
        for parameter in parameters:
            command += ["-p", parameter]
        for old, new in (remap or {}).items():
            command += ["-r", f"{old}:={new}"]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        with log.open("w") as file:
            self._process = subprocess.Popen(
                command, env=environment, stdout=file, stderr=subprocess.STDOUT
            )

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return self._log.read_text()

    def interrupt(self) -> None:
        """Press Ctrl-C once, unless it has ended."""
        # A second one could hit the interpreter while it is shutting down.
        if self.running and not self._interrupted:
            self._interrupted = True
            self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """End it as a crash does, with SIGKILL."""
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Let it hang, with SIGSTOP."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on after `freeze`."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        """End it as Ctrl-C does; return its exit code, negative if it had to be killed."""
        self.interrupt()
        try:
            return self._process.wait(timeout=ENDING_SEC)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def end(self) -> str:
        """End it as Ctrl-C does and check that it takes that well; return what it printed."""
        code = self.stop()
        assert code == 0, f"exit code {code}:\n{self.output}"
        assert "Traceback" not in self.output, self.output
        return self.output


def end_all(programs: list[Program]) -> None:
    """End programs as Ctrl-C does, all at once, then check how each of them took it."""
    for program in programs:
        program.interrupt()
    for program in programs:
        program.stop()
    for program in programs:
        program.end()


def refusal(module: str, *arguments: str) -> str:
    """Run a program that must refuse its arguments; return the one line in which it says why.

    Checks that the exit code is 2, that of a user's mistake.
    """
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]
