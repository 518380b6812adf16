"""Keeps this process's threads from becoming real-time threads behind its back.

A thread of SCHED_FIFO gives its core back only when it waits, and so does all that it starts: one
that computes shuts everything else out, with its own end, too.
"""

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_Scheduling = tuple[int, int]
"""Policy and real-time priority."""


@contextmanager
def kept_scheduling() -> Iterator[None]:
    """Give all threads of this process back, at the end, the scheduling that they had before.

    Threads that were started in between get that of the calling thread. For libraries such as
    SVT-AV1, which as root makes its own threads and the calling one real-time ones.
    """
    own, before = _scheduling(0), _all_scheduling()
    try:
        yield
    finally:
        for tid, found in _all_scheduling().items():
            wanted = before.get(tid, own)
            if found != wanted:
                with suppress(ProcessLookupError):
                    os.sched_setscheduler(tid, wanted[0], os.sched_param(wanted[1]))
        _tell_libc(own)


def _all_scheduling() -> dict[int, _Scheduling]:
    found = {}
    for name in os.listdir("/proc/self/task"):
        with suppress(ProcessLookupError):  # a thread that has ended since
            found[int(name)] = _scheduling(int(name))
    return found


def _scheduling(tid: int) -> _Scheduling:
    return os.sched_getscheduler(tid), os.sched_getparam(tid).sched_priority


def _tell_libc(scheduling: _Scheduling) -> None:
    # The C library keeps its own copy, asks the kernel no more, and hands it to new threads: Fast
    # DDS would make its threads what the copy says.
    priority = ctypes.c_int(scheduling[1])
    thread = ctypes.c_ulong(threading.get_ident())
    ctypes.CDLL(None).pthread_setschedparam(thread, scheduling[0], ctypes.byref(priority))
