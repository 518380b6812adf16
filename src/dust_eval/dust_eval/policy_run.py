"""Let perception and policy drive the simulated arm for a while, and measure the graph."""

from __future__ import annotations

import time
from pathlib import Path

from dust_eval.cell_client import CellClient, GraphError
from dust_eval.driver import Driver
from dust_eval.probe import GraphReport, Probe
from dust_eval.running_cell import running_cell
from dust_eval.trial import TrialSpec

SPEC = TrialSpec("box_to_bowl", "blue_cube", 6, ("sponge",))
"""The scene."""

FIRST_CHUNK_SEC = 50.0
"""Longest time from a task's start to its first chunk: perception may still load. Unit: s."""


def run_policy(out: Path, driver: Driver, *, seconds: float) -> GraphReport:
    """Let perception and policy drive the arm for a while and measure the graph.

    Raises:
        GraphError: The graph did not come up or broke; the message ends with its log.
    """
    with running_cell(driver.words, log=out / "policy.log") as cell:
        try:
            return measure_policy(cell.client, seconds=seconds)
        except ValueError as error:
            raise GraphError(str(error)) from error


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
