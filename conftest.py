"""What all tests share: a ROS domain of their own, and nothing left behind at the end.

Nodes in processes, a node to talk to them, a checkpoint, and an end to what hangs: test/support.
"""

import os
import signal
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings

from dust_start import shared_memory
from dust_start.dds import profile_variables
from dust_start.domain import claimed_domain, taken_domains

pytest.register_assert_rewrite("support")
pytest_plugins = ("support.fixtures", "support.stuck")

# `make test` draws the same examples every time, so a red run says something about the change;
# `make test-all` draws new ones. No deadline: that says more about a busy machine than the code.
settings.register_profile("repeat", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile("repeat")

ROOT = Path(__file__).resolve().parent
# Every process that a test starts inherits this, also one whose parent has died.
SESSION = f"DUST_TEST_SESSION={uuid.uuid4()}"
REAL_TIME = {os.SCHED_FIFO, os.SCHED_RR}


def pytest_configure(config: pytest.Config) -> None:
    name, _, value = SESSION.partition("=")
    os.environ[name] = value
    os.environ.update(profile_variables(ROOT / "config" / "fastdds.xml"))
    os.environ.setdefault("MUJOCO_GL", "egl")


@pytest.fixture(scope="session")
def ros_domain() -> Iterator[int]:
    """Give a ROS_DOMAIN_ID that nobody else on this machine tests with, set in os.environ."""
    with claimed_domain() as number:
        before = os.environ.get("ROS_DOMAIN_ID")
        os.environ["ROS_DOMAIN_ID"] = str(number)
        yield number
        if before is None:
            del os.environ["ROS_DOMAIN_ID"]
        else:
            os.environ["ROS_DOMAIN_ID"] = before


@pytest.fixture
def fresh_ros_domain(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Give a ROS_DOMAIN_ID to one test alone: nothing of another test's nodes is heard."""
    with claimed_domain() as number:
        monkeypatch.setenv("ROS_DOMAIN_ID", str(number))
        yield number


@pytest.fixture(autouse=True)
def no_real_time_threads() -> Iterator[None]:
    """Fail a test that leaves real-time threads here: what the following tests start would be."""
    yield
    found = set()
    for thread in os.listdir("/proc/self/task"):
        with suppress(ProcessLookupError):
            found.add(os.sched_getscheduler(int(thread)))
    if found & REAL_TIME:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        pytest.fail(f"threads with the scheduling policies {found & REAL_TIME} were left")


@pytest.fixture(scope="session")
def orphaned_in() -> dict[str, str]:
    """Give the test file after which each file in shared memory was first seen without an owner."""
    return {}


@pytest.fixture(scope="module", autouse=True)
def orphans_are_noted(
    request: pytest.FixtureRequest, orphaned_in: dict[str, str]
) -> Iterator[None]:
    """Note what a test file leaves in shared memory: at the end of a session nobody knew who."""
    yield
    for name in shared_memory.orphans(shared_memory.segments()):
        orphaned_in.setdefault(name, request.path.name)


@pytest.fixture(scope="session", autouse=True)
def nothing_left_behind(orphaned_in: dict[str, str]) -> Iterator[None]:
    """Fail the session if it leaves processes or shared memory behind, and remove them."""
    before = shared_memory.segments()
    yield
    processes = _left_processes()
    for pid in processes:
        os.kill(pid, signal.SIGKILL)
    memory = shared_memory.remove_orphans(shared_memory.segments() - before)
    if taken_domains():
        memory = set()  # another test session runs: perhaps it was theirs
    assert not processes, f"tests left processes: {', '.join(processes.values())}"
    left = ", ".join(f"{name} ({orphaned_in.get(name, 'a moment ago')})" for name in sorted(memory))
    assert not memory, f"tests left shared memory of killed nodes: {left}"


def _left_processes() -> dict[int, str]:
    """Return pid and command line of the living processes that this session started."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        pid = int(folder.name)
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue  # not ours, or gone
        helper = "resource_tracker" in command  # multiprocessing's own, ends with us
        if pid != os.getpid() and SESSION.encode() in environment and command and not helper:
            found[pid] = command.strip()
    return found
