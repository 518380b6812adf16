"""A cable that is pulled between two machines, played inside the network namespace of the robot's.

`python -m support.partition GPU CABLE FOLDER`: cell, executor and the operator run here, whoever
drives runs in the namespace GPU; CABLE is our end of what connects them. Exit code 0: all was as
it should be.
"""

import os
import subprocess
import sys
from pathlib import Path

from dust_msgs.action import ExecuteTask
from support.rig import running_rig

MISSED = (
    ExecuteTask.Result.NO_FEATURES,
    ExecuteTask.Result.NO_JOINT_STATES,
    ExecuteTask.Result.EXECUTOR_UNAVAILABLE,
    ExecuteTask.Result.EXECUTOR_STOPPED,
)

OWN_MEMORY = 'mount -t tmpfs tmpfs /dev/shm && exec "$@"'
"""Shell script that runs its arguments without the shared memory of the machine."""


def within(namespace: str) -> tuple[str, ...]:
    """Return the words before a command that runs in a namespace as on another machine."""
    return ("ip", "netns", "exec", namespace, "sh", "-c", OWN_MEMORY, "sh")


def main(gpu: str, cable: str, folder: Path) -> None:
    """Play it."""
    with running_rig(int(os.environ["ROS_DOMAIN_ID"]), folder) as rig:
        rig.start_cell()
        rig.start_executor()
        rig.start_expert(within=within(gpu))
        rig.ready()
        # It reports by the simulated clock; a task that comes before the clock is refused.
        rig.wait_told("dust_expert", "waiting for a task")
        result = rig.begin_motion()
        plug(cable, "down")
        rig.wait_mode("HOLDING", "the actions ran out; the arm comes to rest")
        rig.check_rest_after(rig.last_action())
        rig.wait_mode("STOPPED", "no valid chunk for 2 s")
        rig.check_stays_stopped()
        plug(cable, "up")
        end = rig.end_of(result)
        # Whoever drives says what it has missed first.
        assert end.error_code in MISSED, end.error_msg
        rig.check_stays_stopped()
        rig.rearm()
        rig.begin_motion()
        rig.check_limits()


def plug(cable: str, state: str) -> None:
    """Set our end of the cable up or down."""
    subprocess.run(["ip", "link", "set", cable, state], check=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
