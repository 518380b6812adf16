"""A terminal, played by a pty: keys come at once, and everything is restored."""

import io
import os
import pty
import termios

import pytest

from dust_demos.teleop.terminal import Terminal


@pytest.fixture
def ends():
    """The master's descriptor and the slave as an open file."""
    master, slave = pty.openpty()
    with os.fdopen(slave, "r+b", buffering=0) as file:
        yield master, file
    os.close(master)


def test_keys_come_without_enter_and_without_echo(ends):
    master, slave = ends
    before = termios.tcgetattr(slave.fileno())
    sink = io.StringIO()
    with Terminal(slave, sink) as terminal:
        assert terminal.read(0.01) == b""
        os.write(master, b"w\x1b[A")
        assert terminal.read(1.0) == b"w\x1b[A"
        local = termios.tcgetattr(slave.fileno())[3]
        assert not local & (termios.ECHO | termios.ICANON)
        assert local & termios.ISIG
        terminal.status("ready")
        terminal.status("ready")
        terminal.say("told")
    assert termios.tcgetattr(slave.fileno()) == before
    assert sink.getvalue() == "\r\x1b[Kready\r\x1b[Ktold\nready\r\x1b[K"


def test_it_is_restored_after_an_error_too(ends):
    _, slave = ends
    before = termios.tcgetattr(slave.fileno())
    with pytest.raises(KeyboardInterrupt), Terminal(slave, io.StringIO()):
        raise KeyboardInterrupt
    assert termios.tcgetattr(slave.fileno()) == before


def test_a_terminal_that_goes_away_ends_the_reading():
    master, slave = pty.openpty()
    with os.fdopen(slave, "r+b", buffering=0) as file, Terminal(file, io.StringIO()) as terminal:
        os.close(master)
        assert terminal.read(1.0) is None


def test_a_pipe_is_no_terminal():
    reader, writer = os.pipe()
    os.close(writer)
    with (
        os.fdopen(reader, "rb") as file,
        pytest.raises(ValueError, match="needs a terminal") as told,
    ):
        Terminal(file, io.StringIO())
    assert "\n" not in str(told.value)
