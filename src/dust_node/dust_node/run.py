"""Run a node as a program: clean ends, one clear line for a user's mistake."""

import sys
import threading
import time
from collections.abc import Callable, Sequence

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from dust_node.errors import UserError
from dust_node.interrupts import interruptible, interrupts, uninterrupted
from dust_node.lifecycle import DustNode
from dust_node.params_file import check_params_files

EXIT_USER_ERROR = 2

WIND_DOWN_SEC = 1.0
"""Longest time that a node gets to end what it is doing. Unit: s."""


def run(
    make_node: Callable[[], DustNode],
    args: Sequence[str] | None = None,
    *,
    make_executor: Callable[[], SingleThreadedExecutor] = SingleThreadedExecutor,
) -> int:
    """Make the node, start it if `autostart` is set, spin until SIGINT, SIGTERM or shutdown.

    After a signal the node may still talk to others while it winds down; only then ROS goes. More
    signals change nothing: SIGKILL alone ends what hangs.

    Args:
        make_node: Makes the node; rclpy is initialised by then.
        args: Command line; the process's own when None.
        make_executor: Makes what spins the node.

    Returns:
        Exit code: 0 after a clean end, 2 after a user's mistake (one line on stderr).
    """
    arguments = list(sys.argv if args is None else args)
    try:
        with interruptible(once=True) as interrupted:
            check_params_files(arguments)
            return _start(arguments, make_node, make_executor, interrupted)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return EXIT_USER_ERROR
    except (KeyboardInterrupt, ExternalShutdownException):
        return 0
    finally:
        rclpy.try_shutdown()


def _start(
    arguments: list[str],
    make_node: Callable[[], DustNode],
    make_executor: Callable[[], SingleThreadedExecutor],
    interrupted: threading.Event,
) -> int:
    try:
        with uninterrupted():
            _init(arguments)
        return _run(make_node, make_executor)
    except UserError:
        raise
    except Exception:
        # Some C code turns a KeyboardInterrupt into an error of its own.
        if interrupted.is_set():
            return 0
        raise


def _init(arguments: list[str]) -> None:
    try:
        rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    except Exception as error:
        # rcl's message names the argument in its first line and repeats itself in the next ones.
        raise UserError(f"ROS arguments: {str(error).splitlines()[0]}") from error


def _run(
    make_node: Callable[[], DustNode], make_executor: Callable[[], SingleThreadedExecutor]
) -> int:
    node, executor = None, None
    try:
        with uninterrupted():
            node = make_node()
            executor = make_executor()
            executor.add_node(node)
        node.autostart()
        # Waking the executor alone would not end its wait for something to do.
        nudge = node.create_guard_condition(lambda: None)
        with interrupts(nudge.trigger) as interrupted:
            _spin(executor, node, interrupted)
            # A second signal finds the node at it already.
            node.close()
    finally:
        if node is not None:
            node.close()
            if executor is not None:
                executor.remove_node(node)
            node.destroy_node()
    return 0


def _spin(executor: SingleThreadedExecutor, node: DustNode, interrupted: threading.Event) -> None:
    while not interrupted.is_set():
        executor.spin_once()
    deadline = time.monotonic() + WIND_DOWN_SEC
    while not node.wind_down() and time.monotonic() < deadline:
        executor.spin_once(timeout_sec=0.05)
