"""The system's clock is set back under the running node: a library answers for it."""

import ctypes
import mmap
import shutil
import subprocess
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

from builtin_interfaces.msg import Time
from sensor_msgs.msg import JointState

from dust_msgs.msg import ExecutorState
from dust_msgs.srv import StartTask
from support.probe import Probe
from support.program import Program

NS = 1_000_000_000
NAMES = [f"fr3_joint{index}" for index in range(1, 8)]
HOME = np.array([0, -np.pi / 4, 0, -3 * np.pi / 4, 0, np.pi / 2, np.pi / 4])
# CLOCK_REALTIME is that many nanoseconds away from the truth, by the first eight bytes of a file.
SOURCE = """
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile long long *offset;

__attribute__((constructor)) static void open_offset(void) {
  int file = open(getenv("CLOCK_OFFSET"), O_RDONLY);
  offset = mmap(0, 8, PROT_READ, MAP_SHARED, file, 0);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  int failed = syscall(SYS_clock_gettime, clock, time);
  if (failed || clock != CLOCK_REALTIME || !offset) return failed;
  long long now = time->tv_sec * 1000000000LL + time->tv_nsec + *offset;
  time->tv_sec = now / 1000000000LL;
  time->tv_nsec = now % 1000000000LL;
  return 0;
}
"""

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")


class Machine(Probe):
    """An arm at rest on a machine whose clock can be set."""

    patience_sec = 20.0

    def __init__(self, domain_id: int, folder: Path) -> None:
        super().__init__(domain_id)
        (folder / "offset").write_bytes(bytes(8))
        self._file = (folder / "offset").open("r+b")
        self._memory = mmap.mmap(self._file.fileno(), 8)
        self._offset = ctypes.c_longlong.from_buffer(self._memory)
        (folder / "clock.c").write_text(SOURCE)
        library = folder / "clock.so"
        build = ["cc", "-shared", "-fPIC", "-o", str(library), str(folder / "clock.c")]
        subprocess.run(build, check=True)
        self.words = ["env", f"LD_PRELOAD={library}", f"CLOCK_OFFSET={folder / 'offset'}"]
        self.states = self.listen(ExecutorState, "executor_state")
        self.joints = self.node.create_publisher(JointState, "joint_states", 10)
        self.timer = self.node.create_timer(1 / 30, self._publish)

    def set_clock(self, seconds: float) -> None:
        """Set the clock that far away from the truth."""
        self._offset.value = round(seconds * NS)

    def start_task(self) -> bool:
        """Ask for a task; return whether it has begun."""
        request = {"task_id": "task", "source": "test"}
        return bool(self.call(StartTask, "dust_executor/start_task", **request).success)

    def situation(self) -> str:
        return f"last state {self.states[-1:]}"

    def close(self) -> None:
        del self._offset
        self._memory.close()
        self._file.close()
        super().close()

    def _publish(self) -> None:
        now = self.node.get_clock().now().nanoseconds + self._offset.value
        message = JointState(name=NAMES, position=array("d", HOME))
        message.velocity = array("d", [0.0] * 7)
        message.header.stamp = Time(sec=now // NS, nanosec=now % NS)
        self.joints.publish(message)


@pytest.fixture
def machine(fresh_ros_domain: int, tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(fresh_ros_domain, tmp_path)
    yield machine
    machine.close()


def test_a_clock_that_is_set_back_is_noticed_at_once_and_blinds_nobody(
    machine: Machine, tmp_path: Path
) -> None:
    log = tmp_path / "node.log"
    node = Program("dust_executor.executor_node", log=log, within=machine.words)
    machine.wait(machine.start_task)
    machine.wait(lambda: machine.states[-1].mode == ExecutorState.HOLDING)
    machine.set_clock(-60.0)
    # A timer by that clock would be silent for a minute.
    machine.wait(lambda: machine.states[-1].mode == ExecutorState.STOPPED, timeout_sec=5.0)
    assert machine.states[-1].reason.startswith("the clock jumped by -")
    machine.states.clear()
    machine.wait(lambda: len(machine.states) > 10, timeout_sec=5.0)
    node.end()
