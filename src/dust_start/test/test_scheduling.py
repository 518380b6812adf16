"""What a library does to the scheduling of this process is undone."""

import ctypes
import os
import threading
from contextlib import contextmanager

import pytest

from dust_start.scheduling import kept_scheduling

FIFO = (os.SCHED_FIFO, 1)
OTHER = (os.SCHED_OTHER, 0)


def scheduling(tid=0):
    return os.sched_getscheduler(tid), os.sched_getparam(tid).sched_priority


def become(policy, tid=0):
    os.sched_setscheduler(tid, policy[0], os.sched_param(policy[1]))


def thread_handle():
    return ctypes.c_ulong(threading.get_ident())


def become_by_libc(policy):
    priority = ctypes.c_int(policy[1])
    libc = ctypes.CDLL(None)
    assert libc.pthread_setschedparam(thread_handle(), policy[0], ctypes.byref(priority)) == 0


def scheduling_by_libc():
    policy, priority = ctypes.c_int(), ctypes.c_int()
    libc = ctypes.CDLL(None)
    libc.pthread_getschedparam(thread_handle(), ctypes.byref(policy), ctypes.byref(priority))
    return policy.value, priority.value


@pytest.fixture(autouse=True)
def allowed():
    try:
        become(FIFO)
    except PermissionError as error:
        pytest.skip(f"no right to real-time scheduling: {error}")
    become(OTHER)
    yield
    become_by_libc(OTHER)


@contextmanager
def thread():
    """Give the id of a thread that waits."""
    ends = threading.Event()
    waiting = threading.Thread(target=ends.wait)
    waiting.start()
    yield waiting.native_id
    ends.set()
    waiting.join()


def test_the_calling_thread_and_others_get_back_what_they_had():
    with thread() as other:
        become(FIFO, other)
        with kept_scheduling():
            become(FIFO)
            become(OTHER, other)
        assert scheduling() == OTHER
        assert scheduling(other) == FIFO


def test_the_c_library_forgets_it_too():
    """It would tell its copy to all threads that are started later."""
    with kept_scheduling():
        become_by_libc(FIFO)
    assert scheduling() == OTHER
    assert scheduling_by_libc() == OTHER


def test_a_new_thread_gets_that_of_the_caller():
    with kept_scheduling():
        context = thread()
        other = context.__enter__()
        become(FIFO, other)
    assert scheduling(other) == OTHER
    context.__exit__(None, None, None)


def test_an_error_gives_it_back_too():
    def fails():
        become(FIFO)
        raise RuntimeError

    with pytest.raises(RuntimeError), kept_scheduling():
        fails()
    assert scheduling() == OTHER


def test_what_was_real_time_stays_so():
    become(FIFO)
    with kept_scheduling():
        become(OTHER)
    assert scheduling() == FIFO
