"""Tests of dust_eval.graph: programs that are started, ended, and never left behind."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from dust_eval.graph import GraphPart, last_lines

PATIENT = """
import signal, sys, time
signal.signal(signal.SIGINT, lambda *_: (print("ends", flush=True), sys.exit(0)))
print(*sys.argv[1:], flush=True)
while True:
    time.sleep(0.05)
"""


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PATIENT)
    return (sys.executable, str(path))


def until(condition, *, seconds=20.0):
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not condition() and time.monotonic() < deadline:
        pause.wait(0.01)
    return condition()


def test_a_part_is_started_with_its_words_and_ended(program, tmp_path):
    part, log = GraphPart(program), tmp_path / "logs" / "part.log"
    process = part.start(["robot:=sim", "policy:=expert"], log=log)
    assert part.running
    assert until(lambda: log.read_text() == "robot:=sim policy:=expert\n")
    part.stop()
    assert (process.returncode, part.running) == (0, False)
    assert part.last_lines() == "robot:=sim policy:=expert\nends"
    part.stop()


def test_a_new_start_ends_what_ran(program, tmp_path):
    part = GraphPart(program)
    first = part.start(["1"], log=tmp_path / "1.log")
    assert until(lambda: (tmp_path / "1.log").read_text())
    part.start(["2"], log=tmp_path / "2.log")
    assert first.returncode == 0
    # Before it listens, an interrupt would be lost where its parents ignore them.
    assert until(lambda: (tmp_path / "2.log").read_text())
    part.stop()


def test_a_part_that_ends_by_itself_is_noticed(tmp_path):
    part = GraphPart((sys.executable, "-c", "print('gone')"))
    part.start([], log=tmp_path / "part.log")
    assert until(lambda: not part.running)
    assert part.last_lines() == "gone"
    part.stop()


def test_a_part_has_its_own_domain_and_process_group(tmp_path):
    code = "import os; print(os.environ['ROS_DOMAIN_ID'], os.getpgid(0) == os.getpid())"
    part = GraphPart((sys.executable, "-c", code), domain_id=42)
    part.start([], log=tmp_path / "part.log")
    assert until(lambda: not part.running)
    assert part.last_lines() == "42 True"
    part.stop()


def test_what_is_not_installed_is_named(tmp_path):
    part = GraphPart(("no-such-program",))
    with pytest.raises(FileNotFoundError, match="no-such-program is not installed"):
        part.start([], log=tmp_path / "part.log")
    assert not part.running
    assert part.last_lines() == ""


def test_nodes_end_with_the_program_that_started_them(program, tmp_path):
    log = tmp_path / "part.log"
    code = (
        "import sys, time; from pathlib import Path; from dust_eval.graph import GraphPart\n"
        f"part = GraphPart({program!r}); process = part.start(['up'], log=Path({str(log)!r}))\n"
        "print(process.pid, flush=True)\n"
        "while True: time.sleep(0.05)"
    )
    owner = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    pid = int(owner.stdout.readline())
    assert until(lambda: log.read_text() == "up\n")
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    assert until(lambda: not Path(f"/proc/{pid}").exists() or _is_zombie(pid))
    assert last_lines(log) == "up\nends"


def _is_zombie(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_the_end_of_a_log(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"".join(b"line %d\n" % number for number in range(50)) + b"\xff end")
    lines = last_lines(log, 3).splitlines()
    assert lines[:2] == ["line 48", "line 49"]
    assert lines[2].endswith(" end")
