"""`dust-task`: give the running graph a task in words, follow it, and say how it ended.

dust-task "Pick up the blue cube on the brown box and place it in the golden bowl."
dust-task --time-limit 30 "..."    Ctrl-C cancels it: the arm comes softly to rest
dust-task --rearm                  allow tasks again after a stop for cause; the cause must be gone
dust-task --stop                   stop for cause: nothing moves until it is rearmed
dust-task "..." --ros-args -r __ns:=/left

Exit code: 0 it ended as it should, 1 it did not or was refused, 2 a mistake in the call.
"""

import argparse
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import rclpy
from rclpy.action import ActionClient
from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import Trigger

from dust_msgs.action import ExecuteTask
from dust_node.durations import Row, table
from dust_node.errors import UserError
from dust_node.interrupts import interrupts
from dust_node.lone_node import lone_node, split_words

FAILED, MISTAKE = 1, 2
_ANSWER_SEC = 30.0
_SAY_SEC = 1.0
_TURN_SEC = 0.1
_GONE_SEC = 3.0
_ACTION = "execute_task"


class RefusedError(Exception):
    """The graph does not do what it was asked; the message is the reason, in one line."""


class Tasker:
    """Asks the graph, and follows what it says.

    Args:
        node: Node that asks.
        interrupted: Set once somebody wants to leave: a task is canceled then.
    """

    def __init__(self, node: Node, interrupted: threading.Event) -> None:
        self._node, self._interrupted = node, interrupted
        self._client = ActionClient(node, ExecuteTask, _ACTION)
        self._said = 0.0

    def do(self, instruction: str, time_limit: float) -> ExecuteTask.Result:
        """Have a task done; return its end.

        Args:
            instruction: What to do, in words.
            time_limit: Longest time that it may take, s.

        Raises:
            RefusedError: Nobody serves tasks, or it was not accepted.
        """
        missing = f"nobody serves {_ACTION}; is the graph running, in this ROS domain?"
        self._wait(self._client.server_is_ready, missing)
        goal = ExecuteTask.Goal(instruction=instruction, time_limit=time_limit)
        sent = self._client.send_goal_async(goal, feedback_callback=self._on_feedback)
        self._wait(sent.done, f"{_ACTION} did not answer within {_ANSWER_SEC:g} s", patient=True)
        handle: Any = sent.result()
        if not handle.accepted:
            raise RefusedError("the task was not accepted; the log of its server says why")
        result = handle.get_result_async()
        self._follow(result)
        if not result.done():
            print("canceling: the arm comes to rest", flush=True)
            handle.cancel_goal_async()
            unknown = "the task was canceled, but nobody said that it ended"
            self._wait(result.done, unknown, patient=True)
        end: ExecuteTask.Result = result.result().result
        return end

    def call(self, name: str) -> str:
        """Call a service of the executor; return what it says.

        Raises:
            RefusedError: Nobody offers it, or it was refused.
        """
        client = self._node.create_client(Trigger, f"dust_executor/{name}")
        missing = f"nobody offers dust_executor/{name}; is the executor running?"
        self._wait(client.service_is_ready, missing)
        asked = client.call_async(Trigger.Request())
        self._wait(asked.done, f"dust_executor/{name} did not answer within {_ANSWER_SEC:g} s")
        answer: Any = asked.result()
        if not answer.success:
            raise RefusedError(answer.message)
        return str(answer.message) or "done"

    def close(self) -> None:
        """Leave the graph."""
        self._client.destroy()

    def _follow(self, result: Future) -> None:
        """Wait for the end of the task, or an interrupt, as long as somebody does the task."""
        there = time.monotonic()
        while not result.done() and not self._interrupted.is_set():
            rclpy.spin_once(self._node, timeout_sec=_TURN_SEC)
            if self._client.server_is_ready():
                there = time.monotonic()
            elif time.monotonic() > there + _GONE_SEC:
                raise RefusedError(
                    "whoever did the task is gone; the executor brings the arm to rest"
                )

    def _wait(
        self, condition: Callable[[], bool], otherwise: str, *, patient: bool = False
    ) -> None:
        """Spin until a condition holds.

        Args:
            condition: What is waited for.
            otherwise: What is wrong when it does not hold in time.
            patient: Wait although somebody wants to leave: there is something to be canceled.
        """
        deadline = time.monotonic() + _ANSWER_SEC
        while not condition():
            if self._interrupted.is_set() and not patient:
                raise RefusedError("interrupted")
            if time.monotonic() > deadline:
                raise RefusedError(otherwise)
            rclpy.spin_once(self._node, timeout_sec=_TURN_SEC)

    def _on_feedback(self, message: Any) -> None:
        now, feedback = time.monotonic(), message.feedback
        if now < self._said + _SAY_SEC:
            return
        self._said = now
        steps = f", N_A {feedback.action_steps}, N_o {feedback.vision_steps}"
        print(
            f"{feedback.elapsed_time:6.1f} s: {feedback.chunks} chunks, {feedback.buffer:.2f} s "
            f"ahead{steps if feedback.action_steps else ''}{', paused' * feedback.paused}",
            flush=True,
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    own, ros = split_words(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(own)
    try:
        # Not by KeyboardInterrupt: raised inside of rclpy, it may lose what was just coming.
        with lone_node("dust_task", ros) as node, interrupts(lambda: None) as interrupted:
            return _run(Tasker(node, interrupted), options)
    except UserError as error:
        print(f"dust-task: {error}", file=sys.stderr)
        return MISTAKE


def _run(tasker: Tasker, options: argparse.Namespace) -> int:
    try:
        if options.service:
            print(tasker.call(options.service))
            return 0
        return _report(tasker.do(options.instruction, options.time_limit))
    except RefusedError as error:
        print(f"dust-task: {error}", file=sys.stderr)
    finally:
        tasker.close()
    return FAILED


def _report(end: ExecuteTask.Result) -> int:
    """Print how a task ended; return the exit code for that."""
    rows = [Row(row.stage, row.count, row.median, row.p95, row.p99) for row in end.latency]
    if rows:
        print(table(rows))
    print(f"{end.chunks} chunks in {end.elapsed_time:.1f} s", flush=True)
    if end.error_code == ExecuteTask.Result.NONE:
        print("ended as it should")
        return 0
    print(f"dust-task: {end.error_msg or f'error {end.error_code}'}", file=sys.stderr)
    return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "dust-task", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("instruction", nargs="?", help="what to do, in words")
    for name in ("rearm", "stop"):
        what.add_argument(f"--{name}", dest="service", action="store_const", const=name)
    parser.add_argument(
        "--time-limit", type=_seconds, default=60.0, metavar="S", help="s, at most 3600"
    )
    return parser


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most 3600 s")
    return value


if __name__ == "__main__":
    sys.exit(main())
