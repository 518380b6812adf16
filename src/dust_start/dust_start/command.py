"""The command line of a node, as launch_ros would write it."""

import json
from collections.abc import Mapping
from pathlib import Path

from dust_start import index
from dust_start.errors import StartError
from dust_start.graph import NodeSpec


def command_line(spec: NodeSpec, environment: Mapping[str, str]) -> list[str]:
    """Return program and arguments that start a node.

    Args:
        spec: the node
        environment: the environment it will run in; its ament index is searched

    Raises:
        StartError: the package has no such executable
    """
    program = index.executable_of(spec.package, spec.executable, environment)
    if program is None:
        raise StartError(
            f"package {spec.package} has no executable '{spec.executable}': build the workspace"
        )
    return [str(program), *spec.arguments, *_ros_arguments(spec)]


def _ros_arguments(spec: NodeSpec) -> list[str]:
    words = ["--ros-args", "-r", f"__node:={spec.name}"]
    if spec.namespace:
        words += ["-r", f"__ns:=/{spec.namespace.strip('/')}"]
    for path in spec.parameter_files:
        words += ["--params-file", str(_existing(path))]
    for name, value in spec.parameters.items():
        # JSON is YAML: the text "off" stays a text
        words += ["-p", f"{name}:={json.dumps(value)}"]
    for old, new in spec.remappings:
        words += ["-r", f"{old}:={new}"]
    return words


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise StartError(f"parameter file {path} does not exist: build the workspace anew")
    return path
