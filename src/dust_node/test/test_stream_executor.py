"""What streams is run at once, what is asked is answered all the same."""

import threading

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

import rclpy
from rclpy.action import ActionClient, ActionServer
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.executors import ExternalShutdownException
from rclpy.impl.implementation_singleton import rclpy_implementation as _rclpy
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.task import Future
from rosgraph_msgs.msg import Clock as ClockMessage
from std_msgs.msg import Int64
from std_srvs.srv import Trigger

from dust_msgs.action import Gripper
from dust_node.polled import Polled
from dust_node.stream_executor import StreamExecutor


class Spun:
    """A node that a StreamExecutor spins, next to the probe's."""

    def __init__(self, probe) -> None:
        self.probe = probe
        self.executor = StreamExecutor(context=probe.context)
        self.node = Node("spun", context=probe.context)
        self.executor.add_node(self.node)
        self.spins = 0

    def wait(self, condition):
        """Spin both until the condition holds; return its value."""

        def met():
            self.executor.spin_once(timeout_sec=0.01)
            self.spins += 1
            return condition()

        return self.probe.wait(met)

    def ask(self, name: str):
        client = self.probe.node.create_client(Trigger, name)
        self.wait(client.service_is_ready)
        answer = client.call_async(Trigger.Request())
        self.wait(answer.done)
        self.probe.node.destroy_client(client)
        return answer.result()

    def close(self) -> None:
        self.executor.remove_node(self.node)
        self.executor.shutdown()
        self.node.destroy_node()


@pytest.fixture
def spun(probe):
    spun = Spun(probe)
    yield spun
    spun.close()


def wait_arrival(node, topic):
    """Wait until a message lies ready for a subscription, and leave it there."""
    [row] = [row for row in node.subscriptions if row.topic_name == topic]
    with node.context.handle, row.handle:
        waiting = _rclpy.WaitSet(1, 0, 0, 0, 0, 0, node.context.handle)
        waiting.clear_entities()
        waiting.add_subscription(row.handle)
        waiting.wait(5 * 10**9)
        assert waiting.is_ready("subscription", 0), f"nothing arrived on {topic}"


def answered(request, response):
    response.success = True
    return response


def test_a_service_answers_while_messages_stream(spun):
    heard, ticks = [], []
    spun.node.create_subscription(Int64, "stream", heard.append, 10)
    spun.node.create_timer(0.001, lambda: ticks.append(1))
    spun.node.create_service(Trigger, "ask", answered)
    publisher = spun.probe.node.create_publisher(Int64, "stream", 10)
    spun.probe.node.create_timer(0.002, lambda: publisher.publish(Int64(data=1)))
    spun.wait(lambda: heard and ticks)
    before = len(ticks)
    assert spun.ask("ask").success
    assert len(ticks) > before
    before = len(heard)
    spun.wait(lambda: len(heard) > before)


def test_a_service_may_wait_for_a_timer_and_another_service(spun):
    clock = Clock(clock_type=ClockType.STEADY_TIME)
    group = ReentrantCallbackGroup()
    other = spun.node.create_client(Trigger, "other", callback_group=group)
    spun.probe.node.create_service(Trigger, "other", answered)

    async def slowly(request, response):
        woken = Future()
        timer = spun.node.create_timer(0.05, lambda: woken.set_result(True), clock=clock)
        await woken
        spun.node.destroy_timer(timer)
        return answered(request, await other.call_async(Trigger.Request()))

    spun.node.create_service(Trigger, "ask", slowly, callback_group=group)
    spun.node.create_service(Trigger, "quick", answered, callback_group=group)
    spun.wait(other.service_is_ready)
    slow = spun.probe.node.create_client(Trigger, "ask")
    spun.wait(slow.service_is_ready)
    answer = slow.call_async(Trigger.Request())
    assert spun.ask("quick").success
    spun.wait(answer.done)
    assert answer.result().success


def test_a_callback_may_be_a_coroutine(spun):
    heard, released = [], Future()

    async def hear(message):
        await released
        heard.append(message.data)

    spun.node.create_subscription(Int64, "stream", hear, 10)
    publisher = spun.probe.node.create_publisher(Int64, "stream", 10)
    spun.wait(lambda: publisher.get_subscription_count() == 1)
    publisher.publish(Int64(data=7))
    spun.wait(lambda: spun.spins > 20)
    assert heard == []
    released.set_result(None)
    assert spun.wait(lambda: heard) == [7]


