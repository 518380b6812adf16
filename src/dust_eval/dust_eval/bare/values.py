"""Parameter values of a node as the graph would start it, without starting it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from dust_node.errors import UserError
from dust_node.parameters import Parameter, Value
from dust_node.params_file import check_params_file
from dust_start.graph import NodeSpec
from dust_start.sections import matches


def node_values(spec: NodeSpec, rows: Iterable[Parameter]) -> dict[str, Value]:
    """Return a node's parameter values: the files' over the defaults, the arguments' over both.

    Args:
        spec: The node, with its parameter files and what arguments make of it.
        rows: Its parameters.

    Raises:
        UserError: A file can't be read, or a value is not what its parameter takes.
    """
    given: dict[str, Any] = {}
    for path in spec.parameter_files:
        given |= _file_values(path, _full_name(spec))
    given |= spec.parameters
    return {row.name: row.check(given.get(row.name, row.default)) for row in rows}


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
