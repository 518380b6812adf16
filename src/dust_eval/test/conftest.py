"""What the tests of a person's questions share: somebody at a terminal."""

import queue

import pytest

from dust_eval.person import Person


class Keys:
    """A terminal's keyboard."""

    def __init__(self):
        self.lines = queue.Queue()

    def isatty(self):
        return True

    def __iter__(self):
        while True:
            yield self.lines.get()
            self.lines.task_done()  # who reads wants the next line when it has kept this one

    def type(self, *lines):
        """Type lines; they have been read when this returns."""
        for line in lines:
            self.lines.put(f"{line}\n")
        self.lines.join()


class Typist(Person):
    """Types lines as soon as something is shown: part of a text -> lines."""

    def __init__(self, reactions=(), **settings):
        self.keys, self.shown, self.reactions = Keys(), [], dict(reactions)
        super().__init__(self.keys, self, **settings)

    def write(self, text):
        self.shown.append(text)
        for part, lines in self.reactions.items():
            if part in text:
                self.keys.type(*lines)

    def flush(self):
        pass


@pytest.fixture
def typist():
    """Return a function that seats somebody at a terminal; see Typist."""
    return Typist
