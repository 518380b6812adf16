"""The node in the test's own process: ends at awkward moments, messages that make no sense."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import rclpy
from builtin_interfaces.msg import Time as Stamp
from lifecycle_msgs.msg import Transition
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.parameter import Parameter
from rclpy.task import Future
from sensor_msgs.msg import JointState

from dust_msgs.action import ExecuteTask
from dust_msgs.msg import ExecutorState, Features
from dust_msgs.srv import StartTask
from dust_policy.pace import Powers
from dust_policy.parameters import PARAMETERS
from dust_policy.policy_node import PolicyNode
from support.policy_world import World
from support.probe import Probe

R = ExecuteTask.Result
# Long enough for a machine that is busy with other things.
VALUES = {
    "continuation": "none",
    "max_feature_age": 5.0,
    "max_state_age": 5.0,
    "feature_timeout": 30.0,
    "state_timeout": 30.0,
    "executor_timeout": 20.0,
}


@pytest.fixture
def probe(ros_domain: int) -> Iterator[Probe]:
    """Give a node in the context that the policy node goes to."""
    probe = Probe(ros_domain, context=rclpy.get_default_context())
    yield probe
    probe.close()


@pytest.fixture
def policy(probe: Probe, tiny_checkpoint: Path) -> Iterator[PolicyNode]:
    """Give an active policy node."""
    values = VALUES | {"checkpoint": str(tiny_checkpoint)}

    class Here(PolicyNode):
        parameters = tuple(
            replace(row, default=values.get(row.name, row.default)) for row in PARAMETERS
        )

    node = Here()
    probe.executor.add_node(node)
    node.autostart()
    yield node
    node.close()
    probe.executor.remove_node(node)
    node.destroy_node()


@pytest.fixture
def world(policy: PolicyNode, probe: Probe, tiny_checkpoint: Path) -> Iterator[World]:
    """Give the world around the policy."""
    world = World(probe, tiny_checkpoint)
    yield world
    world.leave()


def hold_start(world: World) -> Callable[[], None]:
    """Let the executor take its time to start a task; return what lets it answer."""
    gate: Future = Future()

    async def start(request: Any, response: Any) -> Any:
        world._start(request, response)
        await gate
        return response

    world.node.destroy_service(world.services[0])
    world.services[0] = world.node.create_service(
        StartTask, "dust_executor/start_task", start, callback_group=ReentrantCallbackGroup()
    )
    return lambda: gate.set_result(None)


def check_end(world: World, goal: Any, words: str) -> None:
    """Check that client and executor are told of the end, and why."""
    result = world.result(goal)
    assert result.error_code == R.NOT_ACTIVE
    assert words in result.error_msg
    assert {request.task_id for request in world.ended} == {world.started[-1].task_id}
    assert world.task_id == ""


def test_a_cleanup_while_the_executor_is_asked_ends_the_task(
    world: World, policy: PolicyNode
) -> None:
    answer = hold_start(world)
    goal = world.send()
    world.probe.wait(lambda: world.started)
    world.change_state(Transition.TRANSITION_DEACTIVATE)
    world.change_state(Transition.TRANSITION_CLEANUP)
    answer()
    check_end(world, goal, "the policy node was deactivated")
    world.change_state(Transition.TRANSITION_CONFIGURE)
    world.change_state(Transition.TRANSITION_ACTIVATE)
    assert world.cancel(world.run(1)).error_code == R.CANCELED


def test_a_shutdown_during_a_task_ends_it(world: World, policy: PolicyNode) -> None:
    goal = world.run(1)
    world.change_state(Transition.TRANSITION_ACTIVE_SHUTDOWN)
    check_end(world, goal, "the policy node was deactivated")


def test_whatever_goes_wrong_at_the_end_is_said_and_the_next_task_runs(
    world: World, policy: PolicyNode, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    goal = world.run(1)
    with monkeypatch.context() as broken:
        broken.setattr(policy, "finish", lambda task: [][0])
        assert world.cancel(goal).error_code == R.CANCELED
    assert "end of the task: IndexError" in capfd.readouterr().err
    assert world.task_id == ""
    assert world.cancel(world.run(1)).error_code == R.CANCELED


def test_a_task_starts_after_its_rehearsal_without_further_features(
    world: World, policy: PolicyNode
) -> None:
    goal = world.send()
    world.probe.wait(lambda: policy._session and policy._session.observation)
    world.sees = False
    world.probe.wait(lambda: world.started)
    assert world.cancel(goal).error_code == R.CANCELED


def test_stamps_that_make_no_sense_end_nothing(world: World, policy: PolicyNode) -> None:
    goal = world.run(1)
    never = Stamp(sec=-1)
    features = Features(instruction=world.instruction, views=["wrist", "side"])
    features.checkpoint = world.fingerprint
    joints = JointState(name=world.joint_names, position=[0.0] * len(world.joint_names))
    state = ExecutorState(mode=world.mode, task_id=world.task_id, last_stamp=never)
    for message in (features, joints, state):
        message.header.stamp = never
    policy._on_features(features)
    policy._on_joint_states(joints)
    assert policy._server.status.states_problem.startswith("joint states are stamped -1.000 s")
    policy._on_executor_state(state)
    world.chunks.clear()
    world.wait_chunks(2)
    assert world.cancel(goal).error_code == R.CANCELED


def test_steps_that_the_head_can_not_take_are_refused(
    world: World, policy: PolicyNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "_powers", Powers(joint_noise=True))
    refused = world.set_parameter("vision_steps", 16)
    assert not refused.successful
    assert "must equal action_steps (4)" in refused.reason
    assert world.set_parameter("vision_steps", 4).successful
    both = [Parameter(name, value=8) for name in ("action_steps", "vision_steps")]
    assert policy.set_parameters_atomically(both).successful
