"""A session that hangs in C ends, with its stacks; see support/stuck.py."""

import os
import subprocess
import sys
from pathlib import Path

SUPPORT = Path(__file__).parents[1]

HANGS = """
import ctypes

def test_that_hangs():
    mutex = ctypes.create_string_buffer(64)
    for _ in range(2):  # with the interpreter's lock: no signal's handler can run
        ctypes.PyDLL(None).pthread_mutex_lock(mutex)
"""
WAITS = """
import threading

def test_that_waits():
    threading.Event().wait(60)

def test_after_it(tmp_path):
    assert not list(tmp_path.iterdir())
"""


def run(tmp_path, code, *, grace):
    (tmp_path / "test_one.py").write_text(code)
    command = [sys.executable, "-m", "pytest", "-p", "support.stuck", "-o", "timeout=0.5", "-q"]
    variables = {
        "PYTHONPATH": str(SUPPORT),
        "DUST_TEST_GRACE_SEC": str(grace),
        "PATH": os.environ["PATH"],
    }
    return subprocess.run(
        command,
        cwd=tmp_path,
        env=variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_session_that_hangs_in_c_ends_and_says_where(tmp_path):
    session = run(tmp_path, HANGS, grace=0.5)
    assert session.returncode == 1
    assert session.stderr.startswith("Timeout (0:00:01)!\n")
    assert 'test_one.py", line 7 in test_that_hangs' in session.stderr


def test_what_its_own_time_out_ends_is_left_to_it(tmp_path):
    session = run(tmp_path, WAITS, grace=30)
    assert session.returncode == 1
    assert "Failed: Timeout (>0.5s)" in session.stdout
    assert "1 failed, 1 passed" in session.stdout
    assert session.stderr == ""
