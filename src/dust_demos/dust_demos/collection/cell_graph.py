"""The graph that demonstrations are taken with: cell, executor, expert, recorder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from dust_demos.collection.settings import CollectionSettings

_MAX_LAG = 0.05
"""Stalls are not caught up with: bursts of simulated time would starve other nodes. Unit: s."""

_BLOCK = 10
"""Each node reads the clock at each block; the usual 5 ms would cost a fifth more. Unit: ms."""

_MAX_AHEAD = 0.5
"""A node learns of simulated time by a message, others may have it earlier. Unit: s."""

_MAX_PATIENCE = 5.0  # the ranges of the nodes' timeouts end there

_MAX_LEAD, _MAX_CHUNK_LEAD = 0.06, 0.3
"""The cell waits for executor and expert, which speak every 0.033 s and 0.2 s. Unit: s."""

_MIN_RATE = (13.0, 13.0, 25.0, 15.0)
"""Of the topics in gates.topics of config/recorder.yaml.

The executor skips turns when it is starved; its state tells the next half second. Unit: Hz.
"""

_MAX_AGE = 0.5
"""Of images and states when they reach the recorder; stamps are exact all the same. Unit: s."""


def graph_arguments(settings: CollectionSettings, out: Path) -> list[str]:
    """Return the arguments of the starter, and write the parameter file that they name.

    All nodes follow the cell's clock, whatever its pace: where the machine is slow, so is the
    clock, and nothing else is different.
    """
    parameters = out / "parameters.yaml"
    parameters.write_text(yaml.safe_dump(node_parameters(settings)), encoding="utf-8")
    return [
        "robot:=sim",
        "policy:=expert",
        "use_sim_time:=true",
        f"real_time_factor:={settings.real_time_factor:g}",
        f"record:={out.resolve()}",
        f"params_file:={parameters.resolve()}",
    ]


def node_parameters(settings: CollectionSettings) -> dict[str, Any]:
    """Return the content of the nodes' parameter file."""
    # How late a message or a process may be is a matter of wall time; limits are the cell's time.
    patience = min(max(1.0, settings.real_time_factor), _MAX_PATIENCE)
    sections = {
        "dust_sim": {
            "variation": settings.variation,
            "start_spread": settings.start_spread,
            "start_astray": settings.start_astray,
            "max_lag": _MAX_LAG * patience,
            "max_lead": _MAX_LEAD,
            "max_chunk_lead": _MAX_CHUNK_LEAD,
            "block": _BLOCK,
        },
        "dust_expert": {"perturbation": settings.perturbation, "state_timeout": 2.0 * patience},
        "dust_executor": {
            "watchdog.joint_state_timeout": 1.0 * patience,
            "watchdog.chunk_timeout": 2.0 * patience,
            "chunk.max_age": 1.0 * patience,
        },
        "dust_recorder": {
            "gates.min_rate": list(_MIN_RATE),
            "gates.max_age": [_MAX_AGE * patience] * len(_MIN_RATE),
            "gates.max_ahead": _MAX_AHEAD * patience,
        },
    }
    return {f"/**/{name}": {"ros__parameters": values} for name, values in sections.items()}


def told_by(log: Path) -> str:
    """Return what a graph's log tells of a node that ended, for the end of an error message.

    The nodes that are ended after it fill the log's last lines with nothing that helps.
    """
    lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
    ended = [line for line in lines if " ended with exit code " in line]
    if not ended:
        return f"; see {log}"
    name = ended[0].split()[0]
    own = [line for line in lines if line.startswith(f"[{name}] ")]
    said = own[-1].removeprefix(f"[{name}] ").strip() if own else "it said nothing"
    return f": {ended[0].split(':')[0]} ({said}); see {log}"
