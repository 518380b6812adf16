"""The load is there while it should be, and nothing of it stays."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from dust_eval.bench_load import busy_processes, cores


def until(condition, *, seconds=30.0):
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not condition() and time.monotonic() < deadline:
        pause.wait(0.01)
    return condition()


def processor_time(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_busy_processes_compute_and_end():
    with busy_processes(1) as (pid,):
        assert until(lambda: processor_time(pid) > 0.1)
        assert os.getpriority(os.PRIO_PROCESS, pid) == os.getpriority(os.PRIO_PROCESS, 0)
    assert gone(pid)


def test_they_are_never_real_time_programs():
    """As such they would keep their cores, and nothing could end them."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError as error:
        pytest.skip(f"no right to real-time scheduling: {error}")
    try:
        with busy_processes(1) as (pid,):
            assert until(lambda: processor_time(pid) > 0.1)
            assert os.sched_getscheduler(pid) == os.SCHED_OTHER
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def test_they_end_with_an_error_too():
    with pytest.raises(RuntimeError, match="measurement"), busy_processes(2) as pids:
        raise RuntimeError("of the measurement")
    assert len(set(pids)) == 2
    assert all(gone(pid) for pid in pids)


def test_no_load_is_a_load_too():
    with busy_processes(0) as pids:
        assert pids == ()
    assert 1 <= cores() <= (os.cpu_count() or 1)


def test_they_end_with_the_program_that_started_them():
    code = (
        "import time; from dust_eval.bench_load import busy_processes\n"
        "with busy_processes(1) as pids:\n"
        "    print(*pids, flush=True)\n"
        "    while True: time.sleep(0.05)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        assert until(lambda: processor_time(pid) > 0.1)
        owner.send_signal(signal.SIGKILL)
    assert until(lambda: gone(pid))
