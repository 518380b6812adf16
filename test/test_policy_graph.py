"""Whole graph: cell, perception, an untrained tiny policy and executor run together."""

import pytest

from dust_eval.cell_client import CellClient
from dust_eval.graph import last_lines, running_graph
from dust_eval.policy_run import measure_policy

FACTOR = 0.4
"""Speed is measured by `make bench`; here the machine may be busy with anything."""


@pytest.mark.timeout(300)
def test_images_become_motion_within_limits(ros_domain, tmp_path, tiny_checkpoint):
    log = tmp_path / "graph.log"
    arguments = ["robot:=sim", "policy:=dust", f"checkpoint:={tiny_checkpoint}"]
    arguments += ["use_sim_time:=true", f"real_time_factor:={FACTOR}"]
    with (
        running_graph(arguments, log=log, domain_id=ros_domain) as process,
        CellClient(domain_id=ros_domain, use_sim_time=True) as client,
    ):
        client.wait_ready(timeout_sec=120, alive=lambda: process.poll() is None)
        client.audit(reset=True)
        report = measure_policy(client, seconds=5 / FACTOR)
        audit = client.audit(reset=False)
    assert report.accepted >= 5, last_lines(log, 40)
    assert report.frames_published >= 60
    assert report.frames_lost == 0
    assert report.latency_p95 < 5
    assert audit.samples > 5_000
    assert sum(audit.outside) == 0
    assert process.returncode == 0, last_lines(log, 40)
    assert "Traceback" not in log.read_text()