def test_what_is_made_and_destroyed_meanwhile_is_noticed(spun):
    heard = []
    publisher = spun.probe.node.create_publisher(Int64, "late", 10)

    def begin() -> None:
        timer.cancel()
        spun.subscription = spun.node.create_subscription(Int64, "late", hear, 10)

    def hear(message) -> None:
        heard.append(message.data)
        spun.node.destroy_subscription(spun.subscription)

    timer = spun.node.create_timer(0.01, begin)
    spun.wait(lambda: publisher.get_subscription_count() == 1)
    publisher.publish(Int64(data=1))
    spun.wait(lambda: heard)
    spun.wait(lambda: publisher.get_subscription_count() == 0)
    assert heard == [1]


def test_simulated_time_drives_timers(spun):
    ticks = []
    spun.node.set_parameters([Parameter("use_sim_time", value=True)])
    spun.node.create_timer(1.0, lambda: ticks.append(spun.node.get_clock().now().nanoseconds))
    clock = spun.probe.node.create_publisher(ClockMessage, "/clock", 10)
    spun.wait(lambda: clock.get_subscription_count() == 1)
    for second in range(1000, 1006):
        message = ClockMessage()
        message.clock.sec = second
        clock.publish(message)
        now = second * 10**9
        spun.wait(lambda now=now: spun.node.get_clock().now().nanoseconds == now)
        if second > 1000:
            spun.wait(lambda now=now: ticks and ticks[-1] == now)
    before, spins = len(ticks), spun.spins
    spun.wait(lambda: spun.spins > spins + 20)
    assert len(ticks) == before


def test_simulated_time_is_up_to_date_after_a_callback_that_took_long(spun):
    spun.node.set_parameters([Parameter("use_sim_time", value=True)])
    clock = spun.probe.node.create_publisher(ClockMessage, "/clock", 10)
    numbers = [spun.probe.node.create_publisher(Int64, name, 10) for name in ("first", "second")]
    seen = {}

    def hear(name):
        seen[name] = spun.node.get_clock().now().nanoseconds
        if name == "first":  # it takes long; meanwhile the time goes on
            message = ClockMessage()
            message.clock.sec = 1000
            clock.publish(message)
            wait_arrival(spun.node, "/clock")

    for name in ("first", "second"):
        spun.node.create_subscription(Int64, name, lambda _, name=name: hear(name), 10)
    spun.wait(lambda: clock.get_subscription_count() == 1)
    spun.wait(lambda: all(row.get_subscription_count() == 1 for row in numbers))
    for row in numbers:
        row.publish(Int64())
    for name in ("first", "second"):
        wait_arrival(spun.node, f"/{name}")
    spun.wait(lambda: len(seen) == 2)
    assert seen == {"first": 0, "second": 1000 * 10**9}


def test_an_action_goes_through(spun):
    def execute(handle):
        handle.succeed()
        return Gripper.Result(success=True)

    server = ActionServer(spun.probe.node, Gripper, "grip", execute)
    client = ActionClient(spun.node, Gripper, "grip")
    spun.wait(client.server_is_ready)
    goal = client.send_goal_async(Gripper.Goal())
    spun.wait(goal.done)
    result = goal.result().get_result_async()
    spun.wait(result.done)
    assert result.result().result.success
    client.destroy()
    server.destroy()


def test_another_thread_can_wake_it(spun):
    woken = []
    guard = spun.node.create_guard_condition(lambda: woken.append(threading.get_ident()))
    thread = threading.Thread(target=guard.trigger)
    thread.start()
    spun.wait(lambda: woken)
    thread.join()
    assert woken == [threading.get_ident()]
    done = spun.executor.create_task(lambda: "done")
    spun.executor.spin_until_future_complete(done, timeout_sec=5.0)
    assert done.result() == "done"


def test_polled_messages_stay_where_they_are(spun):
    polled = Polled(spun.node, Int64, "fast")
    publisher = spun.probe.node.create_publisher(Int64, "fast", 10)
    spun.wait(lambda: publisher.get_subscription_count() == 1)
    publisher.publish(Int64(data=1))
    spins = spun.spins
    spun.wait(lambda: spun.spins > spins + 10)
    assert polled.take().data == 1
    polled.close()


def test_an_error_in_a_callback_is_not_swallowed(spun):
    def fail() -> None:
        raise ZeroDivisionError

    timer = spun.node.create_timer(0.001, fail)
    with pytest.raises(ZeroDivisionError):
        spun.wait(lambda: False)
    spun.node.destroy_timer(timer)


def test_it_ends_with_its_context(fresh_ros_domain):
    context = rclpy.context.Context()
    rclpy.init(context=context, domain_id=fresh_ros_domain)
    executor = StreamExecutor(context=context)
    node = Node("spun", context=context)
    executor.add_node(node)
    executor.spin_once(timeout_sec=0.0)
    context.shutdown()
    with pytest.raises(ExternalShutdownException):
        executor.spin_once(timeout_sec=1.0)
    executor.remove_node(node)
    executor.shutdown()
    node.destroy_node()
