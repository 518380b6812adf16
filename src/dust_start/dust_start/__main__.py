"""`python -m dust_start name:=value ...`: what franka.launch.py starts, without launch_ros."""

import signal
import sys
import threading
from collections.abc import Mapping, Sequence

from dust_start import arguments
from dust_start.conditions import Scalar
from dust_start.dds import profile_variables
from dust_start.environment import workspace_environment
from dust_start.errors import StartError
from dust_start.graph import Graph
from dust_start.process import Sink
from dust_start.starter import Starter

EXIT_USER_ERROR = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Start the graph and keep it until it ends or a signal comes; return the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    environment = workspace_environment()
    try:
        graph = Graph.load(environment)
        if any(word in ("-h", "--help", "-s", "--show-args") for word in words):
            print(f"{__doc__}\n\nArguments:\n{arguments.describe(graph.arguments)}")
            return 0
        values = graph.values(arguments.split(words, graph.arguments))
        if values["robot"] == "fr3":
            raise StartError(
                f"robot:={values['robot']} needs ROS 2 from apt: ros2 launch dust_bringup "
                f"franka.launch.py robot:={values['robot']}"
            )
        return run(graph, values, environment)
    except StartError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_USER_ERROR


def run(graph: Graph, values: Mapping[str, Scalar], environment: Mapping[str, str]) -> int:
    """Run the nodes for checked values until one of them ends or SIGINT, SIGTERM, SIGHUP."""
    specs = graph.nodes(values)
    graph.check_installed([spec.package for spec in specs], environment)
    stopped = _on_signal()
    with Starter(node_environment(graph, values, environment), prefixed_output()) as starter:
        starter.start(specs)
        ended = None
        while ended is None and not stopped.is_set():
            ended = starter.watch(0.2)
        if ended is not None:
            print(f"{ended.spec.name} ended with exit code {ended.returncode}: stopping all nodes")
        killed = starter.stop()
    if killed:
        print(f"error: had to kill {', '.join(killed)}", file=sys.stderr)
    if ended is not None:
        concluded = ended.spec.concludes and ended.returncode == 0 and not killed
        return 0 if concluded else max(ended.returncode or 0, 0) or 1
    return 1 if killed else 0


def node_environment(
    graph: Graph, values: Mapping[str, Scalar], environment: Mapping[str, str]
) -> dict[str, str]:
    """Add the Fast DDS profile, unless the user has set one, and colours on a terminal."""
    colours = {"RCUTILS_COLORIZED_OUTPUT": "1"} if sys.stdout.isatty() else {}
    return {**colours, **environment, **profile_variables(graph.dds_profile(values), environment)}


def prefixed_output() -> Sink:
    """Return a sink that prints every line with its node's name before it."""
    lock = threading.Lock()

    def show(name: str, line: str) -> None:
        with lock:
            print(f"[{name}] {line}", flush=True)

    return show


def _on_signal() -> threading.Event:
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stopped.set())
    return stopped


if __name__ == "__main__":
    sys.exit(main())
