"""Run a node as a program: clean ends, one clear line for a user's mistake."""

import sys
from collections.abc import Callable, Sequence

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

from dust_node.errors import UserError
from dust_node.lifecycle import DustNode
from dust_node.params_file import check_params_files

EXIT_USER_ERROR = 2


def run(make_node: Callable[[], DustNode], args: Sequence[str] | None = None) -> int:
    """Make the node, start it if `autostart` is set, spin until SIGINT, SIGTERM or shutdown.

    Args:
        make_node: Makes the node; rclpy is initialised by then.
        args: Command line; the process's own when None.

    Returns:
        Exit code: 0 after a clean end, 2 after a user's mistake (one line on stderr).
    """
    arguments = list(sys.argv if args is None else args)
    try:
        check_params_files(arguments)
        _init(arguments)
        return _spin(make_node)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return EXIT_USER_ERROR
    except (KeyboardInterrupt, ExternalShutdownException):
        return 0
    finally:
        rclpy.try_shutdown()


def _init(arguments: list[str]) -> None:
    try:
        rclpy.init(args=arguments)
    except Exception as error:
        # rcl's message names the argument in its first line and repeats itself in the next ones.
        raise UserError(f"ROS arguments: {str(error).splitlines()[0]}") from error


def _spin(make_node: Callable[[], DustNode]) -> int:
    node = make_node()
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        node.autostart()
        executor.spin()
    finally:
        node.close()
        executor.remove_node(node)
        node.destroy_node()
    return 0
