"""What a driver's arguments mean where there is no graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from dust_eval.fit import require_fit
from dust_eval.graph_check import parameter_values, require_executor
from dust_node.errors import UserError
from dust_node.parameters import Parameter
from dust_sim.scene import CAMERAS
from dust_start.environment import workspace_environment
from dust_start.graph import Graph

LATENCY = Parameter(
    "latency", 0.13, "Time from an image to the arrival of its chunk.", "s", 0.0, 2.0
)
"""The one argument that a graph does not have: there it is as it is."""

_TAKEN = (
    "policy",
    "checkpoint",
    "device",
    "action_steps",
    "vision_steps",
    "schedule",
    "continuation",
    "merge",
    "execute_actions",
    "params_file",
)
"""The graph's arguments that mean something here."""


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
        _require_taken(rest)
        found = parameter_values(["robot:=sim", *rest])
        if "dust_policy" not in found:
            raise ValueError("without a graph only a checkpoint can drive: --robot sim")
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
        require_executor(self.executor)
        require_fit(self.perception, self.policy, cameras=CAMERAS)


def _require_taken(words: Sequence[str]) -> None:
    """Raise ValueError if an argument is known to a graph, but would change nothing here."""
    known = Graph.load(workspace_environment()).arguments
    for word in words:
        name = word.partition(":=")[0]
        if name in known and name not in _TAKEN:
            raise ValueError(f"{word} takes a graph: --robot sim, or leave it out")


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
