"""What a driver's arguments mean where there is no graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from dust_eval.bare.fit import require_fit
from dust_eval.bare.values import node_values
from dust_executor.parameters import PARAMETERS as EXECUTOR
from dust_node.errors import UserError
from dust_node.parameters import Parameter
from dust_perception.parameters import PARAMETERS as PERCEPTION
from dust_policy.parameters import PARAMETERS as POLICY
from dust_sim.parameters import CELL_PARAMETERS
from dust_start.arguments import split
from dust_start.environment import workspace_environment
from dust_start.errors import StartError
from dust_start.graph import Graph

LATENCY = Parameter(
    "latency", 0.13, "Time from an image to the arrival of its chunk.", "s", 0.0, 2.0
)
"""The one argument that a graph does not have: there it is as it is."""

_NODES: Mapping[str, Sequence[Parameter]] = {
    "dust_sim": CELL_PARAMETERS,
    "dust_executor": EXECUTOR,
    "dust_perception": PERCEPTION,
    "dust_policy": POLICY,
}


@dataclass(frozen=True, slots=True)
class BareSettings:
    """Parameters of the parts, as the nodes of a graph would have them.

    Attributes:
        cell: Of dust_sim.
        executor: Of dust_executor.
        perception: Of dust_perception.
        policy: Of dust_policy.
        latency: Time from an image to the arrival of its chunk. Unit: s.
    """

    cell: Mapping[str, Any]
    executor: Mapping[str, Any]
    perception: Mapping[str, Any]
    policy: Mapping[str, Any]
    latency: float

    @classmethod
    def from_words(cls, words: Sequence[str]) -> Self:
        """Read arguments of the graph, each as `name:=value`, and `latency:=seconds`.

        Raises:
            ValueError: An argument is wrong or asks for what only a graph has, or the checkpoint
                can't drive with these.
        """
        rest, latency = _latency(words)
        try:
            graph = Graph.load(workspace_environment())
            values = graph.values(split(["robot:=sim", *rest], graph.arguments))
            specs = {spec.name: spec for spec in graph.nodes(values)}
            if "dust_policy" not in specs:
                raise ValueError("without a graph only a checkpoint can drive: --robot sim")
            found = {name: node_values(specs[name], rows) for name, rows in _NODES.items()}
        except (StartError, UserError) as error:
            raise ValueError(str(error)) from None
        settings = cls(
            found["dust_sim"],
            found["dust_executor"],
            found["dust_perception"],
            found["dust_policy"],
            latency,
        )
        settings._check()
        return settings

    def _check(self) -> None:
        if self.policy["continuation"] not in ("auto", "none"):
            raise ValueError(
                f"continuation:={self.policy['continuation']} goes on from what the executor has "
                "promised, which takes a graph: --robot sim, or continuation:=none"
            )
        if self.policy["schedule"] != "fixed":
            raise ValueError("schedule:=auto measures a graph's time: --robot sim, or fixed")
        require_fit(self.perception, self.policy)


def _latency(words: Sequence[str]) -> tuple[list[str], float]:
    """Take the latency out of the arguments."""
    sign = f"{LATENCY.name}:="
    rest = [word for word in words if not word.startswith(sign)]
    given = [word.removeprefix(sign) for word in words if word.startswith(sign)]
    try:
        value = LATENCY.check(float(given[-1])) if given else LATENCY.default
    except (ValueError, UserError) as error:
        raise ValueError(f"latency:={given[-1]}: {error}") from None
    assert isinstance(value, float)
    return rest, value
