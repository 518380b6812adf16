"""Tests of dust_node.executor_link against a node that answers, refuses, or stays silent."""

import pytest
import rclpy
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from std_srvs.srv import SetBool

from dust_msgs.srv import EndTask, StartTask
from dust_node.executor_link import ExecutorLink
from dust_node.waiting import until


@pytest.fixture
def spun(ros_domain):
    """Two nodes and a function that spins both until a coroutine is done."""
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=ros_domain)
    asking, answering = Node("asking", context=context), Node("answering", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(asking)
    executor.add_node(answering)

    def settle(coroutine):
        task = executor.create_task(coroutine)
        executor.spin_until_future_complete(task, timeout_sec=10)
        assert task.done()
        return task.result()

    yield asking, answering, settle
    executor.shutdown()
    asking.destroy_node()
    answering.destroy_node()
    context.shutdown()
    context.destroy()


def test_answers_and_refusals(spun):
    asking, answering, settle = spun
    asked = []

    def start(request, response):
        asked.append((request.task_id, request.source))
        response.success = request.task_id == "good"
        response.message = "" if response.success else "stopped for cause"
        return response

    def end(request, response):
        asked.append((request.task_id, request.reason))
        response.success = False
        return response

    answering.create_service(StartTask, "dust_executor/start_task", start)
    answering.create_service(EndTask, "dust_executor/end_task", end)
    link = ExecutorLink(asking)
    assert settle(link.start_task("good", "me", timeout_sec=5)) == ""
    assert settle(link.start_task("bad", "me", timeout_sec=5)) == "stopped for cause"
    assert settle(link.end_task("bad", "over", timeout_sec=5)) == "no reason given"
    assert asked == [("good", "me"), ("bad", "me"), ("bad", "over")]
    link.close()


def test_nobody_there(spun):
    asking, _, settle = spun
    link = ExecutorLink(asking)
    with pytest.raises(ConnectionError, match="nobody offers dust_executor/start_task"):
        settle(link.start_task("task", "me", timeout_sec=0.2))
    link.close()


def test_silence(spun):
    asking, answering, settle = spun
    forever = rclpy.task.Future()

    async def wait(_request, response):
        await forever
        return response

    answering.create_service(StartTask, "dust_executor/start_task", wait)
    answering.create_service(EndTask, "dust_executor/end_task", wait)
    link = ExecutorLink(asking)
    assert "did not answer within 0.3 s" in settle(link.end_task("task", "over", timeout_sec=0.3))
    said = settle(link.end_task("task", "over", timeout_sec=60, silent=True))
    assert "did not answer within 0.5 s" in said
    with pytest.raises(TimeoutError, match=r"did not answer within 0\.3 s"):
        settle(link.start_task("task", "me", timeout_sec=0.3))
    forever.set_result(None)
    link.close()


def test_what_was_lost_is_asked_again_and_a_pause_is_not(spun):
    asking, answering, settle = spun
    forever = rclpy.task.Future()
    asked = []

    async def second(request, response):
        # As if the first request, or its answer, had been lost.
        asked.append(request)
        if asked.count(request) < 2:
            await forever
        response.success = True
        return response

    # Who waits forever must not keep the next one waiting.
    group = ReentrantCallbackGroup()
    for kind, name in ((StartTask, "start_task"), (EndTask, "end_task"), (SetBool, "pause")):
        answering.create_service(kind, f"dust_executor/{name}", second, callback_group=group)
    link = ExecutorLink(asking)
    assert settle(link.start_task("task", "me", timeout_sec=10)) == ""
    assert settle(link.end_task("task", "over", timeout_sec=10)) == ""
    start = StartTask.Request(task_id="task", source="me")
    end = EndTask.Request(task_id="task", reason="over")
    assert asked == [start, start, end, end]
    # Of two pauses the second would be refused.
    with pytest.raises(TimeoutError, match=r"did not answer within 1\.2 s"):
        settle(link.pause_task(True, timeout_sec=1.2))
    assert asked[4:] == [SetBool.Request(data=True)]
    forever.set_result(None)
    link.close()


@pytest.mark.parametrize(("offered", "failure"), [(True, TimeoutError), (False, ConnectionError)])
def test_closing_ends_what_is_asked_as_if_nobody_answered(spun, offered, failure):
    asking, answering, settle = spun
    forever = rclpy.task.Future()

    async def wait(_request, response):
        await forever
        return response

    if offered:
        answering.create_service(StartTask, "dust_executor/start_task", wait)
    link = ExecutorLink(asking)

    async def close_meanwhile():
        begun = rclpy.task.Future()
        asking.create_timer(0.3, lambda: begun.done() or begun.set_result(None))
        await begun
        link.close()
        link.close()

    async def ask():
        closing = asking.executor.create_task(close_meanwhile())
        try:
            await link.start_task("task", "me", timeout_sec=30)
        finally:
            await closing

    with pytest.raises(failure, match=r"dust_executor/start_task.* closed"):
        settle(ask())
    assert link.closed
    # Timers that go on would use what is gone: half a second on they would have asked again.
    settle(until(asking, lambda: False, timeout_sec=0.8))
    assert "closed" in settle(link.end_task("task", "over", timeout_sec=30))
    forever.set_result(None)
