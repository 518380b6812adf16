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
import time
from collections.abc import Sequence
from typing import Any

import rclpy
from rclpy.action import ActionClient
from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import Trigger

from dust_msgs.action import ExecuteTask
from dust_node.durations import Row, table
from dust_node.errors import UserError
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
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._client = ActionClient(node, ExecuteTask, _ACTION)
        self._said = 0.0

    def do(self, instruction: str, time_limit: float) -> ExecuteTask.Result:
        """Have a task done; return its end. Ctrl-C cancels it.

        Args:
            instruction: What to do, in words.
            time_limit: Longest time that it may take, s.

        Raises:
            RefusedError: Nobody serves tasks, or it was not accepted.
        """
        if not self._client.wait_for_server(timeout_sec=_ANSWER_SEC):
            raise RefusedError(
                f"nobody serves {_ACTION}; is the graph running, in this ROS domain?"
            )
        goal = ExecuteTask.Goal(instruction=instruction, time_limit=time_limit)
        sent = self._client.send_goal_async(goal, feedback_callback=self._on_feedback)
        try:
            result = self._accepted(sent).get_result_async()
            self._follow(result)
        except KeyboardInterrupt:
            print("canceling: the arm comes to rest", flush=True)
            handle = self._accepted(sent)
            result = handle.get_result_async()
            handle.cancel_goal_async()
            self._wait(result, "the task was canceled, but nobody said that it ended")
        end: ExecuteTask.Result = result.result().result
        return end

    def call(self, name: str) -> str:
        """Call a service of the executor; return what it says.

        Raises:
            RefusedError: Nobody offers it, or it was refused.
        """
        client = self._node.create_client(Trigger, f"dust_executor/{name}")
        if not client.wait_for_service(timeout_sec=_ANSWER_SEC):
            raise RefusedError(f"nobody offers dust_executor/{name}; is the executor running?")
        asked = client.call_async(Trigger.Request())
        answer = self._wait(asked, f"dust_executor/{name} did not answer")
        if not answer.success:
            raise RefusedError(answer.message)
        return str(answer.message) or "done"

    def close(self) -> None:
        """Leave the graph."""
        self._client.destroy()

    def _accepted(self, sent: Future) -> Any:
        handle = self._wait(sent, f"{_ACTION} did not answer")
        if not handle.accepted:
            raise RefusedError("the task was not accepted; the log of its server says why")
        return handle

    def _follow(self, result: Future) -> None:
        """Wait for the end of the task, as long as there is somebody who does it."""
        there = time.monotonic()
        while not result.done():
            # In turns: a long wait would not hear Ctrl-C.
            rclpy.spin_once(self._node, timeout_sec=_TURN_SEC)
            if self._client.server_is_ready():
                there = time.monotonic()
            elif time.monotonic() > there + _GONE_SEC:
                raise RefusedError(
                    "whoever did the task is gone; the executor brings the arm to rest"
                )

    def _wait(self, future: Future, otherwise: str) -> Any:
        deadline = time.monotonic() + _ANSWER_SEC
        while not future.done():
            if time.monotonic() > deadline:
                raise RefusedError(f"{otherwise} within {_ANSWER_SEC:g} s")
            rclpy.spin_once(self._node, timeout_sec=_TURN_SEC)
        return future.result()

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
        with lone_node("dust_task", ros) as node:
            return _run(Tasker(node), options)
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
    except KeyboardInterrupt:
        print("dust-task: interrupted", file=sys.stderr)
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
