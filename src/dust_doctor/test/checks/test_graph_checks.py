import pytest

from dust_doctor.checks.graph import SINGLE, judge_duplicates, judge_executor, judge_types
from dust_doctor.evidence import ExecutorReport
from dust_doctor.finding import Verdict
from dust_doctor.wishes import Robot, Wishes


@pytest.mark.parametrize(
    ("report", "verdict", "words"),
    [
        (ExecutorReport(0), Verdict.OK, "idle"),
        (ExecutorReport(1, "", "pick"), Verdict.OK, "'pick' runs"),
        (ExecutorReport(3, "robot mode is REFLEX"), Verdict.FAIL, "REFLEX"),
        (ExecutorReport(4, "", "pick"), Verdict.WARN, "paused"),
        (None, Verdict.FAIL, "does not run"),
    ],
)
def test_the_executor_is_judged(graph, report, verdict, words):
    found = judge_executor(graph(executor=report))
    assert found.verdict is verdict
    assert words in found.says


def test_a_good_graph_has_nothing_twice(graph):
    assert judge_duplicates(graph(), Wishes()).verdict is Verdict.OK
    assert judge_types(graph()).verdict is Verdict.OK


def test_a_node_that_runs_twice_is_found(graph):
    found = judge_duplicates(
        graph(nodes=("/dust_policy", "/dust_executor", "/dust_policy")), Wishes()
    )
    assert found.verdict is Verdict.FAIL
    assert "/dust_policy runs 2 times" in found.says


@pytest.mark.parametrize("topic", SINGLE)
def test_a_topic_with_two_publishers_is_found(graph, topic):
    found = judge_duplicates(graph(publishers={topic: ("/a", "/b")}), Wishes())
    assert found.verdict is Verdict.FAIL
    assert f"{topic} is published by /a, /b" in found.says


def test_a_node_of_another_build_is_named(graph):
    hashes = {"features": {"/dust_policy": "one", "/dust_perception": "two", "/recorder": "one"}}
    found = judge_types(graph(hashes=hashes))
    assert found.verdict is Verdict.FAIL
    assert "/dust_perception" in found.says
    assert "/recorder" not in found.says
    assert judge_types(graph(hashes={"features": {"/a": "one"}})).verdict is Verdict.SKIP


def test_a_simulated_cell_beside_the_arm_is_found(graph):
    both = graph(nodes=("/dust_sim", "/dust_executor"))
    assert judge_duplicates(both, Wishes()).verdict is Verdict.OK
    found = judge_duplicates(both, Wishes(robot=Robot.FR3))
    assert found.verdict is Verdict.FAIL
    assert "simulated cell" in found.says
