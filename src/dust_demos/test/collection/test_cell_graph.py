"""The graph's arguments and parameters are ones that it has."""

import pytest
import yaml

from dust_demos.collection.cell_graph import graph_arguments, node_parameters, told_by
from dust_demos.collection.settings import CollectionSettings
from dust_executor.parameters import PARAMETERS as EXECUTOR
from dust_sim.parameters import CELL_PARAMETERS, EXPERT_PARAMETERS
from dust_start import arguments
from dust_start.environment import workspace_environment
from dust_start.graph import Graph


@pytest.mark.parametrize("factor", [0.1, 1.0, 2.5, 50.0])
def test_parameters_are_within_their_ranges(factor):
    sections = node_parameters(CollectionSettings(real_time_factor=factor))
    rows = {
        "dust_sim": CELL_PARAMETERS,
        "dust_expert": EXPERT_PARAMETERS,
        "dust_executor": EXECUTOR,
    }
    for node, declared in rows.items():
        known = {row.name: row for row in declared}
        for name, value in sections[f"/**/{node}"]["ros__parameters"].items():
            assert known[name].check(value) == value


def test_the_graph_takes_its_arguments_and_runs_what_is_needed(tmp_path):
    settings = CollectionSettings(real_time_factor=1.5, variation=0.25)
    words = graph_arguments(settings, tmp_path)
    graph = Graph.load(workspace_environment())
    values = graph.values(arguments.split(words, graph.arguments))
    nodes = {spec.name: spec for spec in graph.nodes(values)}
    assert set(nodes) == {"dust_sim", "dust_executor", "dust_expert", "dust_recorder"}
    assert nodes["dust_sim"].parameters["real_time_factor"] == 1.5
    assert nodes["dust_sim"].parameters["publish_clock"] is True
    assert nodes["dust_recorder"].parameters["folder"] == str(tmp_path)
    assert all(spec.parameters.get("use_sim_time", True) for spec in nodes.values())
    written = yaml.safe_load((tmp_path / "parameters.yaml").read_text())
    assert written["/**/dust_sim"]["ros__parameters"]["variation"] == 0.25


LOG = """[dust_sim] [INFO] [1.0] [dust_sim]: cell is up
[dust_recorder] Traceback (most recent call last):
[dust_recorder] OSError: no space left
[dust_executor] [INFO] [1.0] [dust_executor]: gripper interface: dust
dust_recorder ended with exit code 1: stopping all nodes
[dust_expert] KeyboardInterrupt
"""


def test_a_graphs_log_is_read_for_the_node_that_ended_first(tmp_path):
    log = tmp_path / "graph.log"
    assert told_by(log) == f"; see {log}"
    log.write_text(LOG)
    said = "dust_recorder ended with exit code 1 (OSError: no space left)"
    assert told_by(log) == f": {said}; see {log}"
    log.write_text("[dust_sim] all is well\n")
    assert told_by(log) == f"; see {log}"
