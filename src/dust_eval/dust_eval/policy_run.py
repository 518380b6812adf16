"""Let perception and policy drive the simulated arm for a while, and measure the graph."""

from __future__ import annotations

import time
from pathlib import Path

from dust_eval.cell_client import CellClient, GraphError
from dust_eval.graph import last_lines, running_graph
from dust_eval.probe import GraphReport, Probe
from dust_eval.trial import TrialSpec
from dust_start import index
from dust_start.environment import workspace_environment

SPEC = TrialSpec("box_to_bowl", "blue_cube", 6, ("sponge",))
"""The scene."""

READY_SEC = 120.0
"""Longest time until the graph is up. Unit: s."""

FIRST_CHUNK_SEC = 50.0
"""Longest time from a task's start to its first chunk: perception may still load. Unit: s."""


def shipped_checkpoint() -> Path:
    """Return the folder of the checkpoint that is installed with dust_bringup.

    Raises:
        ValueError: dust_bringup is not installed, or without it.
    """
    share = index.share_of("dust_bringup", workspace_environment())
    if share is None:
        raise ValueError("dust_bringup is not installed: build the workspace (make setup)")
    folder = share / "models" / "tiny"
    if not (folder / "config.json").is_file():
        raise ValueError(f"{folder} is missing: build the workspace anew (make setup)")
    return folder


def run_policy(out: Path, checkpoint: Path, *, seconds: float, domain_id: int) -> GraphReport:
    """Let perception and policy drive the arm for a while and measure the graph.

    Raises:
        GraphError: The graph did not come up or broke; the message ends with its log.
    """
    log = out / "policy.log"
    graph = ["robot:=sim", "policy:=dust", f"checkpoint:={checkpoint}"]
    with (
        running_graph(graph, log=log, domain_id=domain_id) as process,
        CellClient(domain_id=domain_id) as client,
    ):
        try:
            client.wait_ready(timeout_sec=READY_SEC, alive=lambda: process.poll() is None)
            return measure_policy(client, seconds=seconds)
        except (GraphError, TimeoutError, ValueError) as error:
            raise GraphError(f"{error}; the graph's log ends:\n{last_lines(log)}") from error


def measure_policy(client: CellClient, *, seconds: float) -> GraphReport:
    """Run one task for some seconds and return what the graph did meanwhile.

    The cameras stand still before and after, so that every image that was sent is accounted for.

    Raises:
        GraphError: The graph refused or did not answer.
        TimeoutError: No diagnostics came.
        ValueError: No chunk reached the arm.
    """
    probe = Probe(client.node)
    instruction = client.reset(SPEC)
    client.inject_fault("camera_stop")
    before = probe.image_counts(timeout_sec=15)
    client.inject_fault("clear")
    task = client.start_task(instruction, time_limit_sec=seconds + 60)
    end = None
    deadline = time.monotonic() + FIRST_CHUNK_SEC
    while end is None and not probe.chunks and time.monotonic() < deadline:
        end = client.wait_task(task, timeout_sec=0.1)
    # The first chunks pay for warm-up; they are the policy's, not the loop's.
    end = end or client.wait_task(task, timeout_sec=3.0)
    probe.begin()
    end = end or client.wait_task(task, timeout_sec=seconds)
    if end is not None:
        raise GraphError(f"the policy's task ended early: {end.result.error_msg}")
    report = probe.report()
    client.inject_fault("camera_stop")
    after = probe.image_counts(timeout_sec=15)
    client.cancel_task(task)
    sent, received = after[0] - before[0], after[1] - before[1]
    return report.with_images(sent, received)
