"""Service calls that wait without blocking: answers, silence, nobody there."""

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from std_srvs.srv import Trigger

from dust_demos.teleop.services import call


@pytest.fixture
def settle(ros_domain):
    """Two nodes, and a function that spins both until a coroutine is done."""
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=ros_domain)
    asking, answering = Node("asking", context=context), Node("answering", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(asking)
    executor.add_node(answering)

    def until_done(coroutine):
        task = executor.create_task(coroutine)
        executor.spin_until_future_complete(task, timeout_sec=20)
        return task.result()

    until_done.asking, until_done.answering = asking, answering
    until_done.executor = executor
    yield until_done
    executor.shutdown()
    asking.destroy_node()
    answering.destroy_node()
    context.shutdown()
    context.destroy()


def found(settle, client):
    """Spin until a service is discovered."""
    for _ in range(500):
        if client.service_is_ready():
            return client
        settle.executor.spin_once(timeout_sec=0.02)
    pytest.fail("the service was not discovered")


def test_an_answer_comes_back(settle):
    def answer(_, response):
        response.message = "here"
        return response

    settle.answering.create_service(Trigger, "there", answer)
    client = found(settle, settle.asking.create_client(Trigger, "there"))
    response = settle(call(settle.asking, client, Trigger.Request(), timeout_sec=10.0))
    assert response.message == "here"


def test_nobody_there_is_told_at_once(settle):
    client = settle.asking.create_client(Trigger, "nowhere")
    with pytest.raises(ConnectionError, match="nobody offers"):
        settle(call(settle.asking, client, Trigger.Request(), timeout_sec=10.0))


def test_silence_is_given_up(settle):
    forever = rclpy.task.Future()

    async def never(_, response):
        await forever
        return response

    settle.answering.create_service(Trigger, "silent", never)
    client = found(settle, settle.asking.create_client(Trigger, "silent"))
    with pytest.raises(TimeoutError, match=r"did not answer within 0\.3 s"):
        settle(call(settle.asking, client, Trigger.Request(), timeout_sec=0.3))
    forever.set_result(None)
