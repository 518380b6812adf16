"""Is every part of the graph there once, built from the same messages, and the executor ready?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from dust_doctor.evidence import GraphEvidence
from dust_doctor.finding import Finding, fail, ok, skip, warn, worst
from dust_doctor.wishes import Robot, Wishes

SINGLE = {
    "action_chunk": "two policies would fight over the arm: end one of them",
    "executor_state": "two executors would fight over the arm: end one of them",
    "fr3_arm_controller/joint_trajectory": "only the executor may command the arm: end the other",
    "target_joint": "only the executor may command the arm: end the other",
    "joint_states": "two drivers say where the arm is: end one, or remap it",
}
"""Topics that one node alone may publish, and what to do otherwise."""

_RUNNING, _HOLDING, _STOPPED, _PAUSED = 1, 2, 3, 4


def judge_executor(graph: GraphEvidence) -> Finding:
    """Judge what the executor is doing."""
    executor = graph.executor
    if executor is None:
        return fail("no executor_state: the executor does not run, or is not heard", "start it")
    reason = f": {executor.reason}" if executor.reason else ""
    if executor.mode == _STOPPED:
        return fail(f"stopped{reason}", "mend the cause, then call dust_executor/rearm")
    if executor.mode == _PAUSED:
        return warn(f"task '{executor.task_id}' is paused{reason}", "go on with it, or end it")
    if executor.mode in (_RUNNING, _HOLDING):
        return ok(f"task '{executor.task_id}' runs{reason}")
    return ok("idle")


def judge_duplicates(graph: GraphEvidence, wishes: Wishes) -> Finding:
    """Judge whether something runs twice, or the simulated cell beside the arm."""
    found = [*_twice(graph), *_shared(graph)]
    if wishes.robot is Robot.FR3 and graph.is_simulated_cell:
        remedy = "end it, or give it a ROS_DOMAIN_ID of its own"
        found.append(fail("the simulated cell runs in the same graph as the arm", remedy))
    return worst([*found, ok(f"{len(graph.nodes)} nodes, none twice")])


def _twice(graph: GraphEvidence) -> Iterator[Finding]:
    for name, count in Counter(graph.nodes).items():
        if count > 1:
            remedy = "end the older one (ps aux | grep dust), or give each graph its ROS_DOMAIN_ID"
            yield fail(f"node {name} runs {count} times", remedy)


def _shared(graph: GraphEvidence) -> Iterator[Finding]:
    for topic, remedy in SINGLE.items():
        names = graph.publishers.get(topic, ())
        if len(names) > 1:
            yield fail(f"{topic} is published by {', '.join(sorted(names))}", remedy)


def judge_types(graph: GraphEvidence) -> Finding:
    """Judge whether all nodes take a topic's type for the same: other builds never connect."""
    compared = {topic: nodes for topic, nodes in graph.hashes.items() if len(nodes) > 1}
    if not compared:
        return skip("no topic of dust_msgs has two ends yet")
    for topic, nodes in compared.items():
        common, _ = Counter(nodes.values()).most_common(1)[0]
        other = sorted(name for name, digest in nodes.items() if digest != common)
        if other:
            return fail(
                f"{topic}: {', '.join(other)} was built from other messages, and hears nothing",
                "build the workspace on all machines from the same commit",
            )
    return ok(f"same message types on {len(compared)} topics")
