"""Reads config/cell.yaml: arguments in, list of nodes to start out."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dust_start import arguments, index
from dust_start.arguments import Argument
from dust_start.conditions import Scalar, applies, holds
from dust_start.errors import StartError
from dust_start.sections import check_sections

_PLACEHOLDER = re.compile(r"\$\((\w+)\)")


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """One node to start.

    `required`: when it ends, the graph ends; `concludes`: that is how the graph ends as it should.
    """

    name: str
    package: str
    executable: str
    namespace: str = ""
    parameter_files: tuple[Path, ...] = ()
    parameters: Mapping[str, Scalar] = field(default_factory=dict)
    remappings: tuple[tuple[str, str], ...] = ()
    arguments: tuple[str, ...] = ()
    required: bool = True
    concludes: bool = False


class Graph:
    """The described graph. `nodes` answers what to start for a set of arguments."""

    def __init__(self, share: Path, description: Mapping[str, Any]) -> None:
        self.share = share
        self.arguments: dict[str, Argument] = arguments.declare(description["arguments"])
        self._description = description

    @classmethod
    def load(cls, environment: Mapping[str, str] = os.environ) -> "Graph":
        """Read the description that is installed with dust_bringup.

        Raises:
            StartError: dust_bringup is not in the ament index of `environment`
        """
        share = index.share_of("dust_bringup", environment)
        if share is None:
            raise StartError(
                "package dust_bringup is not installed: build the workspace (make setup, or "
                "colcon build) and source it"
            )
        text = (share / "config" / "cell.yaml").read_text(encoding="utf-8")
        return cls(share, yaml.safe_load(text))

    def values(self, given: Mapping[str, str]) -> dict[str, Scalar]:
        """Check given arguments and complete them.

        Args:
            given: texts by argument name; what is left out takes its default

        Returns:
            values of all arguments, and the derived `share` and `namespaced`

        Raises:
            StartError: a wrong value, or a combination that cannot run
        """
        values = arguments.parse(given, self.arguments)
        arguments.check_namespace(str(values["namespace"]))
        # Others put theirs around it: franka.launch.py, the ZED wrapper.
        values["namespace"] = str(values["namespace"]).strip("/")
        values["share"] = str(self.share)
        values["namespaced"] = values["namespace"] != ""
        for name, rules in self._description["automatic"].items():
            if values[name] == "auto":
                chosen = next(rule["choose"] for rule in rules if applies(rule, values))
                values[name] = _fill(chosen, values)
        for refused in self._description["refused"]:
            if applies(refused, values):
                named = [*refused["when"], *refused.get("unless", {})]
                said = " ".join(f"{name}:={_text(values[name])}" for name in named)
                raise StartError(f"{said}: {refused['because']}")
        return values

    def nodes(self, values: Mapping[str, Scalar]) -> list[NodeSpec]:
        """Return the nodes to start for values from `values`, in order.

        Raises:
            StartError: a parameter file is not YAML, or has a section that reaches no node
        """
        entries = self._description["nodes"]
        self._check_parameter_files(entries, values)
        return [self._node(entry, values) for entry in entries if applies(entry, values)]

    def dds_profile(self, values: Mapping[str, Scalar]) -> Path | None:
        """Return the Fast DDS profile to use, None to leave the user's own."""
        choice = values["dds"]
        if choice == "auto":
            choice = "local" if values["machine"] == "all" else "network"
        if choice == "system":
            return None
        name = "fastdds.xml" if choice == "local" else "fastdds_network.xml"
        return self.share / "config" / name

    def check_installed(
        self, packages: Sequence[str], environment: Mapping[str, str] = os.environ
    ) -> None:
        """Raise StartError, with what installs them, if packages are missing."""
        missing = [name for name in packages if index.prefix_of(name, environment) is None]
        if not missing:
            return
        by_hint: dict[str, list[str]] = {}
        for name in dict.fromkeys(missing):
            hint = self._description["install"].get(name, "build the workspace: make setup")
            by_hint.setdefault(hint, []).append(name)
        distro = environment.get("ROS_DISTRO", "jazzy")
        told = [f"{', '.join(names)}: {hint}" for hint, names in by_hint.items()]
        raise StartError(f"not installed: {'; '.join(told).replace('{distro}', distro)}")

    def _node(self, entry: Mapping[str, Any], values: Mapping[str, Scalar]) -> NodeSpec:
        all_or_nothing = holds(self._description["all_or_nothing"]["when"], values)
        return NodeSpec(
            name=entry["name"],
            package=entry["package"],
            executable=entry["executable"],
            namespace=str(values["namespace"]),
            parameter_files=self._parameter_files(entry, values),
            parameters=_filled(entry.get("parameters", {}), values),
            remappings=_remappings(entry.get("remappings", []), values),
            arguments=tuple(str(_fill(word, values)) for word in entry.get("node_arguments", [])),
            required=all_or_nothing and not entry.get("optional", False),
            concludes=entry.get("conclusion", False),
        )

    def _check_parameter_files(
        self, entries: Sequence[Mapping[str, Any]], values: Mapping[str, Scalar]
    ) -> None:
        own = {entry["name"]: _full_name(entry["name"], values) for entry in entries}
        for entry in entries:
            if applies(entry, values):
                for path in self._own_files(entry, values):
                    check_sections(path, [own[entry["name"]]], every=False)
        if values["params_file"]:
            check_sections(Path(str(values["params_file"])), own.values(), every=True)

    def _parameter_files(
        self, entry: Mapping[str, Any], values: Mapping[str, Scalar]
    ) -> tuple[Path, ...]:
        files = self._own_files(entry, values)
        if values["params_file"]:
            files.append(Path(str(values["params_file"])))
        return tuple(files)

    def _own_files(self, entry: Mapping[str, Any], values: Mapping[str, Scalar]) -> list[Path]:
        """Return the node's parameter files, none, one or several: later ones override."""
        named = entry.get("parameter_file", [])
        files = [named] if isinstance(named, str) else named
        return [self.share / str(_fill(file, values)) for file in files]


def _full_name(name: str, values: Mapping[str, Scalar]) -> str:
    namespace = str(values["namespace"]).strip("/")
    return f"/{namespace}/{name}" if namespace else f"/{name}"


def _filled(parameters: Mapping[str, Any], values: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Fill in arguments; a parameter whose argument is empty is left to the parameter file."""
    filled = {name: _fill(value, values) for name, value in parameters.items()}
    return {name: value for name, value in filled.items() if value != ""}


def _fill(value: Any, values: Mapping[str, Scalar]) -> Scalar:
    if not isinstance(value, str):
        return value
    whole = _PLACEHOLDER.fullmatch(value)
    if whole:
        return values[whole[1]]  # keeps its type
    return _PLACEHOLDER.sub(lambda match: _text(values[match[1]]), value)


def _remappings(
    groups: Sequence[Mapping[str, Any]], values: Mapping[str, Scalar]
) -> tuple[tuple[str, str], ...]:
    return tuple(
        (old, new)
        for group in groups
        if holds(group.get("when", {}), values)
        for old, new in group.items()
        if old != "when"
    )


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
