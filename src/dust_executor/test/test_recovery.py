"""Recovery on request: the cell's service, and an action of another type as a stand-in."""

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

from rclpy.action import ActionServer, GoalResponse
from std_srvs.srv import Trigger

from dust_executor import recovery
from dust_executor.recovery import SIMULATED, Recovery, error_recovery, still_needed
from dust_msgs.action import Gripper

ACTION = "action_server/error_recovery"


def outcome(probe, asked: Recovery):
    task = probe.executor.create_task(asked.recover)
    probe.wait(task.done)
    return task.result()


@pytest.fixture
def served(probe):
    """Return a function that serves the action; it accepts, then ends as told."""
    servers = []

    def serve(*, accept: bool = True, succeed: bool = True):
        def execute(handle):
            handle.succeed() if succeed else handle.abort()
            return Gripper.Result()

        answer = GoalResponse.ACCEPT if accept else GoalResponse.REJECT
        server = ActionServer(probe.node, Gripper, ACTION, execute, goal_callback=lambda _: answer)
        servers.append(server)
        asked = Recovery(probe.node, ACTION, kind=Gripper)
        servers.append(asked)
        probe.wait(asked._action.server_is_ready)
        return asked

    yield serve
    for server in reversed(servers):
        server.close() if isinstance(server, Recovery) else server.destroy()


@pytest.mark.parametrize(
    ("behaviour", "success", "words"),
    [
        ({}, True, ""),
        ({"succeed": False}, False, "could not recover"),
        ({"accept": False}, False, "refused"),
    ],
)
def test_the_robots_answer_is_handed_on(probe, served, behaviour, success, words):
    found = outcome(probe, served(**behaviour))
    assert found[0] is success
    assert words in found[1]


def test_a_robot_that_never_answers_is_given_up(probe, served, monkeypatch):
    monkeypatch.setattr(recovery, "TIMEOUT", 0.2)
    asked = served()
    asked._action.server_is_ready = lambda: True
    asked._action.send_goal_async = lambda goal: recovery_future()
    assert outcome(probe, asked) == (False, f"{ACTION} did not answer within 0.2 s")


def recovery_future():
    from rclpy.task import Future

    return Future()


def test_the_cell_is_asked_where_there_is_no_robot(probe):
    calls = []

    def answer(request, response):
        calls.append(request)
        response.success = True
        return response

    service = probe.node.create_service(Trigger, SIMULATED, answer)
    asked = Recovery(probe.node, ACTION)
    probe.wait(asked._service.service_is_ready)
    assert outcome(probe, asked) == (True, "")
    assert len(calls) == 1
    asked.close()
    probe.node.destroy_service(service)


def test_nobody_there_is_said(probe):
    asked = Recovery(probe.node, "no/such/action")
    success, words = outcome(probe, asked)
    asked.close()
    assert not success
    assert "nobody offers no/such/action" in words
    assert ("franka_msgs is not installed" in words) == (error_recovery() is None)


def test_what_is_left_to_do_is_told():
    assert still_needed(real=False, stopped=False) == "nothing else is needed"
    assert still_needed(real=False, stopped=True) == "still needed: call dust_executor/rearm"
    real = still_needed(real=True, stopped=True)
    assert real.index("set_hardware_component_state") < real.index("switch_controllers")
    assert real.endswith("call dust_executor/rearm")
