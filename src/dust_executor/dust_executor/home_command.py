"""`dust-home`: bring the idle arm home, and wait until it is there.

dust-home                       slowly, in a straight line of joint space; Ctrl-C stops the arm
dust-home --ros-args -r __ns:=/left

Exit code: 0 it is there, 1 it was refused or stopped on its way, 2 a mistake in the call.
"""

import argparse
import sys
import threading
import time
from collections.abc import Sequence

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from std_srvs.srv import Trigger

from dust_msgs.msg import ExecutorState
from dust_node.errors import UserError
from dust_node.interrupts import interrupts
from dust_node.lone_node import lone_node, split_words
from dust_node.qos import SENSOR

REFUSED, MISTAKE = 1, 2
_ANSWER_SEC = 10.0
_LONGEST_SEC = 600.0
_SILENT_SEC = 2.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    own, ros = split_words(sys.argv[1:] if arguments is None else arguments)
    argparse.ArgumentParser(
        "dust-home", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args(own)
    try:
        # Not by KeyboardInterrupt: raised inside of rclpy, it may lose what was just coming.
        with lone_node("dust_home", ros) as node, interrupts(lambda: None) as interrupted:
            return _go(Traveller(node, interrupted))
    except UserError as error:
        print(f"dust-home: {error}", file=sys.stderr)
        return MISTAKE
    except ExternalShutdownException:
        return REFUSED


def _go(traveller: "Traveller") -> int:
    try:
        defect = traveller.go()
    except InterruptedError:
        stopped, why = traveller.ask("stop")
        defect = "interrupted; the arm was stopped, call dust_executor/rearm to go on"
        if not stopped:
            defect = f"interrupted, but the arm was NOT stopped: {why}; use the user stop"
    if defect:
        print(f"dust-home: {defect}", file=sys.stderr)
        return REFUSED
    print("the arm is at home")
    return 0


class Traveller:
    """Asks the executor to bring the arm home, and follows what it says.

    Args:
        node: Node that asks.
        interrupted: Set once somebody wants the arm to stop.
    """

    def __init__(self, node: Node, interrupted: threading.Event) -> None:
        self._node, self._interrupted = node, interrupted
        self._state: ExecutorState | None = None
        node.create_subscription(ExecutorState, "executor_state", self._on_state, SENSOR)

    def go(self) -> str:
        """Bring the arm home; return why it is not there, an empty text if it is.

        Raises:
            InterruptedError: The arm is to stop on its way.
        """
        success, message = self.ask("home")
        if self._interrupted.is_set():
            # Whatever the answer, or none: the arm may be on its way.
            raise InterruptedError
        if not success:
            # To be there already is no failure.
            return "" if "at home already" in message else message
        print(message)
        return self._wait()

    def ask(self, name: str) -> tuple[bool, str]:
        """Call a service of the executor; return its answer."""
        client = self._node.create_client(Trigger, f"dust_executor/{name}")
        if not client.wait_for_service(timeout_sec=_ANSWER_SEC):
            return False, f"nobody offers dust_executor/{name}; is the executor running?"
        future = client.call_async(Trigger.Request())
        rclpy.spin_until_future_complete(self._node, future, timeout_sec=_ANSWER_SEC)
        answer = future.result() if future.done() else None
        if answer is None:
            return False, f"dust_executor/{name} did not answer within {_ANSWER_SEC:g} s"
        return answer.success, answer.message

    def _wait(self) -> str:
        heard = time.monotonic()
        deadline = heard + _LONGEST_SEC
        moved = False
        while time.monotonic() < deadline:
            if self._interrupted.is_set():
                raise InterruptedError
            self._state = None
            rclpy.spin_once(self._node, timeout_sec=0.1)
            state = self._state
            if state is None:
                if time.monotonic() > heard + _SILENT_SEC:
                    return "the executor fell silent; the arm follows what it was sent"
                continue
            heard = time.monotonic()
            if state.mode == ExecutorState.STOPPED:
                return f"stopped: {state.reason}"
            moves = any(state.velocities)
            if moved and not moves:
                return ""
            moved = moved or moves
        return f"the arm is not at home after {_LONGEST_SEC:g} s"

    def _on_state(self, message: ExecutorState) -> None:
        self._state = message


if __name__ == "__main__":
    sys.exit(main())
