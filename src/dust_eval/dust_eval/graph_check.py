"""Whether a graph can run with its arguments, told before anything is started or written.

What would only fail in the nodes, minutes later, is a user's mistake on the command line: wrong
parameters, a checkpoint that does not fit, an argument that would change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dust_eval.fit import require_fit
from dust_eval.node_values import node_values
from dust_executor.parameters import PARAMETERS as EXECUTOR
from dust_executor.parameters import settings_from
from dust_node.errors import UserError
from dust_node.parameters import Parameter, Value
from dust_perception.parameters import PARAMETERS as PERCEPTION
from dust_policy.parameters import PARAMETERS as POLICY
from dust_sim.parameters import CELL_PARAMETERS, EXPERT_PARAMETERS
from dust_start.arguments import split
from dust_start.environment import workspace_environment
from dust_start.errors import StartError
from dust_start.graph import Graph

PARAMETERS: Mapping[str, Sequence[Parameter]] = {
    "dust_sim": CELL_PARAMETERS,
    "dust_executor": EXECUTOR,
    "dust_expert": EXPERT_PARAMETERS,
    "dust_perception": PERCEPTION,
    "dust_policy": POLICY,
}
"""Parameters of the nodes that carry a trial out."""

OWN: Mapping[str, str] = {
    "robot": "",
    "policy": "--checkpoint",
    "checkpoint": "--checkpoint",
    "machine": "",
    "namespace": "",
    "teleop": "",
    "use_sim_time": "",
    "real_time_factor": "",
    "record": "",
}
"""Arguments of the graph that programs of this package set themselves -> the option that decides.

An empty text stands for none."""

# What the launch file and the middleware take, which is no node's: seen in no NodeSpec.
_OUTSIDE_NODES = ("dds", "cameras", "wrist_serial", "side_serial", "camera_model")

Values = dict[str, dict[str, Value]]
"""Node -> its parameter values."""


def require_free(words: Sequence[str], own: Mapping[str, str] = OWN) -> None:
    """Raise ValueError if one of a user's arguments is the program's own affair, or comes twice.

    Args:
        words: The user's arguments of the graph, each as `name:=value`.
        own: Arguments that the program sets -> the option that decides them; empty: none does.
    """
    names = [word.partition(":=")[0] for word in words]
    for name, word in zip(names, words, strict=True):
        if name in own:
            remedy = f"give {own[name]} instead" if own[name] else "leave it out"
            raise ValueError(f"{word}: the program sets '{name}' itself: {remedy}")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        given = " and ".join(w for n, w in zip(names, words, strict=True) if n == twice)
        raise ValueError(f"{given}: argument '{twice}' is given twice: decide for one")


def parameter_values(words: Sequence[str]) -> Values:
    """Return the parameter values that a graph's nodes would have, of those in PARAMETERS.

    Args:
        words: Arguments of the graph, each as `name:=value`.

    Raises:
        ValueError: An argument, a parameter file or a value is wrong, or a package is missing; one
            line.
    """
    environment = workspace_environment()
    graph = Graph.load(environment)
    specs = graph.nodes(graph.values(split(words, graph.arguments)))
    graph.check_installed([spec.package for spec in specs], environment)
    try:
        return {
            spec.name: node_values(spec, PARAMETERS[spec.name])
            for spec in specs
            if spec.name in PARAMETERS
        }
    except UserError as error:
        raise ValueError(str(error)) from None


def require_graph(words: Sequence[str]) -> None:
    """Raise ValueError, one line, unless a graph can be started, and its policy can drive.

    Args:
        words: Arguments of the graph, each as `name:=value`.
    """
    values = parameter_values(words)
    if "dust_executor" in values:
        require_executor(values["dust_executor"])
    if "dust_policy" in values:
        require_fit(values["dust_perception"], values["dust_policy"])


def require_executor(values: Mapping[str, Value]) -> None:
    """Raise ValueError unless an executor can be made of its parameters."""
    try:
        settings_from(values)
    except UserError as error:
        raise ValueError(str(error)) from None


def require_effect(words: Sequence[str], given: Sequence[str]) -> None:
    """Raise ValueError if the graph would be the same without one of the user's arguments.

    Args:
        words: Arguments of the graph that the program sets, each as `name:=value`.
        given: The user's.
    """
    graph = Graph.load(workspace_environment())
    whole = graph.values(split([*words, *given], graph.arguments))
    for word in given:
        name = word.partition(":=")[0]
        others = [other for other in given if other != word]
        try:
            less = graph.values(split([*words, *others], graph.arguments))
        except StartError:
            continue  # without it the others could not be
        if name in _OUTSIDE_NODES or less[name] == whole[name]:
            continue
        if graph.nodes(less) == graph.nodes(whole):
            raise ValueError(f"{word} changes nothing in what is started here: leave it out")
