"""Whole graph: cell, scripted expert and executor carry out trials within the robot's limits."""

from pathlib import Path

import pytest

from dust_eval.cell_client import CellClient
from dust_eval.graph import last_lines, running_graph
from dust_eval.protocol import load_protocol
from dust_eval.runner import run_trial
from dust_eval.trial import TrialSpec

ROOT = Path(__file__).parents[1]
READY_SEC = 120.0


# A machine that is busy with other things stalls all nodes together; that is not what is tested.
PATIENT = """
/**/dust_executor: {ros__parameters: {watchdog.joint_state_timeout: 3.0}}
/**/dust_expert: {ros__parameters: {state_timeout: 3.0}}
"""


@pytest.fixture
def graph(ros_domain, tmp_path):
    """A running graph of cell, expert and executor, without cameras, and its client."""
    log = tmp_path / "graph.log"
    patient = tmp_path / "patient.yaml"
    patient.write_text(PATIENT)
    arguments = ["robot:=sim", "policy:=expert", "cameras:=false", f"params_file:={patient}"]
    with (
        running_graph(arguments, log=log, domain_id=ros_domain) as process,
        CellClient(domain_id=ros_domain) as client,
    ):
        client.wait_ready(timeout_sec=READY_SEC, alive=lambda: process.poll() is None)
        yield client
    assert process.returncode == 0, last_lines(log, 40)
    assert "Traceback" not in log.read_text()


@pytest.mark.timeout(300)
def test_a_canceled_task_leaves_the_arm_at_rest_and_the_next_one_is_done_within_limits(graph):
    instruction = graph.reset(TrialSpec("plate_to_basket", "sponge", 1))
    graph.audit(reset=True)
    task = graph.start_task(instruction, time_limit_sec=60)
    assert graph.wait_task(task, timeout_sec=3.0) is None
    end = graph.cancel_task(task)
    assert end.result.error_code == end.result.CANCELED
    audit = graph.audit(reset=False)
    assert sum(audit.outside) == 0
    result = run_trial(graph, TrialSpec("plate_to_basket", "sponge", 1), time_limit_sec=60)
    assert result.score == 1, result.reason
    assert result.samples > 5_000
    assert result.outside == 0
    assert all(0 < share <= 1 for share in result.peak)
    assert result.chunks > 10


# Beside test_faults_arm.py's: with the evaluation's own client.
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_reflex_stops_for_cause_until_it_is_rearmed(graph):
    instruction = graph.reset(TrialSpec("box_to_plate", "sponge", 0))
    task = graph.start_task(instruction, time_limit_sec=60)
    assert graph.wait_task(task, timeout_sec=2.0) is None
    graph.inject_fault("reflex")
    end = graph.wait_task(task, timeout_sec=20)
    assert end is not None
    assert end.result.error_code == end.result.EXECUTOR_STOPPED
    refused = graph.wait_task(graph.start_task(instruction, time_limit_sec=60), timeout_sec=20)
    assert refused is not None
    assert refused.result.error_code == refused.result.EXECUTOR_STOPPED
    assert "rearm" in refused.result.error_msg


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_papers_96_trials(graph):
    protocol = load_protocol(ROOT / "config" / "protocol.yaml")
    results = []
    for spec in protocol.specs:
        graph.wait_idle()
        results.append(run_trial(graph, spec, time_limit_sec=protocol.time_limit_sec))
    assert sum(result.score for result in results) >= 92
    assert sum(result.outside for result in results) == 0
    assert min(result.samples for result in results) > 5_000
