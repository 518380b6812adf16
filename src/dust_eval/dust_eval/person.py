"""A person at the table: reads what to do, says what came of it."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Mapping
from typing import TextIO


class LeaveError(Exception):
    """The person wants to stop here, or there is nobody to answer."""


class RepeatError(Exception):
    """The person wants the trial again; what came of it does not count."""


class Person:
    """Asks questions, one line at a time, without ever blocking the program elsewhere.

    Args:
        source: Where answers come from.
        sink: Where questions go.
    """

    def __init__(self, source: TextIO | None = None, sink: TextIO | None = None) -> None:
        self._source = source or sys.stdin
        self._sink = sink or sys.stderr
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, name="person", daemon=True).start()

    def say(self, text: str) -> None:
        """Tell the person something."""
        print(text, file=self._sink, flush=True)

    def ask(self, question: str) -> str:
        """Return the answer to a question, without blanks around it.

        Raises:
            LeaveError: The answer is q, or there will be no more answers.
        """
        print(f"{question} ", end="", file=self._sink, flush=True)
        line = self._lines.get()
        if line is None or line.strip().lower() == "q":
            self._lines.put(None)  # whoever asks next learns the same
            raise LeaveError
        return line.strip()

    def choose(self, question: str, options: Mapping[str, str]) -> str:
        """Ask until one of the options is named.

        Args:
            question: What is asked.
            options: What may be typed -> what it means.

        Returns:
            What was typed.

        Raises:
            LeaveError: See `ask`.
        """
        listed = ", ".join(f"{key} {meaning}" for key, meaning in options.items())
        while (answer := self.ask(f"{question} ({listed}; q stop):").lower()) not in options:
            self.say(f"'{answer}' is none of {', '.join(options)}")
        return answer

    def pressed(self) -> bool:
        """Return whether a line was entered since the last question or call."""
        try:
            line = self._lines.get_nowait()
        except queue.Empty:
            return False
        if line is None:
            self._lines.put(None)
        return True

    def _read(self) -> None:
        for line in self._source:
            self._lines.put(line)
        self._lines.put(None)
