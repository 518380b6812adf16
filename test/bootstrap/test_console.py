import sys

import pytest

from bootstrap.console import Console, SetupError


def test_a_commands_output_is_kept_quiet_if_it_works(capfd):
    seen = []
    Console().run([sys.executable, "-S", "-c", "print('one\\ntwo')"], describe=seen.append)
    assert seen == ["one", "two"]
    assert "one" not in "".join(capfd.readouterr())


def test_a_last_line_without_an_end_counts():
    seen = []
    Console().run([sys.executable, "-S", "-c", "print('one', end='')"], describe=seen.append)
    assert seen == ["one"]


def test_a_failing_commands_last_lines_are_shown(capfd):
    program = "import sys; print('why'); sys.exit(3)"
    with pytest.raises(SetupError, match="failed with exit code 3"):
        Console().run([sys.executable, "-S", "-c", program], describe=lambda line: None)
    assert "why" in capfd.readouterr().err


def test_steps_tell_the_time(capsys):
    Console().step("Workspace")
    assert capsys.readouterr().out == "[    0 s] Workspace\n"
