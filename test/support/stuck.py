"""Ends a session of tests that hangs, and says where.

The time-out of a test is a signal that Python answers between two of its instructions. A thread
that waits in C for something that never comes, and keeps the interpreter's lock, never gets there:
then nothing would end the session.
"""

import faulthandler
import os
from collections.abc import Generator

import pytest

_GRACE_SEC = float(os.environ.get("DUST_TEST_GRACE_SEC", "180"))

_stderr = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    # While a test runs, number 2 is a file that keeps what it prints.
    config.stash[_stderr] = os.dup(2)


def pytest_unconfigure(config: pytest.Config) -> None:
    os.close(config.stash[_stderr])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Print all stacks and exit with 1 if a test goes on for long after its time is out."""
    seconds = _time_of(item) + _GRACE_SEC
    faulthandler.dump_traceback_later(seconds, exit=True, file=item.config.stash[_stderr])
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


def _time_of(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0] if marker else item.config.getini("timeout"))
