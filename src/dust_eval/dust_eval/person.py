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
        at_terminal: Whether somebody types each answer after its question; None: whether the source
            is a terminal. The lines of a pipe are there before their questions.
    """

    def __init__(
        self,
        source: TextIO | None = None,
        sink: TextIO | None = None,
        *,
        at_terminal: bool | None = None,
    ) -> None:
        self._source = source or sys.stdin
        self._sink = sink or sys.stderr
        self._at_terminal = self._source.isatty() if at_terminal is None else at_terminal
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, name="person", daemon=True).start()

    def say(self, text: str) -> None:
        """Tell the person something."""
        print(text, file=self._sink, flush=True)

    def forget(self) -> None:
        """Let what was typed so far answer nothing that is said from now on.

        Raises:
            LeaveError: There was a q: whoever wants to stop has not read on.
        """
        while self._at_terminal:
            try:
                line = self._lines.get_nowait()
            except queue.Empty:
                return
            self._require_stay(line)

    def ask(self, question: str, *, anew: bool = False) -> str:
        """Return the answer to a question, without blanks around it.

        Args:
            question: What is asked.
            anew: What was typed before the question is no answer to it; see `forget`.

        Raises:
            LeaveError: The answer is q, or there will be no more answers.
        """
        if anew:
            self.forget()
        print(f"{question} ", end="", file=self._sink, flush=True)
        return self._require_stay(self._lines.get())

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

    def _require_stay(self, line: str | None) -> str:
        if line is None or line.strip().lower() == "q":
            self._lines.put(None)  # whoever asks next learns the same
            raise LeaveError
        return line.strip()

    def _read(self) -> None:
        for line in self._source:
            self._lines.put(line)
        self._lines.put(None)
