"""Parameter values of a node as the graph would start it, without starting it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from dust_node.errors import UserError
from dust_node.lifecycle import AUTOSTART
from dust_node.parameters import Parameter, Value
from dust_node.params_file import check_params_file
from dust_start.graph import NodeSpec
from dust_start.sections import matches

# What rclpy declares by itself, and what every node of ours has.
_BUILT_IN = (AUTOSTART.name, "use_sim_time", "start_type_description_service")


def node_values(spec: NodeSpec, rows: Iterable[Parameter]) -> dict[str, Value]:
    """Return a node's parameter values: the files' over the defaults, the arguments' over both.

    Args:
        spec: The node, with its parameter files and what arguments make of it.
        rows: Its parameters.

    Raises:
        UserError: A file can't be read, names an unknown parameter, or a value is not what its
            parameter takes.
    """
    known = {row.name: row for row in rows}
    given: dict[str, Any] = {}
    for path in spec.parameter_files:
        found = _file_values(path, _full_name(spec))
        _refuse_unknown(spec.name, found, known, path)
        given |= found
    given |= spec.parameters
    return {name: row.check(given.get(name, row.default)) for name, row in known.items()}


def _refuse_unknown(
    node: str, given: Iterable[str], known: Mapping[str, Parameter], path: Path
) -> None:
    for name in given:
        if name in known or name in _BUILT_IN or name.startswith("qos_overrides."):
            continue
        near = get_close_matches(name, known, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise UserError(f"parameter file {path}: {node} has no parameter '{name}'{hint}")


def _full_name(spec: NodeSpec) -> str:
    namespace = spec.namespace.strip("/")
    return f"/{namespace}/{spec.name}" if namespace else f"/{spec.name}"


def _file_values(path: Path, node: str) -> dict[str, Any]:
    check_params_file(path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"parameter file {path} cannot be read: {error.strerror}") from error
    values: dict[str, Any] = {}
    for pattern, section in _sections(content):
        if matches(pattern, node):
            values |= dict(_flat(section))
    return values


def _sections(content: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what stands under each `ros__parameters`, and for which nodes it is meant."""
    for key, value in content.items():
        if key == "ros__parameters":
            yield above, value
        elif isinstance(value, Mapping):
            yield from _sections(value, f"{above}/{str(key).strip('/')}")


def _flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield values by their whole names: groups are joined by dots."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
